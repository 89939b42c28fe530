"""DELTA: feature maps of every stage must not leave those of the frozen backbone, channels weighted by how much they matter.

strength * sum over stages and channels of a_c * mean (F_c - F_c,frozen)^2; the attention a is the softmax of how much the loss
would rise without the channel. Li et al. 2019 remove each channel in turn; we take the first-order estimate of the rise,
-gradient x activation (Molchanov et al. 2017), from one backward pass through a head solved on the frozen features.
"""

from __future__ import annotations

from engine.strategies._base import STRATEGIES, Card, Setting, Settings, Strategy
from engine.strategies._layers import channels
from engine.strategies._phases import groups


def refuses(card: Card, settings: Settings) -> str | None:
    """A network whose units do not compose, or whose channels cannot be told."""
    if card.composable and all(channels(card.units[group[-1]]) for group in groups(card)):
        return None
    return f"it compares feature maps between units, and {card.name} does not show them"


STRATEGIES.register(
    Strategy(
        name="delta",
        label="DELTA",
        summary="Full fine-tuning whose feature maps stay near the frozen ones where they matter.",
        source="Li et al. 2019; Molchanov et al. 2017",
        group="regularised",
        settings=(Setting("strength", "Strength", 0.01, "Weight of the penalty; 0 = none.", 0.0, 1e4),),
        refuses=refuses,
        same_as=lambda card, depth, settings, schedule: ("full_fine_tuning", 0) if not settings["strength"] else None,
        tuning="delta",
        extra_passes=1.0,
    )
)
