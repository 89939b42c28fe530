"""Chained thaw: the head alone, then each group of units alone from the bottom up, then everything together.

Felbo et al. 2017 ("DeepMoji"), section 3.3, with stages for their layers; each part is run through the schedule by itself.
"""

from __future__ import annotations

from engine.strategies._base import STRATEGIES, Card, Phase, Setting, Settings, Strategy
from engine.strategies._phases import all_units, by_group, groups, head_only


def phases(card: Card, depth: int, settings: Settings, epochs: int) -> tuple[Phase, ...]:
    """As many parts as groups and two more, of equal length but for the last, which has its share."""
    n = len(groups(card))
    one = (1.0 - settings["together"]) / (n + 1)
    alone = [
        Phase(one * (at + 2), by_group(card, [float(place == at) for place in range(n)], head=0.0), "one_cycle")
        for at in range(n)
    ]
    found = (head_only(card, one, "one_cycle"), *alone)
    return (*found, all_units(card, curve="one_cycle")) if settings["together"] else found


STRATEGIES.register(
    Strategy(
        name="chained_thaw",
        label="Chained thaw",
        summary="The head alone, then one stage at a time from the image upward, then all together.",
        source="Felbo et al. 2017, section 3.3",
        group="schedule",
        settings=(
            Setting("together", "All together", 0.4, "Share of the training in which everything learns.", 0.0, 0.95),
        ),
        phases=phases,
    )
)
