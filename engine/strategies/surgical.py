"""Surgical fine-tuning: one chosen block and the head train, everything else stays.

Which block depends on the shift: early ones for changed pixels, late ones for changed labels (Lee et al. 2023, section 3).
"""

from __future__ import annotations

from engine.strategies._base import STRATEGIES, Card, Moves, Setting, Settings, Strategy


def refuses(card: Card, settings: Settings) -> str | None:
    """A block beyond the network."""
    if settings["block"] <= card.n_units:
        return None
    return f"block is {settings['block']}, and {card.name} has {card.n_units} units"


def same_as(card: Card, depth: int, settings: Settings, schedule: str) -> tuple[str, int] | None:
    """The last block alone is partial fine-tuning of the last unit."""
    return ("partial_fine_tuning", depth) if settings["block"] == card.n_units else None


STRATEGIES.register(
    Strategy(
        name="surgical",
        label="Surgical fine-tuning",
        summary="One block trains with the head; those before and after it stay frozen.",
        source="Lee et al. 2023",
        settings=(Setting("block", "Block", 2, "Which unit trains, counted from the image; 1 is the stem.", 1, 1000),),
        at=lambda card, settings: min(settings["block"], card.n_units) - 1,
        refuses=refuses,
        same_as=same_as,
        moves=lambda card, depth, settings: Moves((settings["block"] - 1,)),
    )
)
