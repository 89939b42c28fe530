"""A small vision transformer for 32x32 images, pretrained on CIFAR-10 by this engine and shipped in `assets/`.

Dosovitskiy et al., "An Image is Worth 16x16 Words", ICLR 2021, section 3.1, in timm's implementation: patches of 4x4
pixels, six blocks of width 96 with three heads; the mean of the patch tokens is classified (their appendix D.3), which
learns better from few images than a class token.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.backbones._shipped import Shipped

if TYPE_CHECKING:
    from engine.backbones._composition import Composition

PATCH, WIDTH, DEPTH, HEADS = 4, 96, 6, 3


def build() -> Composition:
    """The transformer with random weights: patch embedding and six blocks, 96 features."""
    from timm.models.vision_transformer import VisionTransformer

    from engine.backbones._timm_network import ComposedTimm
    from engine.backbones._timm_units import composed

    model = VisionTransformer(
        img_size=32, patch_size=PATCH, embed_dim=WIDTH, depth=DEPTH, num_heads=HEADS, num_classes=0,
        class_token=False, global_pool="avg", fc_norm=False, mlp_ratio=4.0,
    )  # fmt: skip
    for block in model.blocks:
        # On processors torch's fused attention spends more time in its backward pass than all other layers together: plain
        # products train this network twice as fast (measured at 64 tokens), and give the same numbers.
        block.attn.fused_attn = False
    steps = composed(model)
    if steps is None:
        raise AssertionError("timm's VisionTransformer is no longer composed of the units we know")
    return ComposedTimm(model, steps)


Shipped(
    name="vit_cifar10",
    label="Small vision transformer (CIFAR-10)",
    summary="Six transformer blocks on patches of 4x4 pixels, for 32x32 images, pretrained here on CIFAR-10 photographs"
    " and shipped.",
    source="Dosovitskiy et al. 2021, section 3.1 (width 96, six blocks, three heads, mean of the patch tokens)",
    build=build,
).register()
