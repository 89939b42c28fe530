"""One cycle: full fine-tuning under this schedule, whatever the other strategies of the experiment use."""

from engine.strategies._base import STRATEGIES, Strategy

STRATEGIES.register(
    Strategy(
        name="one_cycle",
        label="One cycle",
        summary="Full fine-tuning at a rate that rises over a fifth of the steps, then falls along a cosine.",
        source="Smith & Topin 2018; fastai",
        group="schedule",
        curve="one_cycle",
        same_as=lambda card, depth, settings, schedule: ("full_fine_tuning", 0) if schedule == "one_cycle" else None,
    )
)
