"""The panel's figure: the chosen epoch in full, before and after beside it, and words that say no more."""

from __future__ import annotations

import pandas as pd
import pytest

from dashboard.figures import panel_by_depth
from dashboard.figures._scale import Scale

PROBE = Scale("probe_accuracy", "Linear probe accuracy", "Linear probe accuracy (%)", percent=True, limits=(0, 1))
DRIFT = Scale("drift", "Drift", "Drift (1 - CKA)")


def panel(epochs: tuple[int, ...] = (0, 2, 4), seeds: tuple[int, ...] = (0, 1)) -> pd.DataFrame:
    """Three units; the probe rises by .05 per epoch at the last one; drift has no value at unit 1."""
    rows = []
    for seed in seeds:
        for epoch in epochs:
            for unit in (1, 2, 3):
                about = {
                    "run_id": f"r{seed}", "strategy": "full_fine_tuning", "seed": seed, "unit": unit, "unit_name": f"u{unit}",
                    "n_units": 3, "epoch": epoch, "n_images": 60, "pooling": "global_average",
                }  # fmt: skip
                probe = 0.3 + 0.1 * unit + (0.05 * epoch if unit == 3 else 0)
                rows.append(about | {"metric": "probe_accuracy", "value": probe + 0.02 * seed, "reason": ""})
                refused = unit == 1
                drift = {"value": None if refused else 0.1 * epoch, "reason": "features do not vary" if refused else ""}
                rows.append(about | {"metric": "drift"} | drift)
            cost = {"run_id": f"r{seed}", "strategy": "full_fine_tuning", "seed": seed, "unit": 0, "unit_name": "none"}
            rows.append(cost | {"n_units": 3, "epoch": epoch, "metric": "cost_seconds", "value": 0.5, "reason": ""})
    return pd.DataFrame(rows)


def named(drawn, start: str):
    return next(one for one in drawn.figure.data if (one.name or "").startswith(start))


def test_the_chosen_epoch_stands_between_before_and_newest() -> None:
    drawn = panel_by_depth(panel(), scale=PROBE, epoch=2, note="Full fine-tuning")
    assert list(named(drawn, "after epoch 2 (chosen)").y) == pytest.approx([41, 51, 71])
    assert list(named(drawn, "before training").y) == pytest.approx([41, 51, 61])
    assert list(named(drawn, "after epoch 4 (newest)").y) == pytest.approx([41, 51, 81])
    assert drawn.reading == (
        "After epoch 2 it is highest after unit 3 (71.0 %); since before training it moved most after unit 3: up by 10.0 points."
    )
    assert "60 training images" in drawn.figure.layout.title.subtitle.text
    assert drawn.table["seeds"].tolist() == [2] * 9


def test_the_axis_is_that_of_all_epochs_so_that_it_stays_while_the_slider_moves() -> None:
    axes = [
        panel_by_depth(panel(), scale=PROBE, epoch=epoch).figure.layout.yaxis.to_plotly_json() for epoch in (0, 2, 4)
    ]
    assert axes[0] == axes[1] == axes[2]


def test_an_epoch_not_measured_yet_shows_the_latest_before_it() -> None:
    drawn = panel_by_depth(panel((0, 2)), scale=PROBE, epoch=8)
    assert named(drawn, "after epoch 2 (chosen)")
    assert not any("newest" in (one.name or "") for one in drawn.figure.data)


def test_a_unit_without_a_value_is_a_gap_with_its_reason_in_the_table() -> None:
    drawn = panel_by_depth(panel(), scale=DRIFT, epoch=4)
    assert list(named(drawn, "after epoch 4").y) == pytest.approx([None, 0.4, 0.4])
    assert set(drawn.table.loc[drawn.table["unit"] == 1, "reason"]) == {"features do not vary"}
    assert "%" not in drawn.reading


def test_a_training_that_was_not_watched_says_why_instead_of_an_empty_chart() -> None:
    frame = panel((0,)).query("unit > 0").assign(value=float("nan"), reason="nothing was measured: too short")
    drawn = panel_by_depth(frame, scale=PROBE, epoch=0)
    assert drawn.reading == "Nothing was measured: too short."
    assert drawn.table.empty
    assert drawn.figure.layout.annotations[-1].text == "Nothing was measured"
    assert drawn.alt.endswith("an empty chart, nothing was measured.")


def test_a_metric_refused_everywhere_says_why() -> None:
    frame = panel()
    frame = frame.assign(value=frame["value"].where(frame["metric"] != "drift"), reason="one class only")
    assert panel_by_depth(frame, scale=DRIFT, epoch=4).reading == "No value after epoch 4: one class only."


def test_where_nothing_changed_it_says_so() -> None:
    frame = panel()
    frame = frame[frame["unit"] < 3]
    assert "no unit has changed" in panel_by_depth(frame, scale=PROBE, epoch=4).reading


def test_nothing_measured_says_what_will_appear(nasty: str, texts) -> None:
    drawn = panel_by_depth(panel().iloc[:0], scale=PROBE, epoch=0, note=nasty, dark=True)
    assert "a line appears for every epoch" in drawn.reading
    assert "<b>my" not in texts(drawn.figure)
