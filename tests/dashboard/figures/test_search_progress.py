"""The course of a search: means over seeds, the same number of settings said, nothing drawn before all seeds are there."""

import pandas as pd
import pytest

from dashboard.figures import search_progress
from dashboard.figures.search_progress import COLUMNS


def rows(strategy: str, seed: int, accuracies: list[float | None], epochs: int = 5) -> list[dict]:
    best, found = None, []
    for place, accuracy in enumerate(accuracies, start=1):
        best = max((one for one in (best, accuracy) if one is not None), default=None)
        found.append(
            {"run_id": f"{strategy}{seed}", "backbone": "net", "dataset": "digits", "budget": "50", "strategy": strategy,
             "frozen_depth": 0, "seed": seed, "method": "random", "trial": place, "rung": 0, "epochs": epochs,
             "epochs_spent": epochs * place, "best_accuracy": best, "flops": 2e9, "seconds": float(place),
             "energy_joules": 3.0 if place < 3 else None}
        )  # fmt: skip
    return found


FRAME = pd.DataFrame(
    rows("lora", 0, [0.5, 0.4, 0.7])
    + rows("lora", 1, [0.7, 0.8, 0.6])
    + rows("full_fine_tuning", 0, [0.6, 0.6, 0.65])
    + rows("full_fine_tuning", 1, [0.6, 0.6])
).astype({"best_accuracy": float, "energy_joules": float})


@pytest.mark.parametrize("dark", [False, True])
def test_steps_are_means_over_seeds_and_wait_for_all_of_them(dark):
    drawn = search_progress(FRAME, dark=dark)
    full, lora = drawn.figure.data
    assert list(lora.x) == [5, 10, 15]
    assert list(lora.y) == pytest.approx([60, 65, 75])
    assert list(full.y) == pytest.approx([60, 60]), "one seed has not come so far"
    assert lora.line.shape == "hv"
    assert (lora.line.dash, lora.marker.symbol) != (full.line.dash, full.marker.symbol)
    assert "Epochs spent" in drawn.figure.layout.xaxis.title.text
    assert "(%)" in drawn.figure.layout.yaxis.title.text


def test_the_words_say_how_many_settings_each_was_given():
    drawn = search_progress(FRAME)
    assert "random search, 3 settings each, 15 epochs each" in drawn.alt
    assert "3 settings each" in drawn.figure.layout.title.subtitle.text
    assert drawn.reading.startswith("LoRA validates best, 75.0 % after 15 epochs; its first setting gave 60.0 %")
    assert list(drawn.table.columns) == COLUMNS


def test_what_all_settings_took_is_a_sum_and_unknown_where_one_is_unknown():
    drawn = search_progress(FRAME)
    lora = drawn.table[drawn.table["strategy"] == "lora"]
    assert lora["operations_spent"].tolist() == [2e9, 4e9, 6e9]
    assert lora["seconds_spent"].tolist() == [1, 3, 6]
    assert lora["joules_spent"].tolist()[:2] == [3, 6]
    assert lora["joules_spent"].isna().tolist() == [False, False, True]
    assert drawn.reading.endswith(
        "All its settings together took 6 s, 6 G operations a run, the one that was taken included."
    )


def test_a_diverged_setting_leaves_no_step_until_there_is_a_best():
    drawn = search_progress(
        pd.DataFrame(rows("lora", 0, [None, 0.5])).astype({"best_accuracy": float, "energy_joules": float})
    )
    assert list(drawn.figure.data[0].x) == [10]


def test_before_anything_was_tried_it_is_an_empty_chart():
    assert "wait for the one that is chosen" in search_progress(FRAME.iloc[:0]).reading
