"""Early-layer features: linear probes on every depth of the frozen backbone; validation chooses the depth."""

from engine.strategies._base import STRATEGIES, Strategy, all_widths, nothing

STRATEGIES.register(
    Strategy(
        name="early_features",
        label="Early-layer features",
        summary="Everything frozen; a linear classifier on the features of whichever depth validates best.",
        source="Alain & Bengio 2016; Yosinski et al. 2014 (early units are general)",
        depths=lambda n_units, asked: (n_units,),
        solves_head=True,
        moves=nothing,
        head_inputs=all_widths,
        tuning="early_features",
    )
)
