"""What the network component sends is checked before it is believed."""

from __future__ import annotations

from typing import Any

import pytest

from dashboard.widgets.network import read_move


def test_a_move_is_read_and_put_in_order() -> None:
    assert read_move({"depth": 4, "depths": [6, 2, 6], "stamp": 17.5}) == (4, [2, 6], 17.5)


@pytest.mark.parametrize(
    "moved",
    [
        None,
        "4",
        {"depth": 4},
        {"depth": -1, "depths": [], "stamp": 1},
        {"depth": 4.5, "depths": [], "stamp": 1},
        {"depth": True, "depths": [], "stamp": 1},
        {"depth": 4, "depths": "24", "stamp": 1},
        {"depth": 4, "depths": [10**9], "stamp": 1},
        {"depth": 4, "depths": [], "stamp": "now"},
    ],
)
def test_anything_else_is_ignored(moved: Any) -> None:
    assert read_move(moved) is None
