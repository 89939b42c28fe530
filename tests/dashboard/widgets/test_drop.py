"""What a browser may send about a dropped file."""

from __future__ import annotations

import pytest

from dashboard.widgets.drop import token_of


@pytest.mark.parametrize("sent", [None, 7, "x", [], {}, {"token": 7}, {"token": None}])
def test_anything_else_is_no_token(sent):
    assert token_of(sent) is None


def test_a_token():
    assert token_of({"token": "ab", "at": 1}) == "ab"
