"""Full fine-tuning: pretrained weights, everything trains; the same cell as frozen depth 0."""

from engine.strategies._base import STRATEGIES, Strategy

STRATEGIES.register(
    Strategy(
        name="full_fine_tuning",
        label="Full fine-tuning",
        summary="Start from the pretrained weights and train every unit.",
        source="Girshick et al. 2014; Yosinski et al. 2014",
        depths=lambda n_units, asked: (0,),
    )
)
