"""Scoreboard and advice on frames made by hand: a network of six units whose best depth is known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from engine.advice import suggest, sweeps
from engine.depth_frames import COLUMNS as DEPTHS
from engine.frames import COLUMNS, tidy
from engine.scoreboard import groups, scoreboard

UNITS = 6
TRUTH = {1: 0.60, 2: 0.66, 3: 0.72, 4: 0.70, 5: 0.55, 6: 0.40}


def rows(seeds=range(6), backbone="net", shift=0.0, noise=0.002):
    """A sweep: test accuracy at every frozen depth; logme of the frozen features in its order, gbc in none, h_score refused."""
    draws = np.random.default_rng(len(backbone))
    for seed in seeds:
        for depth in range(UNITS + 1):
            names = {0: "full_fine_tuning", UNITS: "linear_probe"}
            cell = dict(experiment_id="e", run_id=f"{backbone}{depth}{seed}", backbone=backbone, dataset="d", seed=seed)
            cell |= dict(
                strategy=names.get(depth, "partial_fine_tuning"), frozen_depth=depth, label_budget=50, budget="50"
            )
            about = cell | dict(
                unit_name="u", n_units=UNITS, n_images=9, n_features=4, reason="", pooling="", detail="{}"
            )
            accuracy = TRUTH.get(depth, 0.5) + shift + noise * draws.normal()
            yield about | dict(unit=depth, depth_fraction=depth / UNITS, metric="test_accuracy", value=accuracy)
            for unit in range(1, UNITS + 1):
                place = about | dict(unit=unit, depth_fraction=unit / UNITS)
                yield place | dict(metric="logme", value=TRUTH[unit] * 2 - 1 + shift)
                yield place | dict(metric="gbc", value=-float((unit * 5) % 7))
                yield place | dict(metric="h_score", value=None, reason="too few images")


def frame(*parts) -> pd.DataFrame:
    return tidy("transfer_curve", (row for part in parts for row in part))


def test_the_score_that_orders_depths_wins_and_its_chance_is_stated():
    board = scoreboard(frame(rows()))
    depths = board[board["kind"] == "depths"].set_index("metric")
    assert depths["tau"]["logme"] == 1.0
    assert depths["regret"]["logme"] == 0.0
    assert depths["beyond_chance"]["logme"]
    assert not depths["beyond_chance"]["gbc"]
    assert depths["n"]["logme"] == UNITS
    assert (depths["null_band"] > 0.5).all()
    assert "h_score" not in depths.index
    assert next(iter(depths.index)) == "logme"


def test_backbones_are_ranked_by_their_frozen_features():
    parts = [rows(range(2), backbone=f"net{n}", shift=n / 100) for n in range(5)]
    board = scoreboard(frame(*parts))
    whole = board[(board["kind"] == "backbones") & (board["strategy"] == "linear_probe")].set_index("metric")
    assert whole["n"]["logme"] == 5
    assert whole["tau"]["logme"] == 1.0


def test_too_few_are_refused_with_the_reason_and_nothing_gives_an_empty_board():
    board = scoreboard(frame(rows(backbone="a"), rows(backbone="b")))
    few = board[board["kind"] == "backbones"]
    assert few["reason"].str.contains("2 to rank are too few").all()
    assert few["tau"].isna().all()
    assert scoreboard(frame()).empty
    assert groups(frame()) == []


def test_the_frames_columns_are_those_of_the_engine():
    assert {*DEPTHS["transfer_curve"]} <= {*COLUMNS["transfer_curve"]}
    assert list(frame(rows(range(1))).columns) == list(COLUMNS["transfer_curve"])


def test_advice_is_the_best_depth_with_its_record():
    history = frame(rows())
    advice = suggest(history[history["strategy"] == "linear_probe"], history)
    assert (advice.depth, advice.right, advice.decided, advice.sweeps) == (3, 1, 1, 1)
    assert advice.mean_regret == pytest.approx(0.0)
    assert "Freeze the first 3 units" in advice.sentence()
    assert "in 1 of 1 sweeps" in advice.sentence()


def test_bad_advice_is_counted_as_wrong():
    history = frame(rows())
    ((right, regret),) = sweeps(
        history.assign(value=history["value"].where(history["metric"] != "logme", -history["value"]))
    )
    assert right is False
    assert regret == pytest.approx(TRUTH[3] - TRUTH[6], abs=0.01)


def test_with_few_seeds_nothing_can_be_wrong_and_that_is_said():
    history = frame(rows(range(2)))
    advice = suggest(history, history)
    assert (advice.decided, advice.sweeps) == (0, 1)
    assert "no sweep here tells depths apart (more seeds may), so nobody knows how good" in advice.sentence()
    assert "points below the best depth's in the one sweep here." in advice.sentence()
    fresh = suggest(history, frame())
    assert fresh.sweeps == 0
    assert fresh.sentence().endswith("no sweep was run here yet, so nobody knows how good such advice is.")
    assert np.isnan(fresh.mean_regret)


def test_without_a_value_there_is_no_advice_but_the_reason():
    history = frame(rows(range(1)))
    advice = suggest(history, history, "h_score")
    assert advice.depth is None
    assert advice.sentence() == "No depth can be suggested: too few images."
    assert "was not measured" in suggest(history, history, "ncc").sentence()
