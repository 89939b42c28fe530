"""Names and paths in Markdown are shown as they stand."""

from __future__ import annotations

import re

import pytest

from dashboard.widgets.literal import literal


def test_no_mark_is_left_bare() -> None:
    told = literal("**a** [x](http://y) $z$ <b> :red[c]\nsecond_line `code`")
    assert "\n" not in told
    assert not re.search(r"(?<!\\)[*_\[\]()`$<>:#|~]", told)
    assert re.sub(r"\\(.)|\u2060", r"\1", told) == "**a** [x](http://y) $z$ <b> :red[c] second_line `code`"


@pytest.mark.parametrize("address", ["http://a.example", "HTTPS://a.example", "www.a.example", "me@a.example"])
def test_an_address_is_no_link(address: str) -> None:
    # GitHub's Markdown looks for these in text that is already free of escapes.
    shown = re.sub(r"\\(.)", r"\1", literal(address))
    assert not re.search(r"(?i)https?://|www\.|\w@", shown)
    assert shown.replace("\u2060", "") == address
