"""Between two weights: means, the chosen alpha, and the trade-off in words."""

from __future__ import annotations

import pandas as pd
import pytest

from dashboard.figures import weight_interpolation
from dashboard.figures.weight_interpolation import alphas, best_alpha, cells_of

LINE = {0.0: (0.5, 0.60, 0.9), 0.5: (0.8, 0.55, 0.8), 1.0: (0.8, 0.35, 0.4)}
"""alpha -> accuracy on the target, on a probed task, on the source."""


def frame(seeds: int = 2, dataset: str = "digits", others: bool = True) -> pd.DataFrame:
    rows = []
    for seed in range(seeds):
        for alpha, values in LINE.items():
            about = {"run_id": str(seed), "backbone": "net", "dataset": dataset, "budget": "50", "strategy": "wise_ft",
                     "seed": seed, "alpha": alpha}  # fmt: skip
            shown = [("accuracy", ""), ("probe_accuracy", "textures"), ("source_accuracy", "cifar10")]
            for (metric, task), value in zip(shown, values, strict=True):
                if others or not task:
                    rows.append(about | {"metric": metric, "task": task, "value": value + 0.02 * seed})
            rows.append(about | {"metric": "loss", "task": "", "value": 9.0})
    return pd.DataFrame(rows)


def test_the_alpha_that_validates_best_is_marked_ties_to_the_fine_tuned_end() -> None:
    assert alphas(frame()) == [0.0, 0.5, 1.0]
    assert best_alpha(frame()) == 1.0
    drawn = weight_interpolation(frame())
    assert drawn.reading.startswith(
        "At alpha 1, by means over 2 seeds: digits (target) 81.0 % (51.0 before, 81.0 after)"
    )
    assert drawn.figure.layout.shapes[0].x0 == 1.0


def test_between_the_ends_the_trade_off_is_said() -> None:
    drawn = weight_interpolation(frame(), alpha=0.5)
    assert "textures (probe) 56.0 % (61.0 before, 36.0 after)" in drawn.reading
    # (20 + 40) / 2 points more elsewhere, none on the target
    assert "Against the fine-tuned end that is +30.0 points on other tasks and +0.0 on the target." in drawn.reading
    assert drawn.figure.layout.xaxis.title.text == "Alpha (0 before the fine-tuning, 1 after it)"
    assert drawn.figure.layout.yaxis.title.text == "Accuracy (%)"
    names = [trace.name for trace in drawn.figure.data if trace.showlegend is not False]
    assert names == ["digits (target)", "textures (probe)", "cifar10 (source&#39;s classifier)".replace("&#39;", "'")]
    assert len({trace.line.dash for trace in drawn.figure.data if trace.mode == "lines+markers"}) == 3
    table = drawn.table
    assert table[table["task"] == "cifar10"]["mean_percent"].tolist() == pytest.approx([91.0, 81.0, 41.0])
    assert "loss" not in set(table["metric"])


def test_without_other_tasks_it_says_how_to_ask_them() -> None:
    assert "add the measure forgetting" in weight_interpolation(frame(others=False)).reading


def test_empty_it_says_what_will_come_and_cells_are_told_apart() -> None:
    drawn = weight_interpolation(frame().iloc[:0])
    assert drawn.table.empty
    assert "Nothing measured yet" in drawn.reading
    assert cells_of(pd.concat([frame(), frame(dataset="colours")])) == [
        ("net", "colours", "50", "wise_ft"),
        ("net", "digits", "50", "wise_ft"),
    ]


@pytest.mark.parametrize("dark", [False, True])
def test_names_are_drawn_as_they_stand(texts, nasty, dark) -> None:
    assert "<b>my</b>" not in texts(weight_interpolation(frame(dataset=nasty), dark=dark).figure)
