"""Which code runs: stamps and digests of folders made here, and commits read from real repositories of git."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from engine import code_version


@pytest.fixture
def package(tmp_path: Path) -> Path:
    root = tmp_path / "package"
    (root / "inner" / "__pycache__").mkdir(parents=True)
    (root / "one.py").write_text("1\n")
    (root / "inner" / "two.toml").write_text("a = 1\n")
    return root


def touch(path: Path, text: str) -> None:
    """Write a file with the time of change it had, so that only what is written can tell."""
    before = path.stat()
    path.write_text(text)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_the_stamp_follows_names_sizes_and_times_and_nothing_else(package: Path) -> None:
    first = code_version.stamp(package)
    (package / "inner" / "__pycache__" / "one.cpython.py").write_text("compiled")
    (package / "notes.txt").write_text("no code")
    assert code_version.stamp(package) == first
    touch(package / "one.py", "12\n")
    longer = code_version.stamp(package)
    os.utime(package / "inner" / "two.toml", ns=(1, 1))
    older = code_version.stamp(package)
    (package / "inner" / "three.py").write_text("")
    more = code_version.stamp(package)
    (package / "inner" / "three.py").rename(package / "inner" / "four.py")
    assert len({first, longer, older, more, code_version.stamp(package)}) == 5


def test_the_digest_is_of_contents_wherever_they_lie(package: Path, tmp_path: Path) -> None:
    first = code_version.contents(package)
    copied = shutil.copytree(package, tmp_path / "copied")
    os.utime(copied / "one.py", ns=(1, 1))
    assert code_version.contents(copied) == first
    touch(copied / "one.py", "2\n")
    assert code_version.contents(copied) != first


def test_code_that_is_being_replaced_counts_as_changed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert not code_version.changed()
    monkeypatch.setattr(code_version, "stamp", lambda: code_version._sources(tmp_path / "gone"))
    assert code_version.changed()


def test_what_a_run_records_names_version_and_sources() -> None:
    from engine import __version__

    said = code_version.described()
    assert said["transferscope"] == __version__
    assert said["sources"] == code_version.contents()


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_the_commit_is_what_git_says_in_trees_linked_trees_and_packed_repositories(tmp_path: Path) -> None:
    def git(*words: str, at: Path = tmp_path / "repository") -> str:
        who = ["-c", "user.name=a", "-c", "user.email=a@example.invalid"]
        return subprocess.run(
            ["git", "-C", at, *who, *words], check=True, capture_output=True, text=True
        ).stdout.strip()

    tree = tmp_path / "repository"
    tree.mkdir()
    git("init", "-q")
    assert code_version.commit(tree) == ""
    git("commit", "-q", "--allow-empty", "-m", "first")
    git("worktree", "add", "-q", tmp_path / "linked", "-b", "other")
    git("commit", "-q", "--allow-empty", "-m", "second", at=tmp_path / "linked")
    for place in (tree, tmp_path / "linked"):
        assert code_version.commit(place) == git("rev-parse", "HEAD", at=place)
    git("pack-refs", "--all")
    assert code_version.commit(tmp_path / "linked") == git("rev-parse", "HEAD", at=tmp_path / "linked")
    git("checkout", "-q", "--detach")
    assert code_version.commit(tree) == git("rev-parse", "HEAD")
    assert code_version.commit(tmp_path) == ""
