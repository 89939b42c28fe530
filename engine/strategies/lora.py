"""LoRA: the backbone is frozen, every layer's weight gets an update of low rank: W x + (alpha / rank) B A x, B = 0 at first.

Hu et al. 2022, section 4.1. In a convolution A keeps the kernel and B is 1 x 1. A fused qkv layer is one matrix here.
Computed by layers of the `peft` library, which is imported when such a run begins: with `transformers` and `accelerate`, which
it needs, that takes seconds. Dilated convolutions, and edges that are not padded with zeros, it cannot do: these are ours.
"""

from engine.strategies import _few, _low_rank
from engine.strategies._base import STRATEGIES, Strategy, nothing

STRATEGIES.register(
    Strategy(
        name="lora",
        label="LoRA",
        summary="Everything frozen; each layer learns an update of low rank beside its weight.",
        source="Hu et al. 2022",
        group="parameter-efficient",
        optimizer=_few.OPTIMIZER,
        rate_factors=_few.LOW_RANK,
        settings=(_low_rank.rank(0), _low_rank.ALPHA, _low_rank.WHERE),
        refuses=_low_rank.refuses,
        moves=nothing,
        added=_low_rank.added,
        tuning="lora",
    )
)
