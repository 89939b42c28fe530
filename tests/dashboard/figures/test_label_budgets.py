from collections.abc import Callable

import pandas as pd
import pytest

from dashboard.figures import label_budgets
from dashboard.figures.label_budgets import several

Make = Callable[..., pd.DataFrame]


def curves(make: Make, **series: object) -> pd.DataFrame:
    """Gaps from scratch - linear probe: -.2 with 10 labels, -.1 with 100, +.1 with 1000, the same in each of three seeds."""
    frames = []
    for labels, scratch, probe in ((10, 0.3, 0.5), (100, 0.5, 0.6), (1000, 0.8, 0.7)):
        values = {("from_scratch", 0): {seed: scratch + seed / 100 for seed in range(3)},
                  ("linear_probe", 4): {seed: probe + seed / 100 for seed in range(3)}}  # fmt: skip
        frames.append(make(values, label_budget=labels, **series))
    return pd.concat(frames, ignore_index=True)


def test_curves_bands_and_the_crossing(transfer_curve: Make) -> None:
    drawn = label_budgets(curves(transfer_curve))
    lines = {t.name: t for t in drawn.figure.data if t.mode == "lines+markers"}
    assert list(lines["From scratch"].x) == [10, 100, 1000]
    assert list(lines["From scratch"].y) == pytest.approx([31, 51, 81])
    assert drawn.figure.layout.xaxis.type == "log"
    assert sum(t.fill == "toself" for t in drawn.figure.data) == 2
    ring = next(t for t in drawn.figure.data if t.marker.symbol == "circle-open")
    assert (ring.x[0], ring.y[0]) == pytest.approx((316.2, 66.0), abs=0.1)
    assert drawn.reading.startswith(
        "Training from scratch overtakes the linear probe from about 316 labels on (95 % interval"
    )
    assert drawn.reading.endswith("exploring: no claim.")
    assert "linear probe with 10 labels 51.0 % (3 seeds)" in drawn.alt
    assert drawn.table["label_budget"].tolist() == [10, 100, 1000] * 2


def test_series_are_told_apart(transfer_curve: Make) -> None:
    drawn = label_budgets(pd.concat([curves(transfer_curve), curves(transfer_curve, dataset="noise")]))
    assert {t.name for t in drawn.figure.data if t.mode == "lines+markers"} == {
        f"{name}, {dataset}" for name in ("From scratch", "Linear probe") for dataset in ("digits", "noise")
    }
    assert "resnet on noise: " in drawn.reading


def test_nothing_one_budget_and_all_labels(transfer_curve: Make) -> None:
    assert label_budgets(transfer_curve().iloc[:0]).reading.startswith("Nothing measured yet")
    assert label_budgets(transfer_curve()).reading == "Only one number of labels is measured so far."
    everything = transfer_curve(label_budget=None)
    assert label_budgets(everything).table.empty
    assert not several(everything)
    assert several(curves(transfer_curve))
