"""QLoRA: LoRA on a backbone whose linear layers are kept in 4 bits; for CUDA with the bitsandbytes library only."""

from __future__ import annotations

import importlib.util
import shutil

from engine.strategies import _few, _low_rank
from engine.strategies._base import STRATEGIES, Card, Setting, Settings, Strategy, nothing
from engine.strategies._layers import layers

BITS = Setting("bits", "Bits", "4", "How the frozen linear layers are kept.", options=("4", "8"))


def refuses(card: Card, settings: Settings) -> str | None:
    """Not this machine, or not this network."""
    if importlib.util.find_spec("bitsandbytes") is None:
        return "it needs the library bitsandbytes, which is not installed here (pip install bitsandbytes), and a CUDA device"
    if shutil.which("nvidia-smi") is None:
        return "its 4-bit arithmetic needs a CUDA device, and this machine has none"
    if not any(layer.kind == "linear" for layer in layers(card)):
        return f"{card.name} has no linear layer to keep in few bits"
    return _low_rank.refuses(card, {**settings, "where": "all"})


STRATEGIES.register(
    Strategy(
        name="qlora",
        label="QLoRA",
        summary="LoRA on a backbone whose linear layers are kept in 4 or 8 bits; needs CUDA and bitsandbytes.",
        source="Dettmers et al. 2023",
        group="parameter-efficient",
        optimizer=_few.OPTIMIZER,
        rate_factors=_few.LOW_RANK,
        settings=(_low_rank.rank(0), _low_rank.ALPHA, BITS),
        refuses=refuses,
        moves=nothing,
        added=lambda card, settings: _low_rank.added(card, {**settings, "where": "all"}),
        tuning="qlora",
    )
)
