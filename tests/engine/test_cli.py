"""The command line: every command, its output, and one plain line where something cannot be done."""

from __future__ import annotations

import io
import json
import re
import shutil
import subprocess
import sys

import pandas as pd
import pytest

from engine import service
from engine.cli import main
from engine.events import DepthMeasured, EpochEnded
from engine.leases import Leases
from engine.presets import PRESETS
from engine.spec import ExperimentSpec
from engine.store import Store


@pytest.fixture
def no_worker(monkeypatch):
    """Nothing is started; what waits stays as it is."""
    from engine import launch

    started: list[object] = []
    for module, name in ((service, "ensure_worker"), (service, "supervise"), (launch, "supervise")):
        monkeypatch.setattr(module, name, lambda *args: started.append(args))
    return started


@pytest.fixture
def said(home, capsys, no_worker):
    """Run a command with this test's home; returns (exit code, standard output)."""

    def act(*words: str, home_too: bool = True) -> tuple[int, str]:
        code = main([*words, *(["--home", str(home)] if home_too else [])])
        captured = capsys.readouterr()
        assert captured.err == ""
        return code, captured.out

    return act


@pytest.fixture
def refused(home, capsys, no_worker):
    """Run a command that must fail: exit code 2 and one line on standard error, which is returned."""

    def act(*words: str, home_too: bool = True) -> str:
        assert main([*words, *(["--home", str(home)] if home_too else [])]) == 2
        captured = capsys.readouterr()
        assert captured.out == ""
        (line,) = captured.err.splitlines()
        assert line.startswith("transferscope: ")
        return line

    return act


@pytest.fixture
def file(tmp_path, make_spec) -> str:
    path = tmp_path / "pilot.toml"
    path.write_text(make_spec(name="pilot", seeds=(0, 1)).to_toml())
    return str(path)


def finish_one(home) -> None:
    store = Store(home)
    leases = Leases(store)
    token = leases.register("cpu") or leases.workers()[0]["token"]
    lease = leases.claim(token, "cpu")
    leases.append(
        lease, 0, [EpochEnded(0, None, None, 2.0, 0.1, None), DepthMeasured(1, "stem", "knn_accuracy", 0.5, 8, 4)]
    )
    leases.finish(lease, "finished", "", 1.0)
    store.close()


def test_presets_are_listed_and_printed_as_toml(said):
    code, out = said("presets", home_too=False)
    assert code == 0
    assert "quick" in out
    code, out = said("presets", "--toml", "quick", home_too=False)
    assert ExperimentSpec.from_toml(out) == PRESETS["quick"].spec


def test_a_plan_lists_runs_and_costs_and_records_nothing(said, file, no_worker):
    code, out = said("plan", file)
    assert code == 0
    assert out.count("  from_scratch ") == 2  # and once in the line that says how they are trained
    assert "2 runs, about" in out
    assert "rough" in out
    assert "No runs yet" in said("runs")[1]


def test_added_controls_are_counted_priced_and_said_with_the_way_to_leave_them_out(said, tmp_path, no_worker):
    path = tmp_path / "lora.toml"
    path.write_text('strategies = ["lora"]\nseeds = [0, 1]\nlabel_budgets = [50]\n')
    code, out = said("plan", str(path))
    assert code == 0
    assert "6 runs, about" in out
    assert [out.count(f"  {name} ") for name in ("lora", "from_scratch", "linear_probe")] == [2, 2, 2]
    (line,) = [line for line in out.splitlines() if line.startswith("Controls added: ")]
    assert re.fullmatch(
        r"Controls added: From scratch, Linear probe \(4 of these runs, about \d+ s\)\. Without them nobody can say what is a"
        r" gain; controls = false leaves them out\.",
        line,
    )
    assert "Zero-shot" not in out, (
        "this network has no text tower, and its head names no digits: there is none to expect"
    )
    out = said("run", str(path))[1]
    assert "6 runs queued" in out
    assert "Controls added: From scratch, Linear probe (4 of these runs). Without them" in out
    path.write_text(path.read_text() + "controls = false\n")
    out = said("plan", str(path))[1]
    assert "2 runs, about" in out
    assert "No from scratch and linear probe here: nobody can say what is a gain" in out
    assert "0 runs queued, 2 computed before and reused" in said("run", str(path))[1]


def test_run_queues_and_reuses(said, file, no_worker):
    code, out = said("run", file)
    assert code == 0
    assert "2 runs queued" in out
    assert len(no_worker) == 1
    assert "0 runs queued, 2 computed before and reused" in said("run", file)[1]


def test_runs_in_words_and_as_json(said, file, home):
    said("run", file)
    finish_one(home)
    out = said("runs", "pilot")[1]
    assert out.count("seed") == 2
    assert "finished" in out
    rows = [json.loads(line) for line in said("runs", "--json")[1].splitlines()]
    assert sorted(row["state"] for row in rows) == ["finished", "queued"]
    assert rows[0]["label_budget"] == 20


def test_stop_and_resume(said, file):
    said("run", file)
    assert said("cancel", "pilot") == (0, "Asked 2 runs to stop.\n")
    rows = [json.loads(line) for line in said("runs", "--json")[1].splitlines()]
    assert {row["state"] for row in rows} == {"cancelled"}
    assert said("resume", rows[0]["run_id"][:12]) == (0, "Asked 1 run to resume.\n")


@pytest.mark.parametrize("frame", ["runs", "learning_curve", "transfer_curve"])
def test_export(said, file, home, tmp_path, frame):
    said("run", file)
    finish_one(home)
    csv = pd.read_csv(io.StringIO(said("export", "pilot", "--frame", frame)[1]))
    rows = json.loads(said("export", "pilot", "--frame", frame, "--format", "json")[1])
    assert (
        said("export", "pilot", "--frame", frame, "--format", "parquet", "--output", str(tmp_path / "f.parquet"))[1]
        == ""
    )
    parquet = pd.read_parquet(tmp_path / "f.parquet")
    assert len(csv) == len(rows) == len(parquet) > 0
    assert list(csv.columns) == list(rows[0]) == list(parquet.columns)
    if frame == "transfer_curve":
        assert csv["value"].tolist() == parquet["value"].tolist() == [0.5]


@pytest.mark.parametrize("frame", ["layer_transfer", "layer_losses", "search", "advice"])
def test_every_frame_that_is_offered_can_be_exported(said, file, frame):
    said("run", file)
    code, text = said("export", "pilot", "--frame", frame)
    assert code == 0
    assert "backbone" in text.splitlines()[0]


def test_parquet_goes_to_a_pipe(file, home, said):
    said("run", file)
    command = [sys.executable, "-m", "engine", "export", "pilot", "--frame", "runs", "--format", "parquet"]
    done = subprocess.run([*command, "--home", str(home)], capture_output=True, check=True)
    assert len(pd.read_parquet(io.BytesIO(done.stdout))) == 2


def test_a_reader_that_leaves_is_no_error(file, home, said):
    said("run", file)
    command = f"{sys.executable} -m engine export pilot --frame runs --home {home} | head -c 1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_describe_a_backbone(said):
    out = said("describe", "resnet20_cifar10", home_too=False)[1]
    assert "10 units" in out
    assert json.loads(said("describe", "resnet20_cifar10", "--json", home_too=False)[1])["name"] == "resnet20_cifar10"


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["run", "--preset", "quik"], "Did you mean 'quick'"),
        (["run", "absent.toml"], "absent.toml"),
        (["plan", "spec.yaml"], "neither .toml nor .json"),
        (["runs", "pilto"], "There is no experiment named 'pilto'"),
        (["cancel", ""], "There is no experiment named ''"),
        (["resume", "0000"], "There is no experiment"),
        (["export", "pilot", "--frame", "transfercurve"], "Did you mean 'transfer_curve'"),
        (["export", "pilot", "--frame", "runs"], "There is no experiment named 'pilot'"),
    ],
)
def test_mistakes_are_answered_in_one_line(refused, words, text):
    assert text in refused(*words)


def test_a_file_that_cannot_be_written_is_named(said, refused, file, tmp_path):
    said("run", file)
    for form in ("csv", "parquet"):
        output = str(tmp_path / "absent" / "f")
        assert output in refused("export", "pilot", "--frame", "runs", "--format", form, "--output", output)


def test_a_bad_spec_is_named_with_its_file(refused, tmp_path):
    path = tmp_path / "bad.toml"
    path.write_text("seed = [0]\n")
    line = refused("run", str(path))
    assert "bad.toml" in line
    assert "Did you mean 'seeds'" in line


def test_a_home_that_cannot_be_written(refused, tmp_path):
    (tmp_path / "file").write_text("")
    assert "cannot be used" in refused("runs", "--home", str(tmp_path / "file"), home_too=False)


def test_an_unknown_backbone(refused):
    assert "Did you mean 'resnet20_cifar10'" in refused("describe", "resnet20_cifar", home_too=False)


def test_no_command_and_unknown_options_are_for_argparse(capsys):
    for words in ([], ["run"], ["runs", "--jason"], ["export", "x"]):
        with pytest.raises(SystemExit) as caught:
            main(words)
        assert caught.value.code == 2
    assert "usage" in capsys.readouterr().err


def test_from_a_spec_to_a_table_in_two_commands(home, tmp_path, make_spec, colours):
    """End to end, with a real worker: `run --follow` prints progress and exits 0, `export` prints the curve."""
    import psutil

    path = tmp_path / "spec.json"
    spec = make_spec(
        datasets=(f"folder:{colours}",), label_budgets=(21,), strategies=("linear_probe",), measures=("knn",)
    )
    path.write_text(spec.to_json())
    command = [sys.executable, "-m", "engine"]
    try:
        followed = subprocess.run(
            [*command, "run", str(path), "--follow", "--home", str(home)], capture_output=True, text=True, timeout=200
        )
        assert followed.stderr == ""
        assert followed.returncode == 0
        assert "[1/1] finished" in followed.stdout
        assert "1 of 1 runs finished" in followed.stdout
        table = subprocess.run(
            [*command, "export", spec.experiment_id[:8], "--frame", "transfer_curve", "--home", str(home)],
            capture_output=True,
            text=True,
            check=True,
        )
        frame = pd.read_csv(io.StringIO(table.stdout))
        assert frame["metric"].value_counts().to_dict() == {"knn_accuracy": 10, "test_accuracy": 1, "val_accuracy": 1}
        failing = tmp_path / "failing.json"
        absent = {"weights": "file:/absent.safetensors", "name": "failing"}
        failing.write_text(json.dumps(spec.to_dict() | absent))
        failed = subprocess.run(
            [*command, "run", str(failing), "--follow", "--home", str(home)],
            capture_output=True,
            text=True,
            timeout=200,
        )
        assert failed.returncode == 1
        assert "failed. There is no weights file /absent.safetensors" in failed.stdout
    finally:
        store = Store(home)
        for worker in Leases(store).workers():
            process = psutil.Process(worker["pid"])
            process.kill()
            process.wait(10)
        store.close()


def test_the_doctor_says_what_is_odd(colours, tmp_path, said, capsys):
    copy = tmp_path / "copy"
    shutil.copytree(colours, copy)
    (copy / "red" / "000.png").write_bytes(b"")
    code, text = said("doctor", f"folder:{copy}", "--backbone", "resnet20_cifar10", "--limit", "30")
    assert code == 0
    assert "1 of 30 files cannot be read" in text
    assert json.loads(said("doctor", f"folder:{copy}", "--json")[1])["n_looked"] == 36
    assert main(["doctor", "digit", "--home", str(tmp_path)]) == 2
    assert "Did you mean 'digits'" in capsys.readouterr().err
