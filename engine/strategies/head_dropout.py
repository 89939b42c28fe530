"""Head dropout: full fine-tuning with a share of the features left out at random before the head."""

from engine.strategies._base import STRATEGIES, Setting, Strategy

STRATEGIES.register(
    Strategy(
        name="head_dropout",
        label="Head dropout",
        summary="Full fine-tuning whose head sees a random part of the features at every step.",
        source="Srivastava et al. 2014",
        group="regularised",
        settings=(Setting("share", "Share", 0.5, "Share of the features left out at every step.", 0.0, 0.95),),
        same_as=lambda card, depth, settings, schedule: ("full_fine_tuning", 0) if not settings["share"] else None,
        tuning="head_dropout",
    )
)
