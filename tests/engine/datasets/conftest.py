"""Tiny datasets in the real formats (`stand_ins.py`), downloaded from a local server by the real code."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from engine import datasets
from engine.datasets._known import known


@pytest.fixture(scope="session")
def stand_ins() -> ModuleType:
    """The module of the stand-ins: their makers and the server."""
    spec = importlib.util.spec_from_file_location("stand_ins", Path(__file__).with_name("stand_ins.py"))
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules["stand_ins"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def server(stand_ins: ModuleType) -> Iterator:
    """A server that hands out bytes by path, and misbehaves when told to."""
    with stand_ins.serving() as running:
        yield running


@pytest.fixture(scope="session")
def downloaded(tmp_path_factory: pytest.TempPathFactory, stand_ins: ModuleType) -> Path:
    """A home with every dataset that can be downloaded, tiny."""
    home = tmp_path_factory.mktemp("downloaded")
    with stand_ins.serving() as running, pytest.MonkeyPatch.context() as patch:
        for name, facts in known().items():
            patch.setitem(known(), name, stand_ins.served(facts, running))
            datasets.fetch(name, home)
    return home
