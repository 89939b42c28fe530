"""Registries: duplicates and unknown names are errors; loading is complete for every thread."""

from __future__ import annotations

import subprocess
import sys
import threading
from dataclasses import dataclass

import pytest

from engine.errors import UnknownNameError
from engine.registry import Registry


@dataclass(frozen=True)
class Entry:
    name: str


def test_entries_keep_their_order_and_are_found_by_name():
    registry: Registry[Entry] = Registry("thing")
    first, second = registry.register(Entry("zebra")), registry.register(Entry("ant"))
    assert registry["zebra"] is first
    assert list(registry) == [first, second]
    assert registry.names() == ["zebra", "ant"]
    assert len(registry) == 2
    assert "ant" in registry
    assert "bee" not in registry


def test_a_name_can_be_taken_once():
    registry: Registry[Entry] = Registry("thing")
    registry.register(Entry("ant"))
    with pytest.raises(ValueError, match="thing 'ant' is registered twice"):
        registry.register(Entry("ant"))


def test_an_unknown_name_is_answered_with_near_matches_known_names_and_the_hint():
    registry: Registry[Entry] = Registry("thing", hint="Ask Ann.")
    registry.register(Entry("linear_probe"))
    with pytest.raises(UnknownNameError) as caught:
        registry["linaer_probe"]
    text = "There is no thing named 'linaer_probe'. Did you mean 'linear_probe'? Known: linear_probe. Ask Ann."
    assert str(caught.value) == text
    assert (caught.value.kind, caught.value.given, caught.value.known) == ("thing", "linaer_probe", ["linear_probe"])


def test_an_empty_registry_says_so():
    with pytest.raises(UnknownNameError, match="There are none yet"):
        Registry("thing")["ant"]


FAMILY = """
import time
from family import REGISTRY, Entry
time.sleep(0.05)
REGISTRY.register(Entry("{name}"))
"""


def test_every_thread_sees_all_entries(tmp_path, monkeypatch):
    package = tmp_path / "family"
    package.mkdir()
    (package / "__init__.py").write_text(
        "from dataclasses import dataclass\nfrom engine.registry import Registry\n"
        "@dataclass(frozen=True)\nclass Entry:\n    name: str\n"
        "REGISTRY = Registry('member', 'family')\n"
    )
    for name in ("a", "b", "c"):
        (package / f"{name}.py").write_text(FAMILY.format(name=name))
    (package / "_private.py").write_text("raise AssertionError('modules with an underscore are not plug-ins')")
    monkeypatch.syspath_prepend(tmp_path)
    from family import REGISTRY

    seen: list[list[str]] = []
    threads = [threading.Thread(target=lambda: seen.append(REGISTRY.names())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [["a", "b", "c"]] * 4


def test_a_plug_in_that_fails_is_not_forgotten(tmp_path, monkeypatch):
    package = tmp_path / "broken_family"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "a.py").write_text("raise RuntimeError('broken plug-in')")
    monkeypatch.syspath_prepend(tmp_path)
    registry: Registry[Entry] = Registry("member", "broken_family")
    for _ in range(2):
        with pytest.raises(RuntimeError, match="broken plug-in"):
            registry.names()


def test_reading_every_registry_loads_no_torch():
    code = (
        "import sys\nfrom engine.strategies import STRATEGIES\nfrom engine.datasets import DATASETS\n"
        "from engine.scores import SCORES\nfrom engine.presets import PRESETS\nfrom engine.backbones import BACKBONES\n"
        "print(len(STRATEGIES) and len(DATASETS) and len(SCORES) and len(PRESETS) and len(BACKBONES),"
        " any(name in sys.modules for name in ('torch', 'timm', 'torchvision')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split()[1] == "False"
