"""Stochastic normalisation: every channel of every batch normalisation uses, by chance, the batch's or the running statistics."""

from __future__ import annotations

from engine.strategies._base import STRATEGIES, Setting, Strategy
from engine.strategies._layers import no_batch_norm

STRATEGIES.register(
    Strategy(
        name="stochastic_norm",
        label="Stochastic normalisation",
        summary="Full fine-tuning whose batch normalisation keeps mixing in the pretrained statistics.",
        source="Kou et al. 2020",
        group="regularised",
        settings=(
            Setting("share", "Share", 0.5, "How often a channel uses the running statistics; 0 = never.", 0.0, 1.0),
        ),
        refuses=lambda card, settings: no_batch_norm(card),
        same_as=lambda card, depth, settings, schedule: ("full_fine_tuning", 0) if not settings["share"] else None,
        tuning="stochastic_norm",
    )
)
