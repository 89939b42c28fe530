"""Learning rate against training: the schedules by name; pure, without torch."""

from __future__ import annotations

import math

WARM_UP_SHARE = 0.2
"""Of the steps of `one_cycle`."""
SHORT_WARM_UP = 0.05
"""Of the steps of `warmup_cosine`."""
CUT, RATIO = 0.1, 32
"""Of `slanted_triangular`: the share of the steps that rises, and how much smaller the lowest rate is than the highest."""


def schedule(name: str, done: float, cycles: int = 1) -> float:
    """Learning rate as a share of its peak after a share `done` (0..1) of the steps.

    With several cycles it starts anew in each (Loshchilov & Hutter 2017, "SGDR", with equal lengths).
    """
    if cycles > 1 and done < 1.0:
        done = done * cycles % 1.0
    if name == "constant":
        return 1.0
    if name == "slanted_triangular":
        # Howard & Ruder 2018, equation 3.
        rising = done / CUT if done < CUT else 1 - (done - CUT) / (CUT * (1 / CUT - 1))
        return (1 + rising * (RATIO - 1)) / RATIO
    if name == "one_cycle" and done < WARM_UP_SHARE:
        # From 1/25 of the peak upward (Smith & Topin 2018, as in fastai).
        return 0.04 + 0.96 * done / WARM_UP_SHARE
    if name == "warmup_cosine" and done < SHORT_WARM_UP:
        # From a hundredth upward: a rate of exactly 0 would waste the first step.
        return 0.01 + 0.99 * done / SHORT_WARM_UP
    warm = {"one_cycle": WARM_UP_SHARE, "warmup_cosine": SHORT_WARM_UP}.get(name, 0.0)
    done = (done - warm) / (1 - warm)
    return 0.5 * (1 + math.cos(math.pi * done))
