"""Following an experiment in a terminal and in a pipe."""

from __future__ import annotations

import io
import sys
import time

import pytest

from engine import follow
from engine.spec import RunSpec


def rows(*states: str, dataset: str = "digits") -> list[dict]:
    spec = RunSpec("resnet20_cifar10", dataset, "linear_probe", 10, 0, 100).to_json()
    return [
        {"run_id": f"r{n}", "state": state, "message": "why", "spec": spec, "n_units": 10, "seconds": 1.5}
        | {"progress": {"done": 0.5, "phase": "training"}}
        for n, state in enumerate(states)
    ]


@pytest.fixture
def looks(monkeypatch):
    """Let `wait` yield these looks at an experiment, some time apart where bars are to be drawn between them."""

    def use(*each: list[dict], pause: float = 0.0) -> None:
        def wait(store, experiment_id, every=0.5):
            for look in each:
                yield look
                time.sleep(pause)

        monkeypatch.setattr(follow, "wait", wait)

    return use


@pytest.mark.parametrize(("end", "code"), [("finished", 0), ("failed", 1), ("diverged", 1), ("cancelled", 1)])
def test_the_exit_code_says_whether_all_finished(looks, capsys, end, code):
    looks(rows("running", "queued"), rows("finished", "running"), rows("finished", end))
    assert follow.follow(None, "e1") == code
    out = capsys.readouterr().out
    assert out.count("[1/2] finished") == 1
    assert f"[2/2] {end}" in out
    assert f"{2 - code} of 2 runs finished" in out
    assert (f"{end}. why" in out) == bool(code)


def test_bars_take_any_name(looks, monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setenv("COLUMNS", "200")
    names = {"dataset": "folder:/tmp/[/bold]"}
    looks(rows("running", **names), rows("finished", **names), pause=0.2)
    assert follow.follow(None, "e1") == 0
    assert "[/bold]" in terminal.getvalue()
    assert "1 of 1 runs finished" in terminal.getvalue()
