"""IA3: everything frozen; learned factors, 1 at first, multiply keys, values and the hidden layer of every feed-forward part.

Liu et al. 2022 ("Few-shot parameter-efficient fine-tuning"), section 3.3. In networks without attention the factors
multiply the channels that every convolution gives, as the `peft` library does, whose layers compute it. Ours are the factors
of a fused layer of queries, keys and values: peft would multiply the queries too.
"""

from __future__ import annotations

from dataclasses import dataclass

from engine.strategies import _few
from engine.strategies._base import STRATEGIES, Card, Settings, Strategy, nothing
from engine.strategies._layers import attentions, layers, peft_missing


@dataclass(frozen=True)
class Target:
    """A layer whose input or output is multiplied, from the `skipped`-th number on."""

    module: str
    kind: str
    size: int
    """Factors that are learned."""
    on_input: bool = False
    skipped: int = 0


def targets(card: Card) -> list[Target]:
    """Where the factors go."""
    if not attentions(card):
        return [Target(layer.module, layer.kind, layer.width_out) for layer in layers(card) if layer.kind == "conv"]
    found = []
    for layer in layers(card):
        if layer.module.endswith(".attn.qkv"):
            third = layer.width_out // 3
            found.append(Target(layer.module, layer.kind, 2 * third, skipped=third))
        elif layer.module.endswith(".mlp.fc2"):
            found.append(Target(layer.module, layer.kind, layer.width_in, on_input=True))
    return found


def refuses(card: Card, settings: Settings) -> str | None:
    """Neither attention nor a plain convolution, or no library."""
    if missing := peft_missing():
        return missing
    return None if targets(card) else f"{card.name} has neither fused attention nor a plain convolution"


STRATEGIES.register(
    Strategy(
        name="ia3",
        label="IA3",
        summary="Everything frozen; learned factors multiply keys, values and hidden channels.",
        source="Liu et al. 2022",
        group="parameter-efficient",
        optimizer=_few.OPTIMIZER,
        rate_factors=_few.SELECTED,
        refuses=refuses,
        moves=nothing,
        added=lambda card, settings: sum(target.size for target in targets(card)),
        tuning="ia3",
    )
)
