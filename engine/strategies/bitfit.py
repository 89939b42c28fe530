"""BitFit: only biases (those of normalisation included) and the head train; running statistics stay."""

from __future__ import annotations

from engine.strategies import _few
from engine.strategies._base import STRATEGIES, Card, Moves, Settings, Strategy
from engine.strategies._layers import part


def refuses(card: Card, settings: Settings) -> str | None:
    """A network without biases."""
    return None if part(card, "bias") else f"{card.name} has no bias to train"


STRATEGIES.register(
    Strategy(
        name="bitfit",
        label="BitFit",
        summary="Only biases train; in networks with batch normalisation these are its shifts.",
        source="Ben Zaken, Ravfogel & Goldberg 2022",
        group="parameter-efficient",
        optimizer=_few.OPTIMIZER,
        rate_factors=_few.SELECTED,
        refuses=refuses,
        moves=lambda card, depth, settings: Moves((), "bias"),
    )
)
