"""BSS: batch spectral shrinkage, a penalty on the smallest singular values of the features of a batch."""

from engine.strategies._base import STRATEGIES, Setting, Strategy

STRATEGIES.register(
    Strategy(
        name="bss",
        label="BSS",
        summary="Full fine-tuning that suppresses the weakest directions of the features.",
        source="Chen et al. 2019",
        group="regularised",
        settings=(
            Setting("strength", "Strength", 0.001, "Weight of the penalty; 0 = none.", 0.0, 1e3),
            Setting("directions", "Directions", 1, "How many of the smallest singular values are shrunk.", 1, 1000),
        ),
        same_as=lambda card, depth, settings, schedule: ("full_fine_tuning", 0) if not settings["strength"] else None,
        tuning="bss",
    )
)
