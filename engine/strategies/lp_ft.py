"""LP-FT: a linear probe is solved on the frozen features, then everything is fine-tuned from that head at a lower rate.

Kumar et al. 2022: a head that fits already distorts the pretrained features less than one that starts from nothing. The
probe is solved to convergence by L-BFGS on the training images alone, its penalty chosen on validation.
"""

from engine.strategies import _phases
from engine.strategies._base import STRATEGIES, Setting, Strategy
from engine.strategies._phases import all_units

STRATEGIES.register(
    Strategy(
        name="lp_ft",
        label="LP-FT",
        summary="First a linear probe, then full fine-tuning that begins from its head.",
        source="Kumar et al. 2022",
        group="schedule",
        settings=(
            Setting(
                "rate", "Rate", 0.5, "Learning rate of the fine-tuning as a share of the experiment's.", 0.001, 1.0
            ),
        ),
        probe_first=True,
        rate_factors=_phases.AFTER_A_PROBE,
        phases=lambda card, depth, settings, epochs: (all_units(card, rate=settings["rate"]),),
    )
)
