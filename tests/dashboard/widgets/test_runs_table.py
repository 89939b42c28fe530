"""The runs as a table: seeds collapsed, only columns that differ."""

from __future__ import annotations

import dataclasses

from dashboard.widgets.runs_table import collapsed
from engine.frames import Frames, tidy


def test_no_runs() -> None:
    said, rows = collapsed(tidy("runs", []))
    assert (said, len(rows)) == ("No runs.", 0)


def test_seeds_are_collapsed_and_what_is_the_same_is_said_once(by_hand, small) -> None:
    by_hand.submit(small)
    by_hand.finish_all()
    said, rows = collapsed(Frames(by_hand.store).frame("runs"))
    assert len(rows) == 4
    assert said.startswith("The same in all: backbone resnet20_cifar10, dataset digits, labels 100")
    assert not {"backbone", "dataset", "labels", "units"} & set(rows)
    probe = rows[rows["cell"] == "Linear probe"].iloc[0]
    assert probe["seeds finished"] == "2 of 2"
    assert (probe["lowest (%)"], probe["test accuracy, mean (%)"], probe["highest (%)"]) == (40.0, 41.0, 42.0)
    assert probe["frozen units"] == "unchanged, by hash"


def test_what_differs_is_a_column(by_hand, small) -> None:
    by_hand.submit(dataclasses.replace(small, label_budgets=(50, 100)))
    said, rows = collapsed(Frames(by_hand.store).frame("runs"))
    assert "labels" not in said
    assert set(rows["labels"]) == {"50", "100"}
    assert set(rows["frozen units"]) == {"not checked yet"}
