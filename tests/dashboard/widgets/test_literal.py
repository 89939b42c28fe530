"""Names and paths in Markdown are shown as they stand."""

from __future__ import annotations

import re

from dashboard.widgets.literal import literal


def test_no_mark_is_left_bare() -> None:
    told = literal("**a** [x](http://y) $z$ <b> :red[c]\nsecond_line `code`")
    assert "\n" not in told
    assert not re.search(r"(?<!\\)[*_\[\]()`$<>:#|~]", told)
    assert re.sub(r"\\(.)", r"\1", told) == "**a** [x](http://y) $z$ <b> :red[c] second_line `code`"
