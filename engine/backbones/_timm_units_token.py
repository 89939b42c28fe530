"""Units of architectures of timm whose hidden states are tokens: transformers and MLP mixers."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from timm.models import beit, eva, mlp_mixer, swin_transformer, swin_transformer_v2, vision_transformer
from torch import Tensor, nn

from engine.backbones._timm_steps import Composed, Function, Step, channels_last, patch_tokens
from engine.backbones._timm_units_convolutional import staged
from engine.errors import BackboneError


def _row(model: nn.Module) -> list[Step]:
    return [Step(f"block {block + 1}", "blocks", (f"blocks.{block}",)) for block in range(len(model.blocks))]


def _vision_transformer(model: nn.Module) -> Composed:
    stem = Step(
        "stem",
        "stem",
        ("patch_embed", "_pos_embed", "patch_drop", "norm_pre"),
        ("cls_token", "reg_token", "dist_token", "pos_embed"),
    )
    return Composed((stem, *_row(model)), ("norm",), patch_tokens)


def _mlp_mixer(model: nn.Module) -> Composed:
    return Composed((Step("stem", "stem", ("stem",)), *_row(model)), ("norm",), patch_tokens)


def _beit(model: nn.Module) -> Composed | None:
    if model.rel_pos_bias is not None:  # one table for all blocks, so they cannot be frozen apart
        return None
    stem = Step("stem", "stem", ("patch_embed", _beit_positions), ("cls_token", "pos_embed", "pos_drop"))
    return Composed((stem, *_row(model)), ("norm",), patch_tokens)


def _beit_positions(tokens: Tensor, model: nn.Module) -> Tensor:
    tokens = torch.cat([model.cls_token.expand(len(tokens), -1, -1), tokens], dim=1)
    return model.pos_drop(tokens if model.pos_embed is None else tokens + model.pos_embed)


def _eva(model: nn.Module) -> Composed | None:
    """EVA, EVA-02, DINOv3 and other transformers with rotary positions, which every block takes beside the tokens."""
    if model.patch_drop is not None:  # the positions of the tokens that are left differ from image to image
        return None
    if getattr(model.rope, "aug_active", False):
        # Random coordinates while training: each block would draw its own, and a resumed run others than before.
        model.rope.aug_active = False
    stem = Step(
        "stem",
        "stem",
        ("patch_embed", lambda patches, model: model._pos_embed(patches)[0], "norm_pre"),
        ("cls_token", "reg_token", "pos_embed", "pos_drop", "rope"),
    )
    row = [
        Step(f"block {block + 1}", "blocks", (_rotated(block),), (f"blocks.{block}",))
        for block in range(len(model.blocks))
    ]
    return Composed((stem, *row), ("norm",), patch_tokens)


def _rotated(block: int) -> Function:
    def call(tokens: Tensor, model: nn.Module) -> Tensor:
        return model.blocks[block](tokens, rope=_positions(tokens, model, block))

    return call


def _positions(tokens: Tensor, model: nn.Module, block: int) -> Tensor | None:
    if model.rope is None:
        return None
    if not model.dynamic_img_size and hasattr(model.rope, "feat_shape"):
        embedded = model.rope.get_embed()
    else:
        embedded = model.rope.get_embed(shape=_grid(tokens, model))
    return embedded[block] if model.rope_mixed else embedded


def _grid(tokens: Tensor, model: nn.Module) -> tuple[int, int]:
    if not model.dynamic_img_size:
        return tuple(model.patch_embed.grid_size)
    n_patches = tokens.shape[1] - model.num_prefix_tokens
    side = math.isqrt(n_patches)
    if side * side != n_patches:
        raise BackboneError(f"{n_patches} patches are no square: this backbone is run on square images only.")
    return side, side


ARCHITECTURES: dict[Callable[..., Tensor], Callable[[nn.Module], Composed | None]] = {
    vision_transformer.VisionTransformer.forward_features: _vision_transformer,
    beit.Beit.forward_features: _beit,
    eva.Eva.forward_features: _eva,
    mlp_mixer.MlpMixer.forward_features: _mlp_mixer,
    swin_transformer.SwinTransformer.forward_features: staged("patch_embed", "layers", ("norm",), channels_last),
    swin_transformer_v2.SwinTransformerV2.forward_features: staged("patch_embed", "layers", ("norm",), channels_last),
}
"""By the function that is the forward pass: from a model to its steps, or None for a variant that has no such steps."""
