"""Are there copies: the same bytes, or the same pixels in another file?"""

from __future__ import annotations

from collections.abc import Iterator

from engine.doctor._base import CHECKS, Check, Finding
from engine.doctor._copies import findings, group_of_equal
from engine.doctor._look import Evidence


def look(evidence: Evidence) -> Iterator[Finding]:
    """Equal pixels are equal images, whatever their files; equal bytes have equal pixels."""
    yield from findings(
        evidence, group_of_equal(evidence.column("pixels")), "exact_duplicates", "exact copies", certain=True
    )


CHECKS.register(Check("exact_duplicates", "The same image twice", look))
