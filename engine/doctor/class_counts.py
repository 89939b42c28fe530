"""How many images has each class, in each part?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from engine.datasets._base import TEST
from engine.doctor._base import CHECKS, NOTICE, OK, SEVERE, WARNING, Check, Finding
from engine.doctor._look import Evidence

FEW = 20
"""Images to learn from below which a class is called tiny: its accuracy is mostly luck."""
FEW_TEST = 100
"""Test images below which one cannot tell much: 100 at 80 % are right to within 8 points."""


def look(evidence: Evidence) -> Iterator[Finding]:
    """Counts of each class; classes with few or no images in a part."""
    names = evidence.info.class_names
    to_learn = np.bincount(evidence.labels[evidence.parts != TEST], minlength=len(names))
    to_test = np.bincount(evidence.labels[evidence.parts == TEST], minlength=len(names))
    total = to_learn + to_test
    low, high = int(total.min()), int(total.max())
    yield Finding(
        "class_counts", OK, f"{len(names)} classes with {low:,}{f' to {high:,}' if high != low else ''} images each",
        f"{int(to_learn.sum()):,} images to learn from, {int(to_test.sum()):,} to test on.", "",
        {"classes": len(names), "smallest": low, "largest": high},
    )  # fmt: skip
    if evidence.refused:
        yield Finding(
            "class_counts", SEVERE, "The data cannot be trained on as they are", evidence.refused,
            "Repair what is named, then look again.",
        )  # fmt: skip
    tiny = np.flatnonzero(to_learn < FEW)
    if len(tiny):
        yield Finding(
            "class_counts", WARNING, f"{len(tiny)} of {len(names)} classes have fewer than {FEW} images to learn from",
            f"Smallest: {_named(names, to_learn, tiny)}. With so few, which images are drawn decides; use several seeds.",
            "Add images to these classes, or leave the classes out.", {"tiny": len(tiny)},
        )  # fmt: skip
    untested = np.flatnonzero(to_test == 0)
    if len(untested) and not evidence.refused:
        yield Finding(
            "class_counts", WARNING, f"{len(untested)} of {len(names)} classes have no test image",
            f"Nothing is measured for them: {', '.join(repr(names[one]) for one in untested[:10])}.",
            "Add test images of these classes.", {"untested": len(untested)},
        )  # fmt: skip
    n_test = int(to_test.sum())
    if n_test < FEW_TEST:
        points = 100 * 1.96 * np.sqrt(0.8 * 0.2 / max(n_test, 1))
        yield Finding(
            "class_counts", NOTICE, f"Only {n_test} test images",
            f"A measured 80 % would be right to within about {points:.0f} points: smaller differences say nothing.",
            "Add test images, or compare over many seeds.", {"test_images": n_test},
        )  # fmt: skip


def _named(names: tuple[str, ...], counts: np.ndarray, chosen: np.ndarray) -> str:
    smallest = chosen[np.argsort(counts[chosen], kind="stable")][:10]
    return ", ".join(f"{names[one]!r} ({counts[one]})" for one in smallest) + (" ..." if len(chosen) > 10 else "")


CHECKS.register(Check("class_counts", "Images in each class", look))
