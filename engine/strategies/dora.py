"""DoRA: LoRA for the direction of every row of a weight, and a magnitude learned apart: m (W + s B A) / |W + s B A|.

Liu et al. 2024, equation 5; the norm counts as a constant in the backward pass (section 4.3). Computed by layers of the `peft`
library, except as `lora` says.
"""

from engine.strategies import _few, _low_rank
from engine.strategies._base import STRATEGIES, Strategy, nothing

STRATEGIES.register(
    Strategy(
        name="dora",
        label="DoRA",
        summary="Like LoRA, with the length of every row of a weight learned apart from its direction.",
        source="Liu et al. 2024",
        group="parameter-efficient",
        optimizer=_few.OPTIMIZER,
        rate_factors=_few.LOW_RANK,
        settings=(_low_rank.rank(1), _low_rank.ALPHA, _low_rank.WHERE),
        refuses=_low_rank.refuses,
        moves=nothing,
        added=lambda card, settings: _low_rank.added(card, settings, magnitudes=True),
        tuning="dora",
    )
)
