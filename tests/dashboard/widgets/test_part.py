"""Which part of an experiment is shown: rows against frames written by hand."""

from __future__ import annotations

import pandas as pd
import pytest

from dashboard.widgets.part import Part

ROWS = pd.DataFrame(
    [("a", "x", "50", 1), ("a", "y", "50", 2), ("b", "x", "50", 3), ("b", "x", "all", 4)],
    columns=["backbone", "dataset", "budget", "value"],
)


@pytest.mark.parametrize(
    ("part", "left", "words"),
    [
        (Part(), [1, 2, 3, 4], ""),
        (Part(backbone="a"), [1, 2], "a"),
        (Part(backbone="b", budget="all"), [4], "b, all labels"),
        (Part(backbone="a", dataset="y"), [2], "a on y"),
        (Part(dataset="x", budget="50"), [1, 3], "x, 50 labels"),
        (Part(backbone="gone"), [], "gone"),
    ],
)
def test_the_rows_of_a_part_and_its_name_in_a_title(part, left, words) -> None:
    assert part(ROWS)["value"].tolist() == left
    assert part.words == words


def test_of_everything_the_very_frame_is_given() -> None:
    assert Part()(ROWS) is ROWS
