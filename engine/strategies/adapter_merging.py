"""Merged adapters: the updates that two LoRA runs learned, added to the backbone with shares that make one; heads likewise.

W + s dW_1 + (1 - s) dW_2: task arithmetic (Ilharco et al. 2023, section 4) on updates of low rank. Nothing is trained.
"""

from functools import partial

from engine.strategies import _runs
from engine.strategies._base import STRATEGIES, Setting, Strategy, nothing

STRATEGIES.register(
    Strategy(
        name="adapter_merging",
        label="Merged adapters",
        summary="The updates of two finished LoRA runs, added to the backbone together; nothing is trained.",
        source="Ilharco et al. 2023; Huang et al. 2023 (LoraHub)",
        group="weight space",
        settings=(
            _runs.RUNS,
            Setting("share", "Share", 0.5, "Share of the first run; the second has the rest.", 0.0, 1.0),
        ),
        refuses=partial(_runs.refuses, "adapter_merging"),
        solves_head=True,
        moves=nothing,
        tuning="adapter_merging",
    )
)
