"""How the units of timm's architectures are called, in forward order; for each of these the composition is exact.

An architecture is recognised by the function that is its forward pass (`forward_features`), so a subclass that
computes something else is not taken for its parent. Anything not recognised is split by parameter groups instead.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from timm.models import (
    convnext,
    densenet,
    efficientnet,
    mobilenetv3,
    regnet,
    resnet,
    resnetv2,
    swin_transformer,
    swin_transformer_v2,
    vision_transformer,
)
from torch import Tensor, nn

HEAD = ("head", "fc", "classifier", "global_pool", "head_drop", "head_dist", "fc_norm", "attn_pool")
"""Names that timm gives to what follows its `forward_features`; tensors under them belong to the last unit."""


@dataclass(frozen=True)
class Step:
    """One unit: attributes of the timm model that are called in a row."""

    name: str
    stage: str
    calls: tuple[str, ...]
    owns: tuple[str, ...] = ()
    """Parameters that the calls use but do not contain."""
    appended: bool = False
    """Whether the unit's output is its input with the last call's channels appended (DenseNet)."""


@dataclass(frozen=True)
class Composed:
    """An architecture as steps; after the last one `finish` is called, then timm's `forward_head`."""

    steps: tuple[Step, ...]
    finish: tuple[str, ...]
    average: Callable[[Tensor, nn.Module], Tensor]
    """A hidden tensor and the timm model to one row per image."""

    def unit_of(self, tensor: str) -> int | None:
        """The unit that owns a parameter or buffer of the timm model, or None."""
        for unit, step in enumerate(self.steps):
            if _under(tensor, (*step.calls, *step.owns)):
                return unit
        return len(self.steps) - 1 if _under(tensor, (*self.finish, *HEAD)) else None


def _under(tensor: str, names: tuple[str, ...]) -> bool:
    return any(tensor == name or tensor.startswith(f"{name}.") for name in names)


def channels_first(hidden: Tensor, model: nn.Module) -> Tensor:
    """Mean over positions: (n, c, h, w) -> (n, c)."""
    return hidden.mean(dim=(2, 3))


def channels_last(hidden: Tensor, model: nn.Module) -> Tensor:
    """Mean over positions: (n, h, w, c) -> (n, c)."""
    return hidden.mean(dim=(1, 2))


def patch_tokens(hidden: Tensor, model: nn.Module) -> Tensor:
    """Mean over the patch tokens, without class and register tokens: (n, tokens, c) -> (n, c)."""
    return hidden[:, model.num_prefix_tokens :].mean(dim=1)


def composed(model: nn.Module) -> Composed | None:
    """The steps of a timm model, or None where its architecture is not one of these or has tensors of its own."""
    describe = _ARCHITECTURES.get(type(model).forward_features)
    if describe is None:
        return None
    found = describe(model)
    names = (name for named in (model.named_parameters(), model.named_buffers()) for name, _ in named)
    return found if all(found.unit_of(name) is not None for name in names) else None


def _resnet(model: nn.Module) -> Composed:
    stem = Step("stem", "stem", ("conv1", "bn1", "act1", "maxpool"))
    blocks = [
        Step(f"stage {stage} block {block}", f"stage {stage}", (f"layer{stage}.{name}",))
        for stage in range(1, 5)
        for block, (name, _) in enumerate(getattr(model, f"layer{stage}").named_children(), start=1)
    ]
    return Composed((stem, *blocks), (), channels_first)


def _regnet(model: nn.Module) -> Composed:
    blocks = [
        Step(f"stage {stage} block {block}", f"stage {stage}", (f"s{stage}.{name}",))
        for stage in range(1, 5)
        for block, (name, _) in enumerate(getattr(model, f"s{stage}").named_children(), start=1)
    ]
    return Composed((Step("stem", "stem", ("stem",)), *blocks), ("final_conv",), channels_first)


def _vision_transformer(model: nn.Module) -> Composed:
    stem = Step(
        "stem",
        "stem",
        ("patch_embed", "_pos_embed", "patch_drop", "norm_pre"),
        ("cls_token", "reg_token", "dist_token", "pos_embed"),
    )
    blocks = [Step(f"block {block + 1}", "blocks", (f"blocks.{block}",)) for block in range(len(model.blocks))]
    return Composed((stem, *blocks), ("norm",), patch_tokens)


def _efficientnet(model: nn.Module) -> Composed:
    return _inverted_residuals(model, Step("head convolution", "head", ("conv_head", "bn2")))


def _mobilenetv3(model: nn.Module) -> Composed:
    # The convolution comes after the pooling, inside `forward_head`: the unit itself changes nothing before it.
    return _inverted_residuals(model, Step("head convolution", "head", (), ("conv_head", "norm_head", "act2")))


def _inverted_residuals(model: nn.Module, head: Step) -> Composed:
    blocks = [
        Step(f"stage {stage} block {block}", f"stage {stage}", (f"blocks.{stage - 1}.{name}",))
        for stage, row in enumerate(model.blocks, start=1)
        for block, (name, _) in enumerate(row.named_children(), start=1)
    ]
    stem = Step("stem", "stem", ("conv_stem", "bn1"))
    if not any(True for _ in model.conv_head.parameters()):  # a variant without that convolution
        return Composed((stem, *blocks), (*head.calls, *head.owns), channels_first)
    return Composed((stem, *blocks, head), (), channels_first)


def _densenet(model: nn.Module) -> Composed:
    steps: list[Step] = []
    before: list[str] = []
    stage = 0
    for name, child in model.features.named_children():
        if name.startswith("denseblock"):
            stage += 1
            for layer, (inner, _) in enumerate(child.named_children(), start=1):
                calls = (*before, f"features.{name}.{inner}")
                steps.append(Step(f"stage {stage} layer {layer}", f"stage {stage}", calls, appended=True))
                before = []
            continue
        before.append(f"features.{name}")
        if not stage and name.startswith("pool"):
            steps.append(Step("stem", "stem", tuple(before)))
            before = []
    return Composed(tuple(steps), tuple(before), channels_first)


def _staged(
    stem: str, stages: str, finish: tuple[str, ...], average: Callable[[Tensor, nn.Module], Tensor]
) -> Callable[[nn.Module], Composed]:
    """Architectures of stages that are an optional `downsample` and `blocks`: it joins the stage's first block."""

    def describe(model: nn.Module) -> Composed:
        steps = [Step("stem", "stem", (stem,))]
        for stage, row in enumerate(getattr(model, stages)):
            before = (f"{stages}.{stage}.downsample",) if hasattr(row, "downsample") else ()
            for block in range(len(row.blocks)):
                calls = (*before, f"{stages}.{stage}.blocks.{block}")
                steps.append(Step(f"stage {stage + 1} block {block + 1}", f"stage {stage + 1}", calls))
                before = ()
        return Composed(tuple(steps), finish, average)

    return describe


_ARCHITECTURES: dict[Callable[..., Tensor], Callable[[nn.Module], Composed]] = {
    resnet.ResNet.forward_features: _resnet,
    regnet.RegNet.forward_features: _regnet,
    vision_transformer.VisionTransformer.forward_features: _vision_transformer,
    efficientnet.EfficientNet.forward_features: _efficientnet,
    mobilenetv3.MobileNetV3.forward_features: _mobilenetv3,
    densenet.DenseNet.forward_features: _densenet,
    convnext.ConvNeXt.forward_features: _staged("stem", "stages", ("norm_pre",), channels_first),
    resnetv2.ResNetV2.forward_features: _staged("stem", "stages", ("norm",), channels_first),
    swin_transformer.SwinTransformer.forward_features: _staged("patch_embed", "layers", ("norm",), channels_last),
    swin_transformer_v2.SwinTransformerV2.forward_features: _staged("patch_embed", "layers", ("norm",), channels_last),
}
