"""Discriminative rates: every group of units learns more slowly than the one above it: eta of the group below = eta / factor."""

from __future__ import annotations

from engine.strategies._base import STRATEGIES, Phase, Setting, Strategy
from engine.strategies._phases import by_group, falling

STRATEGIES.register(
    Strategy(
        name="discriminative_rates",
        label="Discriminative rates",
        summary="Everything trains; each stage learns 2.6 times more slowly than the one above it.",
        source="Howard & Ruder 2018, section 3.2",
        group="schedule",
        settings=(
            Setting("factor", "Factor", 2.6, "How many times slower each stage learns than the one above.", 1.0, 100.0),
        ),
        same_as=lambda card, depth, settings, schedule: ("full_fine_tuning", 0) if settings["factor"] == 1 else None,
        phases=lambda card, depth, settings, epochs: (Phase(1.0, by_group(card, falling(card, settings["factor"]))),),
    )
)
