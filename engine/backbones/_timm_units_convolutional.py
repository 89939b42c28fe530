"""Units of convolutional architectures of timm (and of MobileViT, whose attention sits inside convolutional stages)."""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter

import torch
from timm.models import (
    byobnet,
    convmixer,
    convnext,
    densenet,
    efficientnet,
    mobilenetv3,
    regnet,
    resnet,
    resnetv2,
    senet,
    vgg,
)
from timm.models.inception_resnet_v2 import InceptionResnetV2
from timm.models.inception_v3 import InceptionV3
from timm.models.inception_v4 import InceptionV4, Mixed3a, Mixed5a, ReductionA, ReductionB
from torch import Tensor, nn
from torch.nn import functional

from engine.backbones._timm_steps import Composed, Function, Step, blocks, channels_first, children


def _resnet(model: nn.Module) -> Composed:
    stem = Step("stem", "stem", ("conv1", "bn1", "act1", "maxpool"))
    rows = [children(model, f"layer{stage}") for stage in range(1, 5)]
    return Composed((stem, *blocks(rows)), (), channels_first)


def _senet(model: nn.Module) -> Composed:
    rows = [children(model, f"layer{stage}") for stage in range(1, 5)]
    return Composed((Step("stem", "stem", ("layer0", "pool0")), *blocks(rows)), (), channels_first)


def _regnet(model: nn.Module) -> Composed:
    rows = [children(model, f"s{stage}") for stage in range(1, 5)]
    return Composed((Step("stem", "stem", ("stem",)), *blocks(rows)), ("final_conv",), channels_first)


def _byobnet(model: nn.Module) -> Composed:
    rows = [children(model, f"stages.{stage}") for stage in range(len(model.stages))]
    return Composed((Step("stem", "stem", ("stem",)), *blocks(rows)), ("final_conv",), channels_first)


def _convmixer(model: nn.Module) -> Composed:
    row = [Step(f"block {block + 1}", "blocks", (f"blocks.{block}",)) for block in range(len(model.blocks))]
    return Composed((Step("stem", "stem", ("stem",)), *row), (), channels_first)


def _efficientnet(model: nn.Module) -> Composed:
    return _inverted_residuals(model, Step("head convolution", "head", ("conv_head", "bn2")))


def _mobilenetv3(model: nn.Module) -> Composed:
    # The convolution comes after the pooling, inside `forward_head`: the unit itself changes nothing before it.
    return _inverted_residuals(model, Step("head convolution", "head", (), ("conv_head", "norm_head", "act2")))


def _inverted_residuals(model: nn.Module, head: Step) -> Composed:
    stem = Step("stem", "stem", ("conv_stem", "bn1"))
    rows = blocks([children(model, f"blocks.{stage}") for stage in range(len(model.blocks))])
    if not any(True for _ in model.conv_head.parameters()):  # a variant without that convolution
        return Composed((stem, *rows), (*head.calls, *head.owns), channels_first)
    return Composed((stem, *rows, head), (), channels_first)


def _densenet(model: nn.Module) -> Composed:
    steps: list[Step] = []
    before: list[str] = []
    stage = 0
    for name, child in model.features.named_children():
        if name.startswith("denseblock"):
            stage += 1
            for layer, (inner, _) in enumerate(child.named_children(), start=1):
                holder = f"features.{name}.{inner}"
                calls = (*before, _appended(holder))
                steps.append(Step(f"stage {stage} layer {layer}", f"stage {stage}", calls, (holder,)))
                before = []
            continue
        before.append(f"features.{name}")
        if not stage and name.startswith("pool"):
            steps.append(Step("stem", "stem", tuple(before)))
            before = []
    return Composed(tuple(steps), tuple(before), channels_first)


def _appended(layer: str) -> Function:
    """The input with a dense layer's channels appended."""
    return lambda hidden, model: torch.cat([hidden, attrgetter(layer)(model)(hidden)], dim=1)


def _vgg(model: nn.Module) -> Composed:
    """Each convolution with what follows it, then the two fully connected layers: 16 and 19 are counted like this."""
    rows: list[list[list[str]]] = [[]]
    for name, module in model.features.named_children():
        if isinstance(module, nn.Conv2d):
            rows[-1].append([])
        rows[-1][-1].append(f"features.{name}")
        if isinstance(module, nn.MaxPool2d):
            rows.append([])
    steps = [
        Step(f"stage {stage} convolution {place}", f"stage {stage}", tuple(calls))
        for stage, row in enumerate(rows, start=1)
        for place, calls in enumerate(row, start=1)
    ]
    first = Step("fully connected 1", "head", (_at_least_7x7, "pre_logits.fc1", "pre_logits.act1", "pre_logits.drop"))
    second = Step("fully connected 2", "head", ("pre_logits.fc2", "pre_logits.act2"))
    return Composed(
        (*steps, first, second), (), channels_first, lambda hidden, model: model.head(hidden, pre_logits=True)
    )


def _at_least_7x7(hidden: Tensor, model: nn.Module) -> Tensor:
    # As timm's ConvMlp does for images smaller than 224 pixels.
    wanted = [max(model.pre_logits.input_kernel_size, side) for side in hidden.shape[-2:]]
    return hidden if list(hidden.shape[-2:]) == wanted else functional.adaptive_avg_pool2d(hidden, wanted)


def _inception_v3(model: nn.Module) -> Composed:
    first = Step("stem 1", "stem", ("Conv2d_1a_3x3", "Conv2d_2a_3x3", "Conv2d_2b_3x3", "Pool1"))
    second = Step("stem 2", "stem", ("Conv2d_3b_1x1", "Conv2d_4a_3x3", "Pool2"))
    rows = _named([[f"Mixed_{stage}{letter}" for letter in letters] for stage, letters in
                   ((5, "bcd"), (6, "abcde"), (7, "abc"))])  # fmt: skip
    return Composed((first, second, *rows), (), channels_first)


def _inception_v4(model: nn.Module) -> Composed:
    stem = Step("stem", "stem", ("features.0", "features.1", "features.2"))
    stages: list[list[str]] = []
    for name, block in list(model.features.named_children())[3:]:
        if isinstance(block, Mixed3a | Mixed5a | ReductionA | ReductionB):
            stages.append([])
        stages[-1].append(f"features.{name}")
    return Composed((stem, *_named(stages)), (), channels_first)


def _inception_resnet_v2(model: nn.Module) -> Composed:
    def repeated(holder: str) -> list[str]:
        return [f"{holder}.{name}" for name in children(model, holder)[1]]

    first = Step("stem 1", "stem", ("conv2d_1a", "conv2d_2a", "conv2d_2b", "maxpool_3a"))
    second = Step("stem 2", "stem", ("conv2d_3b", "conv2d_4a", "maxpool_5a"))
    stages = [
        ["mixed_5b", *repeated("repeat")],
        ["mixed_6a", *repeated("repeat_1")],
        ["mixed_7a", *repeated("repeat_2"), "block8"],
    ]
    head = Step("head convolution", "head", ("conv2d_7b",))
    return Composed((first, second, *_named(stages), head), (), channels_first)


def _named(stages: list[list[str]]) -> list[Step]:
    """Stages of blocks that are attributes with names of their own."""
    return [
        Step(f"stage {stage} block {block}", f"stage {stage}", (name,))
        for stage, row in enumerate(stages, start=1)
        for block, name in enumerate(row, start=1)
    ]


def staged(stem: str, stages: str, finish: tuple[str, ...], average: Function) -> Callable[[nn.Module], Composed]:
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


ARCHITECTURES: dict[Callable[..., Tensor], Callable[[nn.Module], Composed | None]] = {
    resnet.ResNet.forward_features: _resnet,
    senet.SENet.forward_features: _senet,
    regnet.RegNet.forward_features: _regnet,
    byobnet.ByobNet.forward_features: _byobnet,
    efficientnet.EfficientNet.forward_features: _efficientnet,
    mobilenetv3.MobileNetV3.forward_features: _mobilenetv3,
    densenet.DenseNet.forward_features: _densenet,
    vgg.VGG.forward_features: _vgg,
    InceptionV3.forward_features: _inception_v3,
    InceptionV4.forward_features: _inception_v4,
    InceptionResnetV2.forward_features: _inception_resnet_v2,
    convmixer.ConvMixer.forward_features: _convmixer,
    convnext.ConvNeXt.forward_features: staged("stem", "stages", ("norm_pre",), channels_first),
    resnetv2.ResNetV2.forward_features: staged("stem", "stages", ("norm",), channels_first),
}
"""By the function that is the forward pass: from a model to its steps, or None for a variant that has no such steps."""
