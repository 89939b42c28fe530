"""Partial fine-tuning: the first n units are fixed, the rest and the head train."""

from engine.strategies._base import STRATEGIES, Strategy

STRATEGIES.register(
    Strategy(
        name="partial_fine_tuning",
        label="Partial fine-tuning",
        summary="The first units stay frozen, the later ones and the head train.",
        source="Yosinski et al. 2014 (AnB generalised to a fine-tuned rest); Lee et al. 2023",
        depths=lambda n_units, asked: asked,
        same_as=lambda card, depth, settings, schedule: {
            0: ("full_fine_tuning", 0),
            card.n_units: ("linear_probe", card.n_units),
        }.get(depth),
    )
)
