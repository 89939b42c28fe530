"""Slanted triangular: full fine-tuning under this schedule, whatever the other strategies of the experiment use."""

from engine.strategies._base import STRATEGIES, Strategy

STRATEGIES.register(
    Strategy(
        name="slanted_triangular",
        label="Slanted triangular",
        summary="Full fine-tuning at a rate that rises over a tenth of the steps, then falls in a straight line.",
        source="Howard & Ruder 2018, equation 3 (cut 0.1, ratio 32)",
        group="schedule",
        curve="slanted_triangular",
        same_as=lambda card, depth, settings, schedule: (
            ("full_fine_tuning", 0) if schedule == "slanted_triangular" else None
        ),
    )
)
