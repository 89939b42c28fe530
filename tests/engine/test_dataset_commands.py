"""`datasets` and `fetch` of the command line."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path

import pytest

from engine import cli
from engine.datasets._known import known


@pytest.fixture
def mnist(monkeypatch, tmp_path):
    """A home, and MNIST's stand-in on a local server."""
    path = Path(__file__).parent / "datasets" / "stand_ins.py"
    spec = importlib.util.spec_from_file_location("stand_ins", path)
    module = sys.modules["stand_ins"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with module.serving() as running:
        monkeypatch.setitem(known(), "mnist", module.served(known()["mnist"], running))
        yield tmp_path, running


def said(capsys, *arguments: str) -> str:
    assert cli.main(list(arguments)) == 0
    return capsys.readouterr().out


def test_the_list_says_size_licence_and_where(tmp_path, capsys):
    out = said(capsys, "datasets", "--home", str(tmp_path))
    lines = {line.split()[0]: line for line in out.splitlines() if line.startswith("  ")}
    assert set(known()) | {"digits"} <= set(lines)
    assert "170 MB to get" in lines["cifar10"]
    assert "39.1 GB to get" in lines["sun397"]
    assert "licence: MIT" in lines["eurosat"]
    assert "on this machine" in lines["digits"]
    assert "Fine-grained:" in out


def test_words_search_names_groups_and_classes(tmp_path, capsys):
    out = said(capsys, "datasets", "traffic stop", "--home", str(tmp_path), "--json")
    (row,) = map(json.loads, out.splitlines())
    assert row["name"] == "gtsrb"
    assert row["on_this_machine"] is False
    assert row["download_bytes"] > 0
    assert row["citation"].startswith("Stallkamp")
    assert row["page"].startswith("https://")
    assert cli.main(["datasets", "nothing of the kind", "--home", str(tmp_path)]) == 2
    assert "No dataset has 'nothing of the kind'" in capsys.readouterr().err


def test_fetch_shows_the_card_first_and_ends_with_what_came(mnist, capsys):
    home, _ = mnist
    assert cli.main(["fetch", "mnist", "--home", str(home)]) == 0
    shown = capsys.readouterr()
    first, _, last = shown.out.splitlines()
    assert first == "MNIST: 0 MB to get. Licence: not stated on its page; Keras' documentation says CC BY-SA 3.0."
    assert last.startswith("MNIST is ready: 30 images to learn from and 30 to test on, in 10 classes.")
    assert "downloading mnist" in shown.err
    assert "already" in said(capsys, "fetch", "mnist", "--home", str(home))
    assert "on this machine" in said(capsys, "datasets", "mnist", "--home", str(home))


def test_fetch_says_what_went_wrong(mnist, capsys):
    home, server = mnist
    server.files["mnist/train-images-idx3-ubyte.gz"] = b"another file"
    assert cli.main(["fetch", "mnist", "--home", str(home)]) == 2
    assert "not what was published" in capsys.readouterr().err
    assert cli.main(["fetch", "mnst", "--home", str(home)]) == 2
    assert "Did you mean 'mnist'" in capsys.readouterr().err


def test_the_list_loads_no_torch(tmp_path):
    import subprocess

    code = (
        f"from engine import cli\ncli.main(['datasets', '--home', {str(tmp_path)!r}])\n"
        "import sys\nassert not {'torch', 'torchvision'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
