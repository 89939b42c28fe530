"""What LoRA, DoRA and QLoRA share before any tensor: which layers, what rank, how many parameters."""

from __future__ import annotations

from engine.strategies._base import Card, Setting, Settings
from engine.strategies._layers import layers, peft_missing

ALPHA = Setting("alpha", "Alpha", 16.0, "The update is scaled by alpha / rank.", 0.0, 1e4)
WHERE = Setting(
    "where", "Layers", "all", "Every linear layer and convolution, or those of attention only.",
    options=("all", "attention"),
)  # fmt: skip


def rank(low: int) -> Setting:
    """The rank of the update, from `low`."""
    return Setting(
        "rank", "Rank", 8, "Rank of the update of each layer; narrower layers take their own width.", low, 4096
    )


def refuses(card: Card, settings: Settings) -> str | None:
    """No layer to match, a rank beyond all of them, or no library."""
    if missing := peft_missing():
        return missing
    found = layers(card, settings["where"])
    if not found:
        what = (
            "attention with linear layers" if settings["where"] == "attention" else "linear layer or plain convolution"
        )
        return f"{card.name} has no {what}"
    widest = max(layer.width for layer in found)
    if settings["rank"] > widest:
        return (
            f"rank is {settings['rank']}, and no layer of {card.name} is wider than {widest}: a rank above the width adds"
            f" parameters and no freedom. Choose at most {widest}"
        )
    return None


def added(card: Card, settings: Settings, magnitudes: bool = False) -> int:
    """rank x (inputs + outputs) of every layer, and one magnitude per output where they are learned apart."""
    return sum(
        min(settings["rank"], layer.width) * (layer.width_in + layer.width_out) + layer.width_out * magnitudes
        for layer in layers(card, settings["where"])
    )
