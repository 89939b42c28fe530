"""What a backbone is to the rest of the engine, before any torch is loaded: a family that can build it, and a card.

The card is data: units with their parameters and costs, input size, where the weights come from. The plan, the cost
estimate and the screen read cards; only a worker builds networks.
"""

from __future__ import annotations

import dataclasses
import json
import math
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.errors import BackboneError, UnknownNameError
from engine.registry import Registry

if TYPE_CHECKING:
    from torch import Tensor

    from engine.backbones._network import Network

_BESIDE = Path(__file__).parent.parent
ASSETS = _BESIDE.parent / "assets" if (_BESIDE.parent / "assets").is_dir() else _BESIDE / "_assets"


@dataclass(frozen=True)
class Weight:
    """One parameter tensor of a unit."""

    name: str
    """As in the network: `units.3.conv1.weight`."""
    kind: str
    """Of the module it is in: `linear`, `conv`, `grouped conv`, `norm` or `other`."""
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        return math.prod(self.shape)


@dataclass(frozen=True)
class Unit:
    """One freezable step of a backbone (stem, block, ...), costs per image at the card's input size."""

    name: str
    stage: str
    parameters: int
    """Trainable numbers in the unit."""
    flops: int
    """Floating-point operations of one forward pass (a multiply-add counts two)."""
    activation_bytes: int
    """Bytes of the tensors that a backward pass through the unit must keep, in float32."""
    n_features: int
    """Numbers per image after pooling the unit's output; 0 where it has no features of its own."""
    weights: tuple[Weight, ...] = ()
    """Its parameters one by one."""
    output: tuple[int, ...] = ()
    """Shape of its output per image: (channels, height, width), or (tokens, width); empty where units do not compose."""


@dataclass(frozen=True)
class Card:
    """Everything the plan and the screen need to know of a backbone, without building it."""

    name: str
    label: str
    summary: str
    family: str
    source: str
    """Paper or origin."""
    input_size: tuple[int, int, int]
    """Channels, height, width."""
    mean: tuple[float, ...]
    std: tuple[float, ...]
    interpolation: str
    units: tuple[Unit, ...]
    source_data: str = ""
    licence: str = ""
    weights: str = ""
    """`assets:FILE`, `hub:REPOSITORY`, or empty where there are no pretrained weights."""
    weights_bytes: int = 0
    weights_sha256: str = ""
    crop_fraction: float = 1.0
    crop_mode: str = "center"
    """How oblong images become square: `center`, `squash` or `border`; see `engine.datasets._decode.Sizing`."""
    composable: bool = True
    """Whether the units compose to the forward pass; otherwise they are parameter groups in forward order."""
    notes: tuple[str, ...] = field(default_factory=tuple)

    @property
    def n_units(self) -> int:
        return len(self.units)

    @property
    def parameters(self) -> int:
        return sum(unit.parameters for unit in self.units)

    @property
    def sizing(self) -> dict[str, Any]:
        """How images are brought to its input, as arguments of `engine.datasets.load`."""
        return {
            "side": self.input_size[1],
            "interpolation": self.interpolation,
            "crop_fraction": self.crop_fraction,
            "crop_mode": self.crop_mode,
            "fill": tuple(round(255 * level) for level in self.mean) if self.crop_mode == "border" else (0, 0, 0),
        }

    def to_json(self) -> str:
        """The card as JSON, readable by `from_json`."""
        values = dataclasses.asdict(self)
        for unit in values["units"]:
            unit["weights"] = [list(weight.values()) for weight in unit["weights"]]
        return json.dumps(values, indent=1)

    @classmethod
    def from_json(cls, source: str) -> Card:
        """The card that `to_json` wrote."""
        values = json.loads(source)
        values["units"] = tuple(_unit(unit) for unit in values["units"])
        for name in ("input_size", "mean", "std", "notes"):
            values[name] = tuple(values[name])
        return cls(**values)


def _unit(values: dict[str, Any]) -> Unit:
    weights = (Weight(name, kind, tuple(shape)) for name, kind, shape in values.get("weights", ()))
    return Unit(**{**values, "weights": tuple(weights), "output": tuple(values.get("output", ()))})


@dataclass(frozen=True)
class Family:
    """A way to build backbones: all names with one prefix, or a few fixed names."""

    name: str
    label: str
    summary: str
    source: str
    names: Callable[[], list[str]]
    """Names that can be offered without loading torch (may be fewer than `accepts` takes)."""
    accepts: Callable[[str], bool]
    build: Callable[[str], Network]
    """Random weights, drawn from torch's current generator; raises UnknownNameError. Loads torch."""
    load: Callable[[Network, str, Path | None], str]
    """Load pretrained weights in place, given the name and the home; returns where they came from. Raises WeightsError."""
    fetch: Callable[[str, Path | None, Callable[[int, int], None]], str] | None = None
    """Bring the pretrained weights of a name onto this machine if they are not there, before `load` reads them.

    Given the name, the home and who is told bytes done and bytes in all, and may raise Cancelled; returns where they came
    from. Loads torch. Raises WeightsError. None where they are always there.
    """
    canonical: Callable[[str], str] = lambda name: name
    """The name that is recorded for one of several that mean the same. Raises UnknownNameError."""
    source_file: Callable[[Network, str, Path | None], Path] | None = None
    """The safetensors file that `load` reads, for its source task's classifier (see `_source_head`). Raises WeightsError."""
    card: Callable[[str], Card | None] = lambda name: None
    """A card that is known without building the network, or None."""
    describe: Callable[[str], Card] | None = None
    """The card, measured on the network itself; loads torch. Not needed where `card` knows all names."""
    rename: Callable[[Network, dict[str, Tensor]], dict[str, Tensor]] = lambda network, tensors: tensors
    """Tensors of a local file by the names of `Network.backbone_state`; others' heads may be dropped. Raises WeightsError."""


BACKBONES: Registry[Family] = Registry("backbone family", __name__.rpartition(".")[0])


def family_of(name: str) -> Family:
    """The family that builds `name`. Raises UnknownNameError, which lists the near matches."""
    for family in BACKBONES:
        if family.accepts(name):
            return family
    known = [offered for family in BACKBONES for offered in family.names()]
    raise UnknownNameError("backbone", name, known, "Any timm model is accepted as 'timm:NAME'.")


def canonical(name: str) -> str:
    """The one name of a backbone that has several: what plans, runs and charts show. Raises UnknownNameError."""
    return family_of(name).canonical(name)


def card(name: str, home: Path | None = None) -> Card:
    """The card of a backbone; one that has to be built for it is described once, in a process of its own, and kept.

    Raises:
        UnknownNameError: no family knows the name.
        BackboneError: it could not be built; the message is the builder's.
    """
    family = family_of(name)
    known = family.card(name)
    if known is not None:
        return known
    kept = home / "cards" / f"{name.replace(':', '_').replace('/', '_')}.json" if home else None
    if kept and kept.exists():
        text = kept.read_text(encoding="utf-8")
        found = Card.from_json(text)
        # One that was kept by an earlier version knew neither the weights one by one nor how images are cut.
        if '"crop_mode"' in text and all(unit.weights for unit in found.units if unit.parameters):
            return found
    described = Card.from_json(_describe_elsewhere(name))
    if kept:
        kept.parent.mkdir(exist_ok=True)
        part = kept.with_suffix(f".{os.getpid()}.part")
        part.write_text(described.to_json(), encoding="utf-8")
        part.replace(kept)
    return described


def _describe_elsewhere(name: str) -> str:
    # The caller may be the dashboard, which must never load torch.
    command = [sys.executable, "-m", "engine", "describe", name, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"{name} could not be described"]
        raise BackboneError(lines[-1].removeprefix("transferscope: "))
    return done.stdout


def shipped_card(file: str) -> Card:
    """Read a card from `assets/backbones`."""
    return Card.from_json((ASSETS / "backbones" / file).read_text(encoding="utf-8"))
