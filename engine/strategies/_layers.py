"""What of a backbone's card the strategies look for: layers, normalisations, channels, tokens; pure, without torch."""

from __future__ import annotations

import functools
import importlib.util
import math
from collections.abc import Iterator
from dataclasses import dataclass

from engine.strategies._base import Card, Unit, Weight, is_part


@dataclass(frozen=True)
class Layer:
    """A linear layer or a convolution by its weight: `width_in` numbers (of a patch) to `width_out` channels."""

    module: str
    unit: int
    kind: str
    width_in: int
    width_out: int

    @property
    def width(self) -> int:
        """The greatest rank its weight can have."""
        return min(self.width_in, self.width_out)


def weights(card: Card) -> Iterator[tuple[int, Weight]]:
    """(0-based unit, tensor) for every parameter tensor of the backbone."""
    for place, unit in enumerate(card.units):
        for weight in unit.weights:
            yield place, weight


def layers(card: Card, where: str = "all") -> list[Layer]:
    """Linear layers and ungrouped convolutions; `where` = `attention` keeps those of attention (qkv and projection)."""
    found = []
    for unit, weight in weights(card):
        module, _, leaf = weight.name.rpartition(".")
        if weight.kind not in ("linear", "conv") or leaf != "weight" or len(weight.shape) not in (2, 4):
            continue
        if where == "attention" and "attn" not in module:
            continue
        found.append(Layer(module, unit, weight.kind, math.prod(weight.shape[1:]), weight.shape[0]))
    return found


def normalisations(card: Card) -> list[tuple[str, int]]:
    """(module, channels) of every normalisation that has a scale."""
    return [
        (weight.name.rpartition(".")[0], weight.shape[0])
        for _, weight in weights(card)
        if weight.kind == "norm" and weight.name.endswith("weight")
    ]


def no_batch_norm(card: Card) -> str | None:
    """The refusal of strategies about batch normalisation; cards do not tell kinds of normalisation apart, so networks of
    tokens are refused and whatever else has none is refused when it is built."""
    if normalisations(card) and not any(len(unit.output) == 2 for unit in card.units):
        return None
    return f"{card.name} has no batch normalisation"


@functools.cache
def peft_missing() -> str | None:
    """The refusal where the library `peft` is not installed; it is looked for, not imported."""
    if importlib.util.find_spec("peft"):
        return None
    return "it is computed by the library peft, which is not installed here (pip install peft)"


def part(card: Card, parts: str) -> int:
    """Parameters of a part (`norm` or `bias`) of the whole backbone."""
    return sum(weight.size for _, weight in weights(card) if is_part(weight, parts))


def token_width(card: Card) -> int:
    """Width of the tokens of a plain vision transformer (after the stem, all units pass the same shape); 0 for others."""
    shapes = {unit.output for unit in card.units}
    if not card.composable or card.n_units < 2 or len(shapes) != 1:
        return 0
    (shape,) = shapes
    return shape[1] if len(shape) == 2 else 0


def attentions(card: Card) -> list[str]:
    """Modules of multi-head attention with one fused qkv layer, in a plain vision transformer."""
    if not token_width(card):
        return []
    return [layer.module.removesuffix(".qkv") for layer in layers(card) if layer.module.endswith(".attn.qkv")]


def channels(unit: Unit) -> int:
    """Channels of a unit's output, 0 where they cannot be told."""
    if len(unit.output) == 2:
        return unit.output[1]
    if len(unit.output) == 3 and unit.n_features in (unit.output[0], unit.output[2]):
        return unit.n_features
    return 0


NO_TOKENS = "it needs a plain vision transformer, whose units pass tokens of one width on, and {name} is none"


def needs_tokens(card: Card) -> str | None:
    """The refusal of strategies that put tokens into a transformer."""
    return None if token_width(card) else NO_TOKENS.format(name=card.name)
