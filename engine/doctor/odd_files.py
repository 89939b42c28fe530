"""Which files are unlike a plain picture, and what is made of them?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from engine.doctor._base import CHECKS, NOTICE, OK, Check, Finding
from engine.doctor._look import Evidence

KINDS = {
    "cmyk": ("in four printing colours (CMYK)", "They are converted without a colour profile: colours shift a little."),
    "sixteen_bit": (
        "with 16 bits for each pixel",
        "They are scaled to 8 bits: fine differences of brightness are lost.",
    ),
    "palette": ("with a palette", "Their colours are looked up; they may be diagrams or screenshots, not photographs."),
    "transparent": ("with transparent parts", "Transparent parts become white."),
    "animated": ("with several frames", "Only the first frame is used."),
    "turned": ("turned by their EXIF entry", "They are shown upright; other programs may not turn them."),
    "wrong_suffix": (
        "with a suffix of another format",
        "They are read by their content; other programs may refuse them.",
    ),
}


def look(evidence: Evidence) -> Iterator[Finding]:
    """Each kind of odd file with its share, and whether one class has them all."""
    found = False
    for kind, (words, consequence) in KINDS.items():
        there = np.asarray([kind in one.oddities for one in evidence.seen], dtype=bool)
        if not there.any():
            continue
        found = True
        n, share = int(there.sum()), float(there.mean())
        yield Finding(
            "odd_files", NOTICE, f"{n:,} of {len(there):,} files {words}", consequence + _by_class(evidence, there, share),
            "" if share == 1 else "Bring all files to one form if some classes have more of these than others.",
            {"kind": kind, "files": n, "share": round(share, 4)},
            evidence.examples(np.flatnonzero(there)[:6]),
        )  # fmt: skip
    if not found:
        yield Finding("odd_files", OK, "All files are plain 8-bit pictures", "Nothing is converted on the way.", "")


def _by_class(evidence: Evidence, there: np.ndarray, share: float) -> str:
    shares = [float(there[evidence.labels == one].mean()) for one in np.unique(evidence.labels)]
    if share < 1 and len(shares) > 1 and max(shares) - min(shares) > 0.5:
        return " Some classes have far more of them than others: a network may learn the kind of file instead."
    return ""


CHECKS.register(Check("odd_files", "Odd files", look))
