"""Are there black, white or plain images; is all grey; are some inverted?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from engine.doctor._base import CHECKS, NOTICE, OK, WARNING, Check, Finding
from engine.doctor._look import Evidence

DARK, BRIGHT = 8.0, 247.0
"""Mean brightness (of 255) below and above which hardly anything can be seen."""
LIGHT_BORDER, DARK_BORDER = 200.0, 55.0


def look(evidence: Evidence) -> Iterator[Finding]:
    """Plain, very dark and very bright images; grey ones; and drawings of which some are inverted."""
    if not evidence.seen:
        return
    found = [*_plain(evidence), *_grey(evidence), *_inverted(evidence)]
    yield from found
    if not found:
        mean = float(evidence.column("mean").mean())
        yield Finding(
            "pixel_values", OK, f"Brightness is usual: {mean:.0f} of 255 in the mean",
            "No image is plain, very dark or very bright.", "", {"mean": round(mean, 1)},
        )  # fmt: skip


def _plain(evidence: Evidence) -> Iterator[Finding]:
    mean, constant = evidence.column("mean"), evidence.column("constant")
    kinds = {
        "of one plain colour": constant,
        "almost black": (mean < DARK) & ~constant,
        "almost white": (mean > BRIGHT) & ~constant,
    }
    for words, there in kinds.items():
        if there.any():
            yield Finding(
                "pixel_values", WARNING if "plain" in words else NOTICE,
                f"{int(there.sum()):,} of {len(there):,} images are {words}",
                "Nothing can be recognised in them; with different labels they can only confuse."
                if "plain" in words else "What they show has little contrast; they may be under- or overexposed.",
                "Look at them, and remove those that show nothing.", {"images": int(there.sum())},
                evidence.examples(np.flatnonzero(there)[:8]),
            )  # fmt: skip


def _grey(evidence: Evidence) -> Iterator[Finding]:
    grey = evidence.column("grey")
    share = float(grey.mean())
    if share == 1:
        yield Finding(
            "pixel_values", NOTICE, "All images are grey",
            "Backbones for colour images take them as three equal channels; filters for colour see nothing.", "",
            {"grey": 1.0},
        )  # fmt: skip
        return
    if share == 0:
        return
    classes = np.unique(evidence.labels)
    shares = np.asarray([grey[evidence.labels == one].mean() for one in classes])
    telling = len(classes) > 1 and shares.max() - shares.min() > 0.5
    if not telling and share < 0.02:
        return
    most, least = (evidence.info.class_names[int(classes[at])] for at in (shares.argmax(), shares.argmin()))
    yield Finding(
        "pixel_values", WARNING if telling else NOTICE, f"{share:.0%} of the images are grey, the others in colour",
        f"{shares.max():.0%} of {most!r} are grey and {shares.min():.0%} of {least!r}: whether there is colour tells the class."
        if telling else "They are spread over the classes, so that colour alone tells little.",
        "Make all images grey, or take colour images of every class." if telling else "",
        {"grey": round(share, 4)}, evidence.examples(np.flatnonzero(grey)[:6]),
    )  # fmt: skip


def _inverted(evidence: Evidence) -> Iterator[Finding]:
    """Drawings and signs: grey, on a plain ground that is light in some images and dark in others."""
    border, grey = evidence.column("border"), evidence.column("grey")
    light, dark = grey & (border > LIGHT_BORDER), grey & (border < DARK_BORDER)
    rarer = min(int(light.sum()), int(dark.sum()))
    if rarer < 3 or light.sum() + dark.sum() < 0.5 * len(grey):
        return
    there = light if light.sum() == rarer else dark
    yield Finding(
        "pixel_values", NOTICE, f"{rarer:,} grey images are on a {'light' if there is light else 'dark'} ground, most are not",
        "Some images may be inverted (a negative): the same sign in black on white and in white on black.",
        "Look at them; invert those that are negatives.", {"images": rarer}, evidence.examples(np.flatnonzero(there)[:6]),
    )  # fmt: skip


CHECKS.register(Check("pixel_values", "Brightness and colour", look))
