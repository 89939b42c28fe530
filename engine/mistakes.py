"""Mistakes that are shown on purpose: kept out of every comparison, and compared with what they get wrong alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.strategies import STRATEGIES

if TYPE_CHECKING:
    import pandas as pd

STATISTICS = ("running_mean", "running_var", "num_batches_tracked")
"""What normalisation counts by itself while it is in training mode."""


def names() -> tuple[str, ...]:
    """The strategies that are a mistake, in the order of their registration."""
    return tuple(one.name for one in STRATEGIES if one.mistake_of)


def pairs() -> dict[str, str]:
    """Each mistake with the strategy that it is a mistake of."""
    return {one.name: one.mistake_of for one in STRATEGIES if one.mistake_of}


def without(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of strategies to choose from: ties, alarms, advice and rankings take these alone.

    Args:
        frame: any frame with a column `strategy`.
    """
    mistaken = frame["strategy"].isin(names())
    return frame[~mistaken] if mistaken.any() else frame


def proof_of(strategy: str, changed: list[str]) -> str:
    """What a freeze proof comes to: "held"; "broken"; or "mistake" where the strategy is known for what changed.

    Args:
        strategy: its name; one that nobody knows has no excuse.
        changed: names of the frozen tensors that differ.
    """
    if not changed:
        return "held"
    known = strategy in STRATEGIES and STRATEGIES[strategy].statistics_move
    return "mistake" if known and only_statistics(changed) else "broken"


def only_statistics(changed: list[str]) -> bool:
    """Whether all of these tensors are running statistics, and no weight."""
    return all(name.rpartition(".")[2] in STATISTICS for name in changed)
