"""Decoded images on disk: the bits of memory, damage found, room made, nothing half-written, bounds stated."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from collections import namedtuple

import numpy as np
import pytest

from engine import limits
from engine.control import Cancelled, Control
from engine.datasets import _cache, _load, load, make_split, signature
from engine.datasets._decode import Sizing
from engine.errors import DatasetError

SIDE = 12
EACH = 36 * SIDE * SIDE * 3
"""Bytes of the `colours` at this side."""
Disk = namedtuple("Disk", "total used free")


@pytest.fixture(autouse=True)
def everything_is_large(monkeypatch):
    monkeypatch.setattr(_load, "MAPPED_FROM", 1)
    monkeypatch.setattr(_cache, "PIECE", 5_000)
    for variable in (limits.MEMORY_VARIABLE, limits.DISK_VARIABLE):
        monkeypatch.delenv(variable, raising=False)


@pytest.fixture
def name(colours) -> str:
    return f"folder:{colours}"


def same(one, two) -> None:
    for field in ("pixels", "labels", "parts", "keys"):
        np.testing.assert_array_equal(getattr(one, field), getattr(two, field))
        assert getattr(one, field).dtype == getattr(two, field).dtype
    assert (one.info, one.skipped, one.fingerprint) == (two.info, two.skipped, two.fingerprint)
    for a, b in zip(vars(make_split(one, 1, 12)).values(), vars(make_split(two, 1, 12)).values(), strict=True):
        np.testing.assert_array_equal(a, b)


def entry_of(home):
    (entry,) = _cache.folder(home).iterdir()
    return entry


def phases(call) -> set[str]:
    told: list[tuple[str, float]] = []
    call(lambda phase, share: told.append((phase, share)))
    assert all(0 < share <= 1 for _, share in told)
    return {phase for phase, _ in told}


def test_the_bits_of_memory_with_broken_files_left_out(colours, home, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(colours, copy)
    (copy / "red" / "zero.png").write_bytes(b"")
    mapped, plain = load(f"folder:{copy}", SIDE, home=home), load(f"folder:{copy}", SIDE)
    same(mapped, plain)
    assert mapped.mapped
    assert not plain.mapped
    assert mapped.skipped == (f"{os.path.join('red', 'zero.png')}: the file is empty",)
    assert not mapped.pixels.flags.writeable


def test_decoded_once_then_only_checked(name, home):
    assert phases(lambda tell: load(name, SIDE, home=home, tell=tell)) == {"decoding"}
    assert phases(lambda tell: load(name, SIDE, home=home, tell=tell)) == {"checking decoded images"}
    same(load(name, SIDE, home=home), load(name, SIDE))


def test_small_data_stay_in_memory(name, home, monkeypatch):
    monkeypatch.setattr(_load, "MAPPED_FROM", EACH + 1)
    assert not load(name, SIDE, home=home).mapped
    assert not _cache.folder(home).exists()


def test_another_size_interpolation_crop_or_file_is_another_entry(colours, home, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(colours, copy)
    name = f"folder:{copy}"
    for options in ({}, {"interpolation": "nearest"}, {"crop_fraction": 0.8}):
        load(name, SIDE, home=home, **options)
    load(name, SIDE + 1, home=home)
    assert len(list(_cache.folder(home).iterdir())) == 4
    shutil.copy(copy / "red" / "000.png", copy / "red" / "more.png")
    assert len(load(name, SIDE, home=home).pixels) == 37


@pytest.mark.parametrize("file", [_cache.PIXELS, _cache.ROWS, _cache.MANIFEST])
@pytest.mark.parametrize("damage", ["flipped bit", "cut", "empty", "gone", "longer"])
def test_a_damaged_entry_is_found_and_made_anew(name, home, file, damage):
    load(name, SIDE, home=home)
    path = entry_of(home) / file
    content = bytearray(path.read_bytes())
    if damage == "flipped bit":
        content[len(content) * 2 // 3] ^= 1
    changed = {"cut": content[:-1], "empty": b"", "longer": bytes(content) + b"x"}.get(damage, bytes(content))
    path.unlink()
    if damage != "gone":
        path.write_bytes(changed)
    told = phases(lambda tell: load(name, SIDE, home=home, tell=tell))
    assert "decoding" in told
    same(load(name, SIDE, home=home), load(name, SIDE))


def test_stopping_leaves_nothing(name, home):
    control = Control()
    control.stop = True
    with pytest.raises(Cancelled):
        load(name, SIDE, home=home, tell=control.tell)
    assert list(_cache.folder(home).iterdir()) == []


def test_a_full_disk_falls_back_to_memory_and_leaves_nothing(name, home, monkeypatch):
    def full(file):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(_cache, "_sync", full)
    images = load(name, SIDE, home=home)
    assert not images.mapped
    assert list(_cache.folder(home).iterdir()) == []
    monkeypatch.setenv(limits.MEMORY_VARIABLE, "1 KB")
    with pytest.raises(DatasetError, match="No space left on device"):
        load(name, SIDE, home=home)


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="needs a limit on file sizes")
def test_a_quota_on_files_is_an_error_and_not_a_dead_process(name, home):
    """The system's own refusal, not a raised one: a store into a mapped page would have killed the process."""
    code = (
        "import resource, signal\nfrom pathlib import Path\nfrom engine.datasets import _load, load\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, (6_000, 6_000))\n_load.MAPPED_FROM = 1\n"
        f"images = load({name!r}, {SIDE}, home=Path({str(home)!r}))\nprint(images.mapped, len(images.pixels))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["False", "36"], done.stderr
    assert list(_cache.folder(home).iterdir()) == []


def test_memory_has_a_bound_that_the_error_states(name, monkeypatch):
    monkeypatch.setenv(limits.MEMORY_VARIABLE, f"{EACH - 1}")
    with pytest.raises(DatasetError, match=rf"36 images at 12x12 .* {limits.MEMORY_VARIABLE}"):
        load(name, SIDE)
    monkeypatch.setenv(limits.MEMORY_VARIABLE, f"{EACH}")
    assert len(load(name, SIDE).pixels) == 36


def test_data_larger_than_memory_are_mapped(name, home, monkeypatch):
    monkeypatch.setenv(limits.MEMORY_VARIABLE, "1 KB")
    assert load(name, SIDE, home=home).mapped


def test_the_entry_that_was_used_longest_ago_makes_room(name, home, monkeypatch):
    for place, crop in enumerate((1.0, 0.9, 0.8)):
        load(name, SIDE, home=home, crop_fraction=crop)
        entry = _cache.folder(home) / _cache.key(name, signature(name), Sizing(SIDE, "bicubic", crop))
        os.utime(entry / _cache.MANIFEST, (1_000_000 + place,) * 2)
    load(name, SIDE, home=home)  # used now: the second is the oldest
    size = sum(file.stat().st_size for file in entry.iterdir())
    monkeypatch.setenv(limits.DISK_VARIABLE, f"{3 * size + 100}")
    load(name, SIDE, home=home, crop_fraction=0.7)
    left = {entry.name for entry in _cache.folder(home).iterdir()}
    sig = signature(name)
    assert left == {_cache.key(name, sig, Sizing(SIDE, "bicubic", crop)) for crop in (1.0, 0.8, 0.7)}


def test_the_bound_of_the_cache_and_the_high_water_mark_are_stated(name, home, monkeypatch):
    load(name, SIDE, home=home)
    monkeypatch.setenv(limits.MEMORY_VARIABLE, "1 KB")
    monkeypatch.setenv(limits.DISK_VARIABLE, "1 KB")
    with pytest.raises(DatasetError, match="the cache of decoded images may take 0 MB of disk"):
        load(name, SIDE + 1, home=home)
    monkeypatch.delenv(limits.DISK_VARIABLE)
    monkeypatch.setattr(_cache.shutil, "disk_usage", lambda path: Disk(100_000, 90_000, 10_000))
    with pytest.raises(DatasetError, match=r"has 0 MB free, and at most 85% of it may be in use"):
        load(name, SIDE + 1, home=home)
    assert load(name, SIDE, home=home).mapped  # what was there before still is


def test_what_a_dead_process_left_is_removed(name, home):
    top = _cache.folder(home)
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    for left in (f"abc.{dead.pid}.part", "abc.what.part"):
        (top / left).mkdir(parents=True)
        (top / left / "pixels.u8").write_bytes(b"half")
    mine = top / f"other.{os.getpid()}.part"
    mine.mkdir()
    load(name, SIDE, home=home)
    assert {entry.suffix for entry in top.iterdir() if entry != mine} == {""}
    assert mine.exists()


def test_a_faster_process_wins_and_both_have_the_images(name, home, monkeypatch):
    load(name, SIDE, home=home)
    before = entry_of(home)
    other = home.parent / "other"
    other.mkdir()
    real = _cache._publish

    def late(part, entry):
        shutil.copytree(before, entry)
        real(part, entry)

    monkeypatch.setattr(_cache, "_publish", late)
    same(load(name, SIDE, home=other), load(name, SIDE))


def test_a_home_that_cannot_be_written_is_no_obstacle_to_small_data(name, home, monkeypatch):
    def refuse(home, needed):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(_cache, "make_room", refuse)
    assert len(load(name, SIDE, home=home).pixels) == 36
