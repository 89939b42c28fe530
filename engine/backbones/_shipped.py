"""What the backbones that we pretrained and ship have in common: card, weights and checksum come from `assets/backbones`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from engine.backbones._base import ASSETS, BACKBONES, Card, Family, shipped_card

if TYPE_CHECKING:
    from engine.backbones._composition import Composition
    from engine.backbones._network import Network

INPUT = (3, 32, 32)
# Mean and deviation of the colours of CIFAR-10's training images, as published with its usual recipes.
MEAN, STD = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)


@dataclass(frozen=True)
class Shipped:
    """A small backbone for 32x32 images whose weights, card and model card are files of this project."""

    name: str
    label: str
    summary: str
    source: str
    """Paper and section of the architecture."""
    build: Callable[[], Composition]
    """Random weights from torch's current generator; loads torch."""

    def register(self) -> None:
        """Offer it as a family of one."""
        BACKBONES.register(
            Family(
                name=self.name.removesuffix("_cifar10"),
                label=self.label,
                summary=self.summary,
                source=self.source,
                names=lambda: [self.name],
                accepts=lambda name: name == self.name,
                build=lambda name: self.build(),
                load=lambda network, name, home: self.load(network),
                source_file=lambda network, name, home: self.file,
                card=lambda name: self.card(),
            )
        )

    @property
    def file(self) -> Path:
        """Where the weights are."""
        return ASSETS / "backbones" / f"{self.name}.safetensors"

    def card(self) -> Card:
        """The card that came with the weights; measured on the network itself before there are any."""
        file = f"{self.name}.json"
        return shipped_card(file) if (ASSETS / "backbones" / file).is_file() else self._blank_card()

    def _blank_card(self) -> Card:
        from engine.backbones._unit_costs import describe_units

        return Card(
            name=self.name,
            label=self.label,
            summary=self.summary,
            family=self.name.removesuffix("_cifar10"),
            source=self.source,
            input_size=INPUT,
            mean=MEAN,
            std=STD,
            interpolation="bicubic",
            units=describe_units(self.build(), INPUT),
            source_data="CIFAR-10 (Krizhevsky 2009), 10 classes of photographs",
            licence="Apache-2.0 (weights); see the model card about the data",
        )

    def load(self, network: Network) -> str:
        """Load the shipped weights; returns the file's name with its checksum. Raises WeightsError if it was altered."""
        from engine.backbones._weights import file_sha256, load_backbone, read_safetensors
        from engine.errors import WeightsError

        path = self.file
        checksum = file_sha256(path) if path.is_file() else ""
        if checksum and checksum != shipped_card(f"{self.name}.json").weights_sha256:
            raise WeightsError(
                f"{path} is not the file that was shipped (its checksum differs). Install transferscope again."
            )
        load_backbone(network, read_safetensors(path), path.name, ignore=lambda key: key.startswith("head."))
        return f"{path.name} sha256:{checksum[:12]}"
