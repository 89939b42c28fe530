"""The figures of a layer-transfer study: what is drawn is what the frame holds, and the words say no more."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from dashboard.figures import _style, layer_transfer, transfer_loss
from dashboard.figures._yosinski_2014 import BASE_B, CURVES
from engine.layer_transfer import CURVES as STUDIED

DECLINE = {"BnB": -0.02, "AnB": -0.05, "BnB+": 0.0, "AnB+": 0.01, "random, frozen": -0.3}


def study(pairs: int = 4, bases: bool = True) -> pd.DataFrame:
    """A frame `layer_transfer` in which a curve loses DECLINE per depth, the same in every pair."""
    rows = []
    for pair in range(pairs):
        points = [("base B", 0, 0.7), ("base A", 0, 0.72)] if bases else []
        points += [(curve, n, 0.7 + n * step / 2) for curve, step in DECLINE.items() for n in (1, 2)]
        for curve, n, value in points:
            rows.append(
                {
                    "experiment_id": "e", "run_id": f"{pair}{curve}{n}", "backbone": "plain", "dataset": "digits",
                    "split": str(pair), "pair": f"{pair}/0", "curve": curve, "n": n, "n_units": 2, "depth_fraction": n / 2,
                    "seed": 0, "label_budget": 100, "value": value + 0.01 * pair, "n_images": 50,
                }
            )  # fmt: skip
    return pd.DataFrame(rows).astype({"label_budget": "Int64"})


def losses(rows: list[tuple[int, str, float]], pairs: int = 4) -> pd.DataFrame:
    """A frame `decomposition`."""
    return pd.DataFrame(
        [
            {"backbone": "plain", "dataset": "digits", "label_budget": 100, "n": n, "n_units": 2, "depth_fraction": n / 2,
             "part": part, "mean": value, "low": value - 0.01, "high": value + 0.01, "pairs": pairs, "interval": "Student t"}
            for n, part, value in rows
        ]
    )  # fmt: skip


def trace(drawn, name: str) -> dict:
    return next(one.to_plotly_json() for one in drawn.figure.data if (one.name or "").startswith(name))


def test_the_curves_are_the_means_over_pairs_in_percent():
    drawn = layer_transfer(study())
    np.testing.assert_allclose(trace(drawn, "AnB:")["y"], [(0.7 - 0.025 + 0.015) * 100, (0.7 - 0.05 + 0.015) * 100])
    np.testing.assert_allclose(trace(drawn, "base B")["y"], [71.5, 71.5])
    row = drawn.table.set_index(["curve", "n"]).loc[("AnB", 2)]
    assert row["difference_points"] == pytest.approx(-5.0)
    assert row["pairs"] == 4
    assert row["pairs_percent"] == "65.00, 66.00, 67.00, 68.00"


def test_pairs_that_agree_have_a_narrow_band_although_the_splits_differ():
    row = layer_transfer(study()).table.set_index(["curve", "n"]).loc[("AnB", 2)]
    assert row["high_points"] - row["low_points"] < 1e-6
    assert "the paired" not in layer_transfer(study()).alt


def test_the_sentence_names_the_worst_depth_and_makes_no_claim_from_four_pairs():
    assert layer_transfer(study()).reading == (
        "Frozen units of the other task cost most at n = 2 of 2: -5.0 points to base B (4 pairs, 95 % interval -5.0 to"
        " -5.0); exploring: no claim with fewer than 6 pairs."
    )
    assert "exploring" not in layer_transfer(study(pairs=6)).reading


def test_without_bases_it_says_what_cannot_be_separated():
    frame = study(bases=False)
    frame = frame[frame["curve"].isin(["AnB", "AnB+"])]
    drawn = layer_transfer(frame)
    assert "cannot be divided into co-adaptation and specificity" in drawn.reading
    assert not any((one.name or "").startswith("base") for one in drawn.figure.data)


def test_published_curves_are_shifted_to_this_base():
    drawn = layer_transfer(study(), published=True)
    shown = trace(drawn, "AnB, published")
    marks = [one.marker.symbol for one in drawn.figure.data if "published" in (one.name or "")]
    assert len(set(marks)) == 4  # all are grey
    assert drawn.height > layer_transfer(study()).height
    np.testing.assert_allclose(shown["y"], [value * 100 + 71.5 - BASE_B * 100 for value in CURVES["AnB"]])
    np.testing.assert_allclose(shown["x"], [n * 2 / 7 for n in range(1, 8)])
    assert "Yosinski et al. 2014" in drawn.figure.layout.title.subtitle.text
    assert not any("published" in (one.name or "") for one in layer_transfer(study()).figure.data)


def test_uids_stay_while_data_grow():
    few, all_of_them = (layer_transfer(frame) for frame in (study(3)[:8], study(4)))
    assert {one.uid for one in few.figure.data} <= {one.uid for one in all_of_them.figure.data}


def test_the_loss_is_stacked_in_points():
    frame = losses([(1, "co_adaptation", 0.01), (1, "specificity", 0.03), (1, "total", 0.04), (1, "boost", 0.1)])
    drawn = transfer_loss(frame)
    assert trace(drawn, "co-adaptation")["y"] == pytest.approx([1.0])
    assert trace(drawn, "specificity")["y"] == pytest.approx([3.0])
    assert trace(drawn, "whole loss")["error_y"]["array"] == pytest.approx([1.0])
    assert drawn.figure.layout.barmode == "relative"
    assert drawn.reading == (
        "The largest loss is 4.0 points, at n = 1: +1.0 from units that lost the ones they were trained with, +3.0 from"
        " units that serve the other task (exploring: 4 pairs)."
    )


def test_a_curve_looks_as_its_strategy_does_in_every_other_chart():
    by_label = {curve.label: strategy for strategy, curve in STUDIED.items()}
    for dark in (False, True):
        lines = {
            t.name.split(":")[0]: t for t in layer_transfer(study(), dark=dark).figure.data if t.mode == "lines+markers"
        }
        for label, strategy in by_label.items():
            look = _style.looks([strategy], dark)[strategy]
            line = lines[label]
            assert (line.line.color, line.marker.symbol, line.line.dash) == (look.colour, look.marker, look.dash)


def test_one_pair_is_one_pair():
    frame = losses([(1, "co_adaptation", 0.01), (1, "specificity", 0.03), (1, "total", 0.04)], pairs=1)
    drawn = transfer_loss(frame.astype({"pairs": float}))
    assert drawn.reading.endswith("(exploring: 1 pair).")
    assert trace(drawn, "specificity")["hovertext"][0].split("<br>")[1] == "n = 1: +3.0 points, 1 pair"


def test_one_part_alone_is_drawn_and_not_overread():
    drawn = transfer_loss(losses([(1, "co_adaptation", 0.01)], pairs=1))
    assert drawn.reading == "Only one of the two parts is measured so far."
    assert trace(drawn, "co-adaptation")["y"] == pytest.approx([1.0])


@pytest.mark.parametrize("dark", [False, True])
def test_both_backgrounds_and_the_empty_state(dark):
    assert "Nothing measured yet" in layer_transfer(study()[:0], dark=dark).reading
    assert "Nothing to divide yet" in transfer_loss(losses([(1, "boost", 0.1)]), dark=dark).reading
    assert layer_transfer(study(), dark=dark).spec()
    assert transfer_loss(
        losses([(1, "total", 0.1), (1, "specificity", 0.1), (1, "co_adaptation", 0.0)]), dark=dark
    ).spec()


def test_where_nothing_is_lost_nothing_is_called_a_loss():
    better = study()
    better.loc[better["curve"] == "AnB", "value"] += 0.2
    assert "cost nothing at any depth measured: the lowest is at n = 2, +15.0 points" in layer_transfer(better).reading
    won = losses([(1, "co_adaptation", -0.01), (1, "specificity", -0.03), (1, "total", -0.04)], pairs=1)
    assert transfer_loss(won).reading == (
        "Nothing is lost at any depth measured: the least that is won is 4.0 points, at n = 1 (exploring: 1 pair)."
    )
