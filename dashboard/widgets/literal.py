"""Text that people gave (names, paths, messages that hold them), where Streamlit reads Markdown."""

from __future__ import annotations

import re

_MARKS = "\\`*_{}[]()#+-.!|<>$:~&"
# Markdown makes links of bare addresses, escaped or not; an invisible mark that forbids a line break keeps them text.
_ADDRESS = re.compile(r"(?i)(?<=https:)(?=/)|(?<=http:)(?=/)|(?<=www)(?=\.)|(?=@)")
_JOINER = "\u2060"


def literal(text: object) -> str:
    """Return text that Markdown shows as it stands, on one line."""
    one_line = _ADDRESS.sub(_JOINER, " ".join(str(text).split()))
    return "".join(f"\\{character}" if character in _MARKS else character for character in one_line)
