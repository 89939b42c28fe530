"""Text that people gave (names, paths, messages that hold them), where Streamlit reads Markdown."""

from __future__ import annotations

_MARKS = "\\`*_{}[]()#+-.!|<>$:~&"


def literal(text: object) -> str:
    """Return text that Markdown shows as it stands, on one line."""
    one_line = " ".join(str(text).split())
    return "".join(f"\\{character}" if character in _MARKS else character for character in one_line)
