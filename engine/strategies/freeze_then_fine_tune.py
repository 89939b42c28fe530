"""Freeze, then fine-tune: fastai's recipe. The head alone first, then everything at half the rate, lower units slower still.

fastai's `Learner.fine_tune`: frozen epochs at the base rate, then unfrozen with rates slice(base / 200, base / 2), spaced
evenly on a log scale over the groups; each part is one cycle. We warm up over a fifth in both (fastai: 0.99 and 0.3).
"""

from __future__ import annotations

from engine.strategies._base import STRATEGIES, Card, Phase, Setting, Settings, Strategy
from engine.strategies._phases import by_group, groups, head_only

SPAN = 100.0
"""The head's rate over that of the lowest group."""


def phases(card: Card, depth: int, settings: Settings, epochs: int) -> tuple[Phase, ...]:
    """Two cycles; at least half of the training is left to the second."""
    n = len(groups(card))
    rates = [0.5 * SPAN ** -((n - place) / n) for place in range(n)]
    frozen = min(settings["frozen_epochs"] / epochs, 0.5)
    unfrozen = Phase(1.0, by_group(card, rates, head=0.5), "one_cycle")
    return (head_only(card, frozen, "one_cycle"), unfrozen) if frozen else (unfrozen,)


STRATEGIES.register(
    Strategy(
        name="freeze_then_fine_tune",
        label="Freeze, then fine-tune",
        summary="One epoch for the head alone, then everything at half the rate, lower units up to 100 times slower.",
        source="fastai, Learner.fine_tune; Howard & Gugger 2020",
        group="schedule",
        settings=(
            Setting("frozen_epochs", "Frozen epochs", 1, "Epochs for the head alone, at most half of all.", 0, 1000),
        ),
        phases=phases,
    )
)
