"""Prefix tuning: everything frozen; learned keys and values stand before those of the image in every attention."""

from __future__ import annotations

from engine.strategies import _few
from engine.strategies._base import STRATEGIES, Card, Setting, Settings, Strategy, nothing
from engine.strategies._layers import attentions, layers, needs_tokens


def refuses(card: Card, settings: Settings) -> str | None:
    """No transformer, or one whose attention is not a fused qkv layer."""
    found = needs_tokens(card)
    if found is None and not attentions(card):
        return f"it needs attention with one fused qkv layer, and {card.name} has none"
    return found


def added(card: Card, settings: Settings) -> int:
    """A key and a value for every prefix token of every block."""
    thirds = [layer.width_out // 3 for layer in layers(card) if layer.module.endswith(".attn.qkv")]
    return sum(2 * settings["tokens"] * width for width in thirds)


STRATEGIES.register(
    Strategy(
        name="prefix_tuning",
        label="Prefix tuning",
        summary="Everything frozen; every attention also looks at learned keys and values.",
        source="Li & Liang 2021",
        group="parameter-efficient",
        optimizer=_few.OPTIMIZER,
        rate_factors=_few.PROMPTS,
        settings=(Setting("tokens", "Tokens", 8, "How many learned keys and values every block gets.", 0, 1024),),
        refuses=refuses,
        moves=nothing,
        added=added,
        tuning="prefix_tuning",
    )
)
