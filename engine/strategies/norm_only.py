"""Norm-only: normalisation layers (scale, shift and running statistics) and the head train."""

from __future__ import annotations

from engine.strategies import _few
from engine.strategies._base import STRATEGIES, Card, Moves, Settings, Strategy
from engine.strategies._layers import part


def refuses(card: Card, settings: Settings) -> str | None:
    """A network without normalisation."""
    return None if part(card, "norm") else f"{card.name} has no normalisation layer with a scale to train"


STRATEGIES.register(
    Strategy(
        name="norm_only",
        label="Normalisation only",
        summary="Only normalisation layers adapt, with their running statistics; every kernel stays frozen.",
        source="Frankle, Schwab & Morcos 2021; Mudrakarta et al. 2019",
        group="parameter-efficient",
        optimizer=_few.OPTIMIZER,
        rate_factors=_few.SELECTED,
        refuses=refuses,
        moves=lambda card, depth, settings: Moves((), "norm"),
    )
)
