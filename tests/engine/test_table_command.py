"""`python -m engine table`: what is printed, what is told about runs that did not finish, and the exit code."""

from __future__ import annotations

import pytest

from engine import events
from engine.cli import main
from engine.leases import Leases

STARTED = events.Started(
    "cpu: CPU", "float32", ["stem", "block"], 100, 40, 16, 4, 8, ["0", "1"], "ab", "cd", {}, "mean"
)


@pytest.fixture
def half_done(store, make_run, make_spec):
    """Two runs, the first finished with 6 of 8 test images right in 3.5 seconds."""
    runs = [(make_run(strategy=name, label_budget=20), 2) for name in ("full_fine_tuning", "lora")]
    store.submit(make_spec(name="pilot", strategies=("full_fine_tuning", "lora")), runs)
    leases = Leases(store)
    lease = leases.claim(leases.register("cpu"), "cpu")
    leases.append(lease, 0, [STARTED, events.Tested(0.75, 8, 0.75, 1, "best_validation", "ab")])
    leases.finish(lease, "finished", "", 3.5)


def test_markdown_and_what_is_missing(half_done, home, capsys):
    assert main(["table", "pilot", "--home", str(home)]) == 1
    printed = capsys.readouterr()
    assert "| Full fine-tuning | 75.0 (40.9 to 92.9) | 3.5 | 40 |" in printed.out  # Wilson: 6 of 8
    assert printed.err == "Not in the table: resnet20_cifar10 lora seed 0 (queued).\n"


def test_csv(half_done, home, capsys):
    assert main(["table", "pilot", "--home", str(home), "--format", "csv"]) == 1
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("backbone,strategy,frozen_depth,seeds,mean_percent")
    assert second.startswith("resnet20_cifar10,full_fine_tuning,0,1,75.0,")


def test_nothing_finished_is_refused(store, home, make_run, make_spec, capsys):
    store.submit(make_spec(name="pilot"), [(make_run(label_budget=20), 2)])
    assert main(["table", "pilot", "--home", str(home)]) == 2
    assert "No run of this experiment has finished yet" in capsys.readouterr().err
