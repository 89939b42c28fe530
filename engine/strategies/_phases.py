"""Groups of units and the phases that schedules are made of; pure, without torch."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from engine.strategies._base import Card, Phase

FEWEST = 3
"""Stages from which on stages are the groups; networks with fewer are cut into four runs of units of equal length."""
RUNS = 4


AFTER_A_PROBE = (0.2, 1.0)
"""Rates of fine-tuning that begins from a solved head, as shares of those of full fine-tuning (without and with attention). A
solved head has large weights where features are small: on the validation images of digits (seeds 100 to 103, 100 labels)
`plain8_cifar10` broke in two of four runs at half of its rate, in none at an eighth; `resnet20_cifar10` was as good at both.
"""


def groups(card: Card) -> list[tuple[int, ...]]:
    """Units (0-based) in groups, lowest first: the stages, or equal runs of units where there are too few stages."""
    found = [
        tuple(place for place, _ in group) for _, group in groupby(enumerate(card.units), lambda one: one[1].stage)
    ]
    if len(found) >= FEWEST:
        return found
    n, runs = card.n_units, min(RUNS, card.n_units)
    return [tuple(range(n * run // runs, n * (run + 1) // runs)) for run in range(runs)]


def by_group(card: Card, of_groups: Sequence[float], head: float = 1.0) -> tuple[float, ...]:
    """Rates of every unit and the head from one rate per group, lowest group first."""
    rates = [0.0] * card.n_units
    for units, rate in zip(groups(card), of_groups, strict=True):
        for unit in units:
            rates[unit] = rate
    return (*rates, head)


def falling(card: Card, factor: float) -> list[float]:
    """One rate per group: each group learns `factor` times slower than the one above; the head is the topmost."""
    n = len(groups(card))
    return [factor ** -(n - place) for place in range(n)]


def head_only(card: Card, end: float, curve: str = "", rate: float = 1.0) -> Phase:
    """Only the head learns."""
    return Phase(end, (*[0.0] * card.n_units, rate), curve)


def all_units(card: Card, end: float = 1.0, curve: str = "", rate: float = 1.0) -> Phase:
    """Everything learns at one rate."""
    return Phase(end, (rate,) * (card.n_units + 1), curve)
