"""SSF: everything frozen; the output of every layer and normalisation is scaled and shifted: gamma h + beta, 1 and 0 at first."""

from __future__ import annotations

from engine.strategies import _few
from engine.strategies._base import STRATEGIES, Card, Settings, Strategy, nothing
from engine.strategies._layers import weights

KINDS = ("linear", "conv", "grouped conv", "norm")


def targets(card: Card) -> list[tuple[str, str, int]]:
    """(module, kind, channels) of everything whose output is scaled and shifted."""
    return [
        (weight.name.rpartition(".")[0], weight.kind, weight.shape[0])
        for _, weight in weights(card)
        if weight.kind in KINDS and weight.name.endswith(".weight")
    ]


def refuses(card: Card, settings: Settings) -> str | None:
    """Nothing whose output could be scaled."""
    return None if targets(card) else f"{card.name} has no plain layer or normalisation whose output could be scaled"


STRATEGIES.register(
    Strategy(
        name="ssf",
        label="Scale and shift (SSF)",
        summary="Everything frozen; the output of every layer is scaled and shifted, channel by channel.",
        source="Lian et al. 2022",
        group="parameter-efficient",
        optimizer=_few.OPTIMIZER,
        rate_factors=_few.SELECTED,
        refuses=refuses,
        moves=nothing,
        added=lambda card, settings: sum(2 * size for _, _, size in targets(card)),
        tuning="ssf",
    )
)
