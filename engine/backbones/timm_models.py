"""Any image model of timm by name: `timm:resnet18`, or with the weights' tag `timm:resnet18.a1_in1k`.

Ross Wightman, "PyTorch Image Models", https://github.com/huggingface/pytorch-image-models (Apache-2.0). The models and
their parameter groups are timm's; how they are cut into units is in `_timm_units.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from engine.backbones._base import BACKBONES, Card, Family
from engine.backbones._torchvision_names import PREFIX as TORCHVISION
from engine.backbones._torchvision_names import of_timm

if TYPE_CHECKING:
    from torch import Tensor

    from engine.backbones._network import Network

PREFIX = "timm:"
POPULAR = (
    "resnet18",
    "resnet34",
    "resnet50",
    "resnet101",
    "resnext50_32x4d",
    "seresnet50",
    "wide_resnet50_2",
    "densenet121",
    "regnety_016",
    "mobilenetv3_small_100",
    "mobilenetv3_large_100",
    "efficientnet_b0",
    "efficientnetv2_rw_s",
    "convnext_atto",
    "convnext_tiny",
    "convnext_base",
    "swin_tiny_patch4_window7_224",
    "vit_tiny_patch16_224",
    "vit_small_patch16_224",
    "vit_base_patch16_224",
    "vit_small_patch14_dinov2",
    "deit_small_patch16_224",
    "vit_base_patch16_clip_224",
)


def names() -> list[str]:
    """A few well-known models; every other name of timm is taken too."""
    return [PREFIX + name for name in POPULAR]


def canonical(name: str) -> str:
    """One of torchvision's names as timm's. Raises UnknownNameError with near matches."""
    return PREFIX + of_timm(name) if name.startswith(TORCHVISION) else name


def build(name: str) -> Network:
    """The model without classifier, random weights. Raises UnknownNameError with timm's near matches."""
    from engine.backbones import _timm

    return _timm.build(name)


def load(network: Network, name: str, home: Path | None) -> str:
    """Load timm's weights from the hub or its cache; returns repository, revision and checksum. Raises WeightsError."""
    from engine.backbones import _timm

    return _timm.load(network, name)


def fetch(name: str, home: Path | None, progress: Callable[[int, int], None]) -> str:
    """Download timm's weights unless they are in the hub's cache. Raises WeightsError or what `progress` raises."""
    from engine.backbones import _timm

    return _timm.fetch(name, progress=progress)


def source_file(network: Network, name: str, home: Path | None) -> Path:
    """The hub's weights file, from the cache where `load` has put it. Raises WeightsError."""
    from engine.backbones import _hub

    return _hub.fetch(network.model.pretrained_cfg.get("hf_hub_id") or "").path


def rename(network: Network, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Tensors by timm's own names as tensors by ours, without the source task's classifier. Raises WeightsError."""
    from engine.backbones import _timm

    return _timm.rename(network, tensors)


def describe(name: str) -> Card:
    """The card, measured on the model itself. Raises UnknownNameError or BackboneError."""
    from engine.backbones import _timm_card

    return _timm_card.describe(name)


BACKBONES.register(
    Family(
        name="timm",
        label="timm (PyTorch Image Models)",
        summary="Any of more than a thousand image models by name, with weights from the hub or a local file.",
        source="Wightman, PyTorch Image Models",
        names=names,
        accepts=lambda name: name.startswith((PREFIX, TORCHVISION)),
        canonical=canonical,
        build=build,
        load=load,
        fetch=fetch,
        source_file=source_file,
        rename=rename,
        describe=describe,
    )
)
