"""How large are the images, are they oblong, and how do they fit the backbone's input?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from engine.doctor._base import CHECKS, NOTICE, OK, WARNING, Check, Finding
from engine.doctor._look import Evidence

OBLONG = 2.0
"""Longer side over shorter side from which half of the image or more lies outside the central square."""
TOO_SMALL = 0.5
"""Share of the backbone's input side below which enlarging shows."""
FAR_TOO_SMALL = 0.2
"""Share below which nearly all of the backbone's work is spent on pixels that hold nothing."""


def look(evidence: Evidence) -> Iterator[Finding]:
    """Sizes; images that are oblong, and those far smaller than the input."""
    if not evidence.seen:
        return
    width, height = evidence.column("width"), evidence.column("height")
    short, long = np.minimum(width, height), np.maximum(width, height)
    one_size = len(np.unique(np.column_stack([width, height]), axis=0)) == 1
    yield Finding(
        "image_sizes", OK,
        f"All images are {width[0]} x {height[0]} pixels" if one_size
        else f"Shorter sides from {short.min():,} to {short.max():,} pixels, half of them below {int(np.median(short)):,}",
        "Every image is resized so that its shorter side fits, and its central square is used.", "",
        {"shortest": int(short.min()), "median": int(np.median(short)), "longest": int(long.max())},
    )  # fmt: skip
    oblong = long >= OBLONG * short
    if oblong.any():
        share = float(oblong.mean())
        yield Finding(
            "image_sizes", NOTICE if share < 0.2 else WARNING,
            f"{int(oblong.sum()):,} of {len(oblong):,} images are at least twice as long as wide",
            "Only the central square is seen: half of these images or more is cut away.",
            "Crop them to what matters, or pad them to squares.", {"images": int(oblong.sum()), "share": round(share, 4)},
            evidence.examples(np.flatnonzero(oblong)[:6]),
        )  # fmt: skip
    if evidence.card is not None:
        yield from _against_input(evidence, short, evidence.card.input_size[1])


def _against_input(evidence: Evidence, short: np.ndarray, side: int) -> Iterator[Finding]:
    small = short < TOO_SMALL * side
    share = float(small.mean())
    if share < 0.01:
        return
    yield Finding(
        "image_sizes", WARNING if (short < FAR_TOO_SMALL * side).mean() > 0.5 else NOTICE,
        f"{share:.0%} of the images are less than half as large as the backbone's input of {side} x {side}",
        f"They are enlarged, by {side / max(1, int(np.median(short[small]))):.1f} times in the middle case: blurred images are"
        " not what the backbone was pretrained on, and most of its work is spent on pixels that hold nothing.",
        "A backbone with a smaller input is faster and often as good; compare one.",
        {"input": side, "share": round(share, 4)}, evidence.examples(np.flatnonzero(small)[:4]),
    )  # fmt: skip


CHECKS.register(Check("image_sizes", "Sizes of the images", look))
