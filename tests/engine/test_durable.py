"""A file gets its name when its bytes are on the disk, and its folder is synced after that."""

from __future__ import annotations

import os

import pytest

from engine import durable


@pytest.mark.skipif(os.name != "posix", reason="folders are synced on POSIX")
def test_bytes_then_name_then_folder(tmp_path, monkeypatch):
    part, final = tmp_path / "x.part", tmp_path / "x"
    part.write_text("new")
    final.write_text("old")
    order = []
    real = os.fsync

    def watched(handle):
        at = os.readlink(f"/proc/self/fd/{handle}") if os.path.isdir("/proc/self/fd") else str(handle)
        order.append((at, final.read_text()))
        real(handle)

    monkeypatch.setattr(os, "fsync", watched)
    durable.replace(part, final)
    assert (final.read_text(), part.exists()) == ("new", False)
    assert [content for _, content in order] == ["old", "new"]
    if os.path.isdir("/proc/self/fd"):
        assert [at for at, _ in order] == [str(part), str(tmp_path)]


def test_what_is_not_there_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        durable.replace(tmp_path / "none", tmp_path / "x")
