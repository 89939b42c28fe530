"""Mixup: training images are blends of two, labels likewise; the share of the first is drawn from Beta(alpha, alpha)."""

from engine.strategies._base import STRATEGIES, Setting, Strategy

STRATEGIES.register(
    Strategy(
        name="mixup",
        label="Mixup",
        summary="Full fine-tuning on blends of two images with both labels.",
        source="Zhang et al. 2018",
        group="regularised",
        settings=(Setting("alpha", "Alpha", 0.2, "How evenly two images are mixed; 0 = not at all.", 0.0, 100.0),),
        same_as=lambda card, depth, settings, schedule: ("full_fine_tuning", 0) if not settings["alpha"] else None,
        tuning="mixup",
    )
)
