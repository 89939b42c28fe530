"""The home directory is created, proved writable, or refused by name."""

from __future__ import annotations

import sys

import pytest

from engine import home
from engine.errors import HomeError
from engine.store import Store


def test_the_folder_asked_for_is_made(tmp_path):
    asked = tmp_path / "a" / "b"
    assert home.resolve(asked) == asked
    assert asked.is_dir()
    assert list(asked.iterdir()) == []


def test_the_variable_comes_before_the_default(tmp_path, monkeypatch):
    monkeypatch.setenv(home.VARIABLE, str(tmp_path / "variable"))
    assert home.resolve() == tmp_path / "variable"
    monkeypatch.delenv(home.VARIABLE)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setattr(sys, "platform", "linux")
    assert home.resolve() == tmp_path / "transferscope"


def test_every_platform_has_a_default(monkeypatch, tmp_path):
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path))
    for platform in ("win32", "darwin", "linux"):
        monkeypatch.setattr(sys, "platform", platform)
        assert home.default().name == "transferscope"


def test_a_relative_home_becomes_absolute(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert home.resolve("here") == tmp_path / "here"


@pytest.mark.parametrize("below", ["", "deeper"])
def test_a_file_in_the_way_is_named(tmp_path, below):
    (tmp_path / "file").write_text("")
    with pytest.raises(HomeError, match=r"file.* cannot be used: .*--home DIR.*TRANSFERSCOPE_HOME"):
        home.resolve(tmp_path / "file" / below)


def test_a_folder_that_nobody_can_write_is_refused():
    # Permission bits do not stop root, and the file system of processes does.
    with pytest.raises(HomeError, match="cannot be used"):
        home.resolve("/proc/self/fdinfo")


def test_the_store_of_a_home_with_a_damaged_file_is_refused(tmp_path):
    (tmp_path / "transferscope.sqlite").write_bytes(b"this is not a database, and long enough to be looked at" * 40)
    from engine.errors import StoreError

    with pytest.raises(StoreError, match=r"transferscope\.sqlite cannot be opened"):
        Store(tmp_path)
