"""ResNet-20 for 32x32 images, pretrained on CIFAR-10 by this engine and shipped in `assets/`.

He, Zhang, Ren, Sun, "Deep Residual Learning for Image Recognition", CVPR 2016, section 4.2, with two changes: where the
width changes the shortcut is a 1x1 projection (option B) instead of zero padding, and the nine blocks stand in four
stages of 16 to 128 channels instead of three of 16 to 64. At the same number of operations (every block costs the same)
that gives four times the parameters, and a network that needs fewer epochs on a processor.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.backbones._shipped import Shipped

if TYPE_CHECKING:
    from engine.backbones._composition import Composition

WIDTHS = (16, 32, 64, 128)
BLOCKS = (1, 2, 3, 3)


def build() -> Composition:
    """ResNet-20 with random weights: a stem and nine residual blocks, 128 features."""
    from torch import nn

    from engine.backbones._composition import ComposedNetwork
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


Shipped(
    name="resnet20_cifar10",
    label="ResNet-20 (CIFAR-10)",
    summary="A small residual network for 32x32 images, pretrained here on CIFAR-10 photographs and shipped.",
    source="He et al. 2016, section 4.2 (20 layers, projection shortcuts, four stages)",
    build=build,
).register()
