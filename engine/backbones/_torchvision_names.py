"""Names of torchvision for architectures that timm has too: `torchvision:resnet50` is `timm:resnet50.tv_in1k`.

An alias stands where both libraries build the same number of parameters (a test compares them). Where torchvision's own
weights are on the hub, the name means those: version 1, and version 2 as `torchvision:resnet50.IMAGENET1K_V2`. Elsewhere it
names the architecture, with the weights that timm prefers.
"""

from __future__ import annotations

from engine.errors import UnknownNameError

PREFIX = "torchvision:"
V1, V2 = "IMAGENET1K_V1", "IMAGENET1K_V2"
_BOTH = (
    *("resnet50", "resnet101", "resnet152", "resnext50_32x4d", "resnext101_32x8d"),
    *("wide_resnet50_2", "wide_resnet101_2"),
)
_FIRST = (
    *("resnet18", "resnet34", "resnext101_64x4d", "inception_v3"),
    *("densenet121", "densenet161", "densenet169", "densenet201"),
    *("vgg11", "vgg11_bn", "vgg13", "vgg13_bn", "vgg16", "vgg16_bn", "vgg19", "vgg19_bn"),
)
_SECOND = {
    "regnet_x_400mf": "regnetx_004_tv",
    "regnet_x_800mf": "regnetx_008",
    "regnet_x_1_6gf": "regnetx_016",
    "regnet_x_3_2gf": "regnetx_032",
    "regnet_x_8gf": "regnetx_080",
    "regnet_x_16gf": "regnetx_160",
    "regnet_x_32gf": "regnetx_320",
    "regnet_y_400mf": "regnety_004",
    "regnet_y_800mf": "regnety_008_tv",
    "regnet_y_1_6gf": "regnety_016",
    "regnet_y_3_2gf": "regnety_032",
    "regnet_y_8gf": "regnety_080_tv",
    "regnet_y_16gf": "regnety_160",
    "regnet_y_32gf": "regnety_320",
}
_ARCHITECTURES = {
    **{f"convnext_{size}": f"convnext_{size}" for size in ("tiny", "small", "base", "large")},
    **{f"efficientnet_b{size}": f"efficientnet_b{size}" for size in range(8)},
    **{f"efficientnet_v2_{size}": f"efficientnetv2_{size}" for size in "sml"},
    "mnasnet0_5": "mnasnet_050",
    "mnasnet0_75": "mnasnet_075",
    "mnasnet1_0": "mnasnet_100",
    "mobilenet_v2": "mobilenetv2_100",
    "mobilenet_v3_large": "mobilenetv3_large_100",
    "mobilenet_v3_small": "mobilenetv3_small_100",
    "regnet_y_128gf": "regnety_1280",
    "swin_t": "swin_tiny_patch4_window7_224",
    "swin_s": "swin_small_patch4_window7_224",
    "swin_b": "swin_base_patch4_window7_224",
    "vit_b_16": "vit_base_patch16_224",
    "vit_b_32": "vit_base_patch32_224",
    "vit_l_16": "vit_large_patch16_224",
    "vit_l_32": "vit_large_patch32_224",
}
ALIASES: dict[str, str] = {
    **{name: f"{name}.tv_in1k" for name in (*_FIRST, *_BOTH)},
    **{f"{name}.{V1}": f"{name}.tv_in1k" for name in (*_FIRST, *_BOTH)},
    **{f"{name}.{V2}": f"{name}.tv2_in1k" for name in _BOTH},
    **{name: f"{ours}.tv2_in1k" for name, ours in _SECOND.items()},
    **{f"{name}.{V2}": f"{ours}.tv2_in1k" for name, ours in _SECOND.items()},
    **_ARCHITECTURES,
}
"""torchvision's name, alone or with the name of its weights, to timm's."""


def of_timm(name: str) -> str:
    """timm's name for one of torchvision's (with our prefix). Raises UnknownNameError with near matches."""
    wanted = name.removeprefix(PREFIX)
    if wanted not in ALIASES:
        known = [f"{PREFIX}{alias}" for alias in ALIASES]
        raise UnknownNameError(
            "torchvision model that timm has too", name, known, "Search: python -m engine backbones."
        )
    return ALIASES[wanted]
