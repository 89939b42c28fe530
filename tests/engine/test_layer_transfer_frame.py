"""The frames of a layer-transfer study against tables computed by hand."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from engine import stats
from engine.frames import COLUMNS as FRAMES
from engine.layer_transfer_frame import COLUMNS, decomposition, layer_transfer


def runs(*rows: dict) -> pd.DataFrame:
    """Rows of the frame `runs`: what a study needs of it."""
    plain = {
        "experiment_id": "e", "backbone": "plain", "n_units": 2, "label_budget": 100, "seed": 0, "test_n": 50,
        "frozen_depth": 0, "copied_depth": pd.NA,
    }  # fmt: skip
    made = [plain | {"run_id": f"r{place}"} | row for place, row in enumerate(rows)]
    return pd.DataFrame(made).astype({"copied_depth": "Int64", "label_budget": "Int64", "test_n": "Int64"})


def study(split: str, base: float, bnb: float, anb: float, plus: tuple[float, float] = (0.6, 0.65)) -> list[dict]:
    half = {"dataset": f"half:B:{split}:digits"}
    return [
        half | {"strategy": "from_scratch", "test_accuracy": base},
        {"dataset": f"half:A:{split}:digits", "strategy": "from_scratch", "test_accuracy": 0.9},
        half | {"strategy": "selffer", "frozen_depth": 1, "copied_depth": 1, "test_accuracy": bnb},
        half | {"strategy": "transfer", "frozen_depth": 1, "copied_depth": 1, "test_accuracy": anb},
        half | {"strategy": "selffer_plus", "copied_depth": 1, "test_accuracy": plus[0]},
        half | {"strategy": "transfer_plus", "copied_depth": 1, "test_accuracy": plus[1]},
        half | {"strategy": "random_frozen", "frozen_depth": 1, "test_accuracy": 0.2},
    ]


def test_every_run_finds_its_curve_and_its_depth():
    frame = layer_transfer(runs(*study("3", 0.7, 0.68, 0.6)))
    assert list(frame.columns) == list(COLUMNS)
    assert frame["curve"].tolist() == ["base B", "base A", "BnB", "AnB", "BnB+", "AnB+", "random, frozen"]
    assert frame["n"].tolist() == [0, 0, 1, 1, 1, 1, 1]
    assert set(frame["dataset"]) == {"digits"}
    assert set(frame["pair"]) == {"3/0"}
    assert frame["depth_fraction"].tolist() == [0, 0, *[0.5] * 5]
    assert frame.dtypes.astype(str).to_dict() == COLUMNS


def test_other_strategies_and_runs_without_a_test_are_left_out():
    rows = runs(
        {"dataset": "digits", "strategy": "from_scratch", "test_accuracy": 0.5},
        {"dataset": "digits", "strategy": "linear_probe", "frozen_depth": 2, "test_accuracy": 0.5},
        {"dataset": "half:B:0:digits", "strategy": "transfer", "frozen_depth": 1, "copied_depth": 1, "test_accuracy": math.nan},
    )  # fmt: skip
    assert layer_transfer(rows).empty
    assert decomposition(layer_transfer(rows)).empty


def test_without_halves_the_target_is_the_whole_dataset():
    rows = runs({"dataset": "digits", "strategy": "transfer_plus", "copied_depth": 2, "test_accuracy": 0.5})
    only = layer_transfer(rows).iloc[0]
    assert (only["dataset"], only["split"], only["curve"], only["n"]) == ("digits", "", "AnB+", 2)


def test_losses_are_divided_pair_by_pair():
    first, second = study("0", 0.70, 0.68, 0.60), study("1", 0.80, 0.76, 0.72)
    table = decomposition(layer_transfer(runs(*first, *second))).set_index("part")
    assert table["pairs"].tolist() == [2, 2, 2, 2]
    assert table["mean"].to_dict() == pytest.approx(
        {"co_adaptation": 0.03, "specificity": 0.06, "total": 0.09, "boost": 0.05}
    )
    by_hand = stats.paired(pd.Series([0.70, 0.80]), pd.Series([0.60, 0.72])).interval
    assert table.loc["total", ["low", "high"]].tolist() == pytest.approx([by_hand.low, by_hand.high])
    assert table.loc["total", "mean"] == pytest.approx(table["mean"][["co_adaptation", "specificity"]].sum())


def test_a_split_that_lacks_a_curve_is_in_no_difference_of_it():
    lacking = [row for row in study("1", 0.8, 0.76, 0.1) if row["strategy"] != "transfer"]
    table = decomposition(layer_transfer(runs(*study("0", 0.7, 0.68, 0.6), *lacking))).set_index("part")
    assert table["pairs"].to_dict() == {"co_adaptation": 2, "specificity": 1, "total": 1, "boost": 2}
    assert table.loc["total", "mean"] == pytest.approx(0.1)
    assert math.isnan(table.loc["total", "low"])


def test_a_run_of_two_experiments_counts_once():
    rows = runs(*study("0", 0.7, 0.68, 0.6))
    twice = pd.concat([rows, rows.assign(experiment_id="f")])
    assert decomposition(layer_transfer(twice))["pairs"].tolist() == [1, 1, 1, 1]


def test_the_frame_runs_has_what_a_study_needs():
    needed = {"experiment_id", "run_id", "backbone", "dataset", "strategy", "frozen_depth", "copied_depth", "n_units"}
    assert needed <= FRAMES["runs"].keys()
