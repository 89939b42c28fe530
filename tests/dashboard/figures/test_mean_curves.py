"""Learning curves of many runs: means with bands, at most a few networks, and a sentence on the others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

from dashboard.figures import _style, mean_curves
from dashboard.figures.mean_curves import DRAWN, MOST

Make = Callable[..., pd.DataFrame]
SEEDS = {0: 0.3, 1: 0.6, 2: 0.9}


def traces(drawn: _style.Drawn, name: str) -> dict[str, Any]:
    found = [trace for trace in drawn.figure.data if trace.name == name]
    return {"band" if one.fill else one.line.dash: one for one in found}


def test_the_line_is_the_mean_of_the_seeds_and_the_band_its_interval(learning_curve: Make) -> None:
    drawn = mean_curves(learning_curve({("lora", 0): SEEDS}))
    found = traces(drawn, "LoRA")
    # Validation of seed s at epoch e is value * e / 3: means 20, 40, 60 %; sd at epoch 3 is 30 points, t(2) = 4.30265.
    assert list(found["solid"].y) == pytest.approx([20, 40, 60])
    assert list(found["dash"].y) == pytest.approx([30, 50, 70])
    assert list(found["solid"].customdata) == [3, 3, 3]
    ends = drawn.table[(drawn.table["split"] == "validation") & (drawn.table["epoch"] == 1)].iloc[0]
    half = 4.30265 * 10 / 3**0.5
    assert (ends["low"], ends["high"]) == pytest.approx((max(0, 20 - half), 20 + half), abs=1e-3)
    assert list(found["band"].x) == [1, 2, 3, 3, 2, 1, None]
    assert list(found["band"].y[:3]) == pytest.approx([20 + half, min(100, 40 + 2 * half), 100], abs=1e-3)
    assert (found["band"].showlegend, found["dash"].showlegend, found["solid"].showlegend) == (False, False, True)
    assert "LoRA: last validation mean 60.0 %, 95 % interval 0.0 to 100.0 (3 seeds, epoch 3)." in drawn.alt
    assert drawn.reading == "The highest latest validation mean is 60.0 % (LoRA, 3 seeds, epoch 3)."


def test_of_two_seeds_no_band_is_drawn(learning_curve: Make) -> None:
    assert set(traces(mean_curves(learning_curve({("lora", 0): {0: 0.3, 1: 0.5}})), "LoRA")) == {"solid", "dash"}


def test_the_first_ones_are_drawn_with_the_control_and_a_sentence_says_what_is_not(learning_curve: Make) -> None:
    many = {("partial_fine_tuning", depth): SEEDS for depth in range(1, 10)} | {("from_scratch", 0): SEEDS}
    drawn = mean_curves(learning_curve(many))
    names = [trace.name for trace in drawn.figure.data if trace.showlegend]
    assert names == [*(f"Frozen depth {depth}" for depth in range(1, DRAWN)), "From scratch"]
    assert f"{DRAWN} of 10 strategies and depths drawn" in drawn.figure.layout.title.subtitle.text
    assert drawn.reading.endswith(f"{DRAWN} of 10 strategies and depths drawn: choose others under Strategies.")
    colours = [trace.line.color for trace in drawn.figure.data if trace.showlegend]
    assert len(set(colours)) == DRAWN


def test_what_is_chosen_is_drawn_and_never_more_than_the_most(learning_curve: Make) -> None:
    many = {("partial_fine_tuning", depth): SEEDS for depth in range(1, 21)}
    chosen = [("partial_fine_tuning", depth) for depth in (3, 17)]
    drawn = mean_curves(learning_curve(many), cells=chosen)
    assert [t.name for t in drawn.figure.data if t.showlegend] == ["Frozen depth 3", "Frozen depth 17"]
    assert set(drawn.table["frozen_depth"]) == {3, 17}
    every = mean_curves(learning_curve(many), cells=list(many))
    assert sum(bool(t.showlegend) for t in every.figure.data) == MOST
    assert len(every.figure.data) <= 3 * MOST


def test_networks_of_several_backbones_are_named(learning_curve: Make) -> None:
    frame = pd.concat([learning_curve({("lora", 0): SEEDS}, backbone=name) for name in ("one", "two")])
    lines = [trace for trace in mean_curves(frame).figure.data if trace.showlegend]
    assert [line.name for line in lines] == ["LoRA, one", "LoRA, two"]
    assert len({line.line.color for line in lines}) == 2


def test_a_backbone_is_named_also_where_the_others_are_not_drawn_and_no_backbone_comes_first(
    learning_curve: Make,
) -> None:
    many = {("partial_fine_tuning", depth): SEEDS for depth in range(1, 8)}
    frame = pd.concat([learning_curve(many, backbone=name) for name in ("one", "two")])
    drawn = mean_curves(frame)
    names = [trace.name for trace in drawn.figure.data if trace.showlegend]
    assert names == [f"Frozen depth {depth}, {name}" for depth in (1, 2, 3) for name in ("one", "two")]
    alone = mean_curves(pd.concat([frame, learning_curve({("lora", 0): SEEDS}, backbone="two")]), cells=[("lora", 0)])
    assert "(LoRA, two, 3 seeds, epoch 3)" in alone.reading


def test_nothing_yet_says_what_will_appear_and_a_wrong_metric_is_an_error(learning_curve: Make) -> None:
    frame = learning_curve({("lora", 0): SEEDS})
    assert "a line appears for each network" in mean_curves(frame.iloc[:0]).reading
    assert "a line appears for each network" in mean_curves(frame, cells=[("bitfit", 0)]).reading
    with pytest.raises(ValueError, match="must be one of: accuracy, loss"):
        mean_curves(frame, metric="f1")


@pytest.mark.parametrize("dark", [False, True])
def test_names_are_drawn_as_they_stand(learning_curve: Make, nasty: str, texts, dark: bool) -> None:
    frame = pd.concat([learning_curve({("lora", 0): SEEDS}, backbone=name) for name in (nasty, "two")])
    drawn = mean_curves(frame, metric="loss", dark=dark)
    assert "<b>my</b>" not in texts(drawn.figure)
    assert nasty in drawn.alt
