"""ResNet-20 for 32x32 images, pretrained on CIFAR-10 by this engine and shipped in `assets/`.

He, Zhang, Ren, Sun, "Deep Residual Learning for Image Recognition", CVPR 2016, section 4.2, with two changes: where the
width changes the shortcut is a 1x1 projection (option B) instead of zero padding, and the nine blocks stand in four
stages of 16 to 128 channels instead of three of 16 to 64. At the same number of operations (every block costs the same)
that gives four times the parameters, and a network that needs fewer epochs on a processor.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from engine.backbones._base import ASSETS, BACKBONES, Card, Family, shipped_card

if TYPE_CHECKING:
    from engine.backbones._network import Network

NAME = "resnet20_cifar10"
WIDTHS = (16, 32, 64, 128)
BLOCKS = (1, 2, 3, 3)


def build(name: str = NAME) -> Network:
    """ResNet-20 with random weights: a stem and nine residual blocks, 128 features."""
    from torch import nn

    from engine.backbones._network import ComposedNetwork
    from engine.backbones._residual import BasicBlock

    stem = nn.Sequential(nn.Conv2d(3, WIDTHS[0], 3, 1, 1, bias=False), nn.BatchNorm2d(WIDTHS[0]), nn.ReLU(inplace=True))
    units: list[tuple[str, str, nn.Module]] = [("stem", "stem", stem)]
    before = WIDTHS[0]
    for stage, (width, blocks) in enumerate(zip(WIDTHS, BLOCKS, strict=True), start=1):
        for block in range(1, blocks + 1):
            stride = 2 if stage > 1 and block == 1 else 1
            units.append((f"stage {stage} block {block}", f"stage {stage}", BasicBlock(before, width, stride)))
            before = width
    return ComposedNetwork(units, WIDTHS[-1])


def blank_card() -> Card:
    """The card before there are weights, measured on the network itself; `pretrain` completes and stores it."""
    from engine.backbones._network import describe_units

    return Card(
        name=NAME,
        label="ResNet-20 (CIFAR-10)",
        summary="A small residual network for 32x32 images, pretrained here on CIFAR-10 photographs and shipped.",
        family="resnet_cifar",
        source="He et al. 2016, section 4.2 (20 layers, projection shortcuts, four stages)",
        input_size=(3, 32, 32),
        mean=(0.4914, 0.4822, 0.4465),
        std=(0.2470, 0.2435, 0.2616),
        interpolation="bicubic",
        units=describe_units(build(), (3, 32, 32)),
        source_data="CIFAR-10 (Krizhevsky 2009), 10 classes of photographs",
        licence="Apache-2.0 (weights); see the model card about the data",
    )


def load(network: Network, name: str, home: Path | None) -> str:
    """Load the shipped weights; returns the file's name with its checksum. Raises WeightsError if it was altered."""
    from engine.backbones._weights import file_sha256, load_backbone, read_safetensors
    from engine.errors import WeightsError

    path = ASSETS / "backbones" / f"{NAME}.safetensors"
    checksum = file_sha256(path) if path.is_file() else ""
    if checksum and checksum != shipped_card(f"{NAME}.json").weights_sha256:
        raise WeightsError(
            f"{path} is not the file that was shipped (its checksum differs). Install transferscope again."
        )
    load_backbone(network, read_safetensors(path), path.name, ignore=lambda key: key.startswith("head."))
    return f"{path.name} sha256:{checksum[:12]}"


def _stored() -> bool:
    return (ASSETS / "backbones" / f"{NAME}.json").is_file()


BACKBONES.register(
    Family(
        name="resnet_cifar",
        label="ResNet-20 (CIFAR-10)",
        summary="A small residual network for 32x32 images, pretrained here on CIFAR-10 photographs and shipped.",
        source="He et al. 2016, section 4.2",
        names=lambda: [NAME],
        accepts=lambda name: name == NAME,
        build=build,
        load=load,
        source_file=lambda network, name, home: ASSETS / "backbones" / f"{NAME}.safetensors",
        card=lambda name: shipped_card(f"{NAME}.json") if _stored() else blank_card(),
    )
)
