"""Gradual unfreezing: the head first, then one group of units after another from the top, each new group at a lower rate.

Howard & Ruder 2018, section 3.3. Groups are the network's stages. The next group joins at a share of the steps, or once
the validation loss has not fallen for two epochs.
"""

from __future__ import annotations

from engine.strategies._base import STRATEGIES, Card, Phase, Setting, Settings, Strategy
from engine.strategies._phases import by_group, falling, groups

WHEN = Setting(
    "when", "Next group", "epoch", "After equal numbers of epochs, or when validation stops improving.",
    options=("epoch", "plateau"),
)  # fmt: skip
SHARE = Setting("share", "All by", 0.5, "Share of the training after which everything learns.", 0.0, 1.0)
FACTOR = Setting("factor", "Factor", 2.6, "How many times slower each group learns than the one above it.", 1.0, 100.0)


def phases(card: Card, depth: int, settings: Settings, epochs: int) -> tuple[Phase, ...]:
    """One phase more than there are groups; where epochs allow it, phases begin with an epoch."""
    n, rates = len(groups(card)), falling(card, settings["factor"])
    found = []
    for free in range(n + 1):
        end = settings["share"] * (free + 1) / n if free < n else 1.0
        end = round(end * epochs) / epochs if epochs >= 2 * n else end
        learning = [rate if place >= n - free else 0.0 for place, rate in enumerate(rates)]
        found.append(Phase(min(1.0, end), by_group(card, learning)))
    return tuple(found)


STRATEGIES.register(
    Strategy(
        name="gradual_unfreezing",
        label="Gradual unfreezing",
        summary="The head first, then stage after stage from the top joins, the lower ones more slowly.",
        source="Howard & Ruder 2018, section 3.3",
        group="schedule",
        settings=(WHEN, SHARE, FACTOR),
        phases=phases,
        on_plateau=lambda settings: settings["when"] == "plateau",
    )
)
