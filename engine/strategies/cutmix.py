"""CutMix: training images are rectangles of two, labels likewise; the share of the first is drawn from Beta(alpha, alpha)."""

from engine.strategies._base import STRATEGIES, Setting, Strategy

STRATEGIES.register(
    Strategy(
        name="cutmix",
        label="CutMix",
        summary="Full fine-tuning on images with a rectangle of another one pasted in.",
        source="Yun et al. 2019",
        group="regularised",
        settings=(Setting("alpha", "Alpha", 1.0, "How evenly two images are mixed; 0 = not at all.", 0.0, 100.0),),
        same_as=lambda card, depth, settings, schedule: ("full_fine_tuning", 0) if not settings["alpha"] else None,
        tuning="cutmix",
    )
)
