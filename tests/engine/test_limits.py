"""Bounds of memory and disk: defaults, what sets them, and what is refused."""

from __future__ import annotations

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import limits
from engine.errors import SpecError


@pytest.fixture(autouse=True)
def no_settings(monkeypatch):
    for variable in (limits.MEMORY_VARIABLE, limits.DISK_VARIABLE):
        monkeypatch.delenv(variable, raising=False)


def test_half_of_what_is_free_where_nothing_is_set(home):
    free = psutil.virtual_memory().available
    assert limits.image_memory(home) == pytest.approx(free / 2, rel=0.2)
    assert limits.cache_disk(home) == limits.CACHE_DISK


def test_the_environment_comes_before_the_file_in_the_home(home, monkeypatch):
    (home / limits.CONFIG).write_text('[limits]\nimage_memory = "3 GB"\ncache_disk = "7 GB"\n')
    assert (limits.image_memory(home), limits.cache_disk(home)) == (3_000_000_000, 7_000_000_000)
    monkeypatch.setenv(limits.MEMORY_VARIABLE, "500MB")
    assert (limits.image_memory(home), limits.cache_disk(home)) == (500_000_000, 7_000_000_000)
    assert limits.image_memory(None) == 500_000_000


def test_what_is_no_size_is_refused_with_its_place(home, monkeypatch):
    monkeypatch.setenv(limits.DISK_VARIABLE, "a lot")
    with pytest.raises(SpecError, match=f"{limits.DISK_VARIABLE} is 'a lot'; give a size such as '4 GB'"):
        limits.cache_disk(home)
    (home / limits.CONFIG).write_text("limits = [")
    with pytest.raises(SpecError, match="cannot be read as TOML"):
        limits.image_memory(home)
    (home / limits.CONFIG).write_text("[limits]\nimage_memory = -3\n")
    with pytest.raises(SpecError, match=r"image_memory in .*config\.toml is -3"):
        limits.image_memory(home)


@given(st.integers(0, 999_999), st.sampled_from(["", "KB", "MB", "GB", "TB", "gb"]), st.sampled_from(["", " "]))
def test_sizes(number, unit, space):
    scale = {"": 0, "K": 1, "M": 2, "G": 3, "T": 4}[unit[:1].upper()]
    assert limits.parse_size(f"{number}{space}{unit}", "here") == number * 1000**scale
