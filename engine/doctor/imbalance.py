"""Are some classes far larger than others, and how right is always answering the largest?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from engine.datasets._base import TEST
from engine.doctor._base import CHECKS, NOTICE, OK, WARNING, Check, Finding
from engine.doctor._look import Evidence

UNEVEN, VERY_UNEVEN = 1.5, 10.0
"""Largest class over smallest, to learn from."""


def look(evidence: Evidence) -> Iterator[Finding]:
    """The majority baseline: the accuracy that any network has to beat."""
    names = evidence.info.class_names
    counts = np.bincount(evidence.labels[evidence.parts != TEST], minlength=len(names))
    tested = np.bincount(evidence.labels[evidence.parts == TEST], minlength=len(names))
    if not counts.sum():
        return
    largest, smallest = int(counts.argmax()), int(counts.argmin())
    judged = tested if tested.sum() else counts
    baseline = judged[largest] / judged.sum()
    ratio = counts[largest] / max(1, counts[smallest])
    severity = OK if ratio < UNEVEN else NOTICE if ratio < VERY_UNEVEN else WARNING
    title = f"Always answering {names[largest]!r} is right {baseline:.1%} of the time"
    means = "Any accuracy has to be compared with this one, not with 0."
    advice = ""
    if severity != OK:
        title += f"; the largest class has {ratio:.1f} times the images of the smallest"
        means += " A network that neglects small classes still looks good by accuracy."
        advice = (
            "Look at the accuracy of each class, or take equally many images of each (a label budget draws evenly)."
        )
    yield Finding(
        "imbalance", severity, title, means, advice,
        {"majority_class": names[largest], "baseline": round(float(baseline), 4), "ratio": round(float(ratio), 2)},
    )  # fmt: skip


CHECKS.register(Check("imbalance", "Balance of the classes", look))
