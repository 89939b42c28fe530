"""Feature distillation: the features must not leave those of a frozen copy of the pretrained backbone.

strength * mean (f - f_frozen)^2 / mean f_frozen^2, on the target images: learning without forgetting (Li & Hoiem 2016) with
features for the answers of the old head, which backbones are kept without.
"""

from engine.strategies._base import STRATEGIES, Setting, Strategy

STRATEGIES.register(
    Strategy(
        name="feature_distillation",
        label="Feature distillation",
        summary="Full fine-tuning whose features stay near those of the frozen backbone.",
        source="Li & Hoiem 2016 (LwF); Romero et al. 2015 (features as targets)",
        group="regularised",
        settings=(Setting("strength", "Strength", 0.5, "Weight of the penalty; 0 = none.", 0.0, 1e4),),
        same_as=lambda card, depth, settings, schedule: ("full_fine_tuning", 0) if not settings["strength"] else None,
        tuning="feature_distillation",
        extra_passes=1.0,
    )
)
