"""`python -m engine import`: progress, report, refusals."""

from __future__ import annotations

import json

import pytest

from engine import task_queue
from engine.cli import main
from engine.errors import DatasetError, TransferscopeError
from engine.follow_task import do_here
from engine.imports.command import words
from engine.tasks import TASKS


def test_it_imports_and_reports(home, zipped, pets, capsys):
    path = zipped({**pets, "cat/bad.png": b"", "cat/copy.png": pets["cat/1.png"], "readme.md": b"x"})
    assert main(["import", str(path), "--home", str(home), "--name", "P"]) == 0
    out, err = capsys.readouterr()
    assert "Imported 21 images in 2 classes from pets.zip (one folder per class)" in out
    assert "left out cat/bad.png: the file is empty" in out
    assert "1 file was found to be a copy of another, for example cat/1.png and cat/copy.png" in out
    assert "'imported:P'" in out
    assert "0%  looking through the files" in err


def test_as_json(home, zipped, pets, capsys):
    assert main(["import", str(zipped(pets)), "--home", str(home), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["dataset"] == "imported:pets"
    assert words(report).startswith("Imported 20 images")


def test_refusals_are_one_line(home, zipped, pets, capsys):
    for options in (
        ["/absent"],
        [str(zipped(pets)), "--group-pattern", "("],
        [str(zipped({**pets, "../x.png": b"x"}, "evil.zip"))],
        [str(zipped({**pets, "cat/bad.png": b""}, "bad.zip")), "--on-bad", "stop"],
        [str(zipped(pets)), "--seed", "-1"],
        [str(zipped(pets)), "--name", "x" * 100],
        [str(zipped(pets)), "--csv", "absent.csv"],
        [""],
    ):
        assert main(["import", *options, "--home", str(home)]) == 2
        out, err = capsys.readouterr()
        assert out == ""
        (said,) = [line for line in err.splitlines() if "%" not in line[:4]]
        assert said.startswith("transferscope: ")


def test_the_payload_of_the_task_is_complete_and_absolute(home, unpacked, pets, monkeypatch):
    folder = unpacked(pets)
    monkeypatch.chdir(folder.parent)
    asked = TASKS["import"].prepare({"path": "pets"}, home)
    assert asked["path"] == str(folder)
    assert TASKS["import"].prepare(asked, home) == asked
    assert TASKS["import"].title(asked) == "Import pets"
    with pytest.raises(DatasetError, match="skip or stop"):
        TASKS["import"].prepare({"path": "pets", "on_bad": "maybe"}, home)


def test_ctrl_c_keeps_nothing(home, monkeypatch):
    def interrupted(*_: object) -> dict:
        raise KeyboardInterrupt

    monkeypatch.setattr(task_queue, "run_here", interrupted)
    with pytest.raises(TransferscopeError, match="Stopped\\. Nothing half-done was kept"):
        do_here("import", {}, home)
