"""A plain network of eight layers without residuals or normalisation, pretrained on CIFAR-10 by this engine and shipped.

The shape of the classic layer-transfer study (Yosinski, Clune, Bengio, Lipson, "How transferable are features in deep
neural networks?", NIPS 2014), whose network is AlexNet (Krizhevsky, Sutskever, Hinton, NIPS 2012): five convolutions, of
which the first, second and fifth are followed by overlapping max pooling, two fully connected layers, and the classifier
as the eighth. Scaled to 32x32 images: 3x3 kernels, fewer channels; no local response normalisation and no dropout.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.backbones._shipped import Shipped

if TYPE_CHECKING:
    from engine.backbones._composition import Composition

CONVOLUTIONS = ((32, True), (64, True), (96, False), (96, False), (96, True))
"""Output channels of each, and whether pooling by 2 follows."""
HIDDEN = (256, 256)


def build() -> Composition:
    """The seven layers below the classifier, random weights (He et al. 2015); 256 features."""
    from torch import nn

    from engine.backbones._composition import ComposedNetwork

    units: list[tuple[str, str, nn.Module]] = []
    before, side = 3, 32
    for place, (width, pooled) in enumerate(CONVOLUTIONS, start=1):
        layers = [nn.Conv2d(before, width, 3, 1, 1), nn.ReLU(inplace=True)]
        if pooled:
            layers.append(nn.MaxPool2d(3, 2, 1))
            side //= 2
        units.append((f"conv {place}", "convolutions", nn.Sequential(*layers)))
        before = width
    before *= side * side
    for place, width in enumerate(HIDDEN, start=len(CONVOLUTIONS) + 1):
        flat = [nn.Flatten()] if place == len(CONVOLUTIONS) + 1 else []
        units.append(
            (f"fully connected {place}", "fully connected", nn.Sequential(*flat, nn.Linear(before, width), nn.ReLU()))
        )
        before = width
    for _, _, unit in units:
        for layer in unit.modules():
            if isinstance(layer, nn.Conv2d | nn.Linear):
                # Without normalisation the usual initialisation of torch loses the signal within eight layers.
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
                nn.init.zeros_(layer.bias)
    return ComposedNetwork(units, HIDDEN[-1], nn.Identity())


Shipped(
    name="plain8_cifar10",
    label="Plain 8-layer network (CIFAR-10)",
    summary="Five convolutions and two fully connected layers without residuals or normalisation: the shape of the classic"
    " layer-transfer study, at 32x32 pixels.",
    source="Yosinski et al. 2014; Krizhevsky et al. 2012 (AlexNet), scaled to 32x32",
    build=build,
).register()
