"""Warm-up and cosine: full fine-tuning under this schedule, whatever the other strategies of the experiment use."""

from engine.strategies._base import STRATEGIES, Strategy

STRATEGIES.register(
    Strategy(
        name="warmup_cosine",
        label="Warm-up and cosine",
        summary="Full fine-tuning at a rate that rises over 5 % of the steps, then falls along a cosine.",
        source="Goyal et al. 2017 (warm-up); Loshchilov & Hutter 2017 (cosine)",
        group="schedule",
        curve="warmup_cosine",
        same_as=lambda card, depth, settings, schedule: (
            ("full_fine_tuning", 0) if schedule == "warmup_cosine" else None
        ),
    )
)
