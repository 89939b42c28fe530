"""Label smoothing: full fine-tuning toward labels that are less than certain; replaces the smoothing of the experiment."""

from engine.strategies._base import STRATEGIES, Setting, Strategy

STRATEGIES.register(
    Strategy(
        name="label_smoothing",
        label="Label smoothing",
        summary="Full fine-tuning toward labels that are a little less than certain.",
        source="Szegedy et al. 2016",
        group="regularised",
        settings=(Setting("smoothing", "Smoothing", 0.1, "Share of certainty spread over all classes.", 0.0, 0.9),),
        tuning="label_smoothing",
    )
)
