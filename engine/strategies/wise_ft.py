"""WiSE-FT: fine-tune from a solved probe, then take the weights between before and after that validate best.

(1 - alpha) w_before + alpha w_after for every tensor, running statistics and head included (Wortsman et al. 2022, section 3).
They start from a zero-shot head; where there is no text head the linear probe is what stands before the fine-tuning.
"""

from engine.strategies import _phases
from engine.strategies._base import STRATEGIES, Setting, Strategy
from engine.strategies._phases import all_units

STRATEGIES.register(
    Strategy(
        name="wise_ft",
        label="WiSE-FT",
        summary="Fine-tuning from a linear probe, then a mix of the weights before and after it.",
        source="Wortsman et al. 2022 (WiSE-FT)",
        group="weight space",
        settings=(
            Setting("steps", "Steps", 10, "Into how many steps the way from before to after is cut.", 1, 100),
            Setting(
                "rate", "Rate", 0.5, "Learning rate of the fine-tuning as a share of the experiment's.", 0.001, 1.0
            ),
        ),
        probe_first=True,
        rate_factors=_phases.AFTER_A_PROBE,
        phases=lambda card, depth, settings, epochs: (all_units(card, rate=settings["rate"]),),
        tuning="wise_ft",
    )
)
