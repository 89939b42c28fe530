"""Experiments that are ready to run, each the answer to one question."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from engine.layer_transfer import CURVES as STUDIED
from engine.registry import Registry
from engine.spec import ExperimentSpec, TrainSpec
from engine.strategies import STRATEGIES


@dataclass(frozen=True)
class Preset:
    """A named experiment with the question it answers."""

    name: str
    label: str
    question: str
    spec: ExperimentSpec


PRESETS: Registry[Preset] = Registry("preset")

# The picture of 30 epochs at the usual rate in two thirds of the time: whoever tries it waits for it.
QUICK = TrainSpec(epochs=20, learning_rate=0.04)

PRESETS.register(
    Preset(
        "quick",
        "What does freezing change?",
        "50 labelled digits, a network pretrained on photographs: how many of its layers should stay fixed?",
        ExperimentSpec(
            name="What does freezing change?",
            strategies=("linear_probe", "full_fine_tuning", "partial_fine_tuning", "from_scratch"),
            frozen_depths=(2, 4, 6, 8),
            seeds=(0, 1, 2),
            label_budgets=(50,),
            train=QUICK,
        ),
    )
)
PRESETS.register(
    Preset(
        "every_depth",
        "Every depth, six seeds",
        "The same question at every depth, with enough paired seeds to make a claim.",
        ExperimentSpec(name="Every depth, six seeds", seeds=tuple(range(6)), label_budgets=(50,)),
    )
)
PRESETS.register(
    Preset(
        "label_budget",
        "How many labels do you need?",
        "From 20 labels to 1,000: when does training from scratch catch up with transfer?",
        ExperimentSpec(
            name="How many labels do you need?",
            strategies=("linear_probe", "full_fine_tuning", "partial_fine_tuning", "from_scratch"),
            frozen_depths=(4,),
            label_budgets=(20, 50, 100, 200, 500, 1000),
        ),
    )
)
PRESETS.register(
    Preset(
        "rate",
        "Is it the layers or the learning rate?",
        "The quick question with a learning rate four times lower: does the best depth move?",
        ExperimentSpec(
            name="A lower learning rate",
            strategies=("linear_probe", "full_fine_tuning", "partial_fine_tuning", "from_scratch"),
            frozen_depths=(2, 4, 6, 8),
            label_budgets=(50,),
            train=dataclasses.replace(QUICK, learning_rate=QUICK.learning_rate / 4),
        ),
    )
)
PRESETS.register(
    Preset(
        "transfer_distance",
        "When does transfer hurt?",
        "Shapes, noise and colours with 100 labels each: where does a network pretrained on photographs help, and where"
        " does it cost accuracy?",
        ExperimentSpec(
            name="When does transfer hurt?",
            datasets=("shapes:0", "noise", "colours"),
            strategies=("linear_probe", "full_fine_tuning", "from_scratch"),
            label_budgets=(100,),
        ),
    )
)
PRESETS.register(
    Preset(
        "classic_mistake",
        "The classic mistake",
        "What if the running statistics of frozen layers keep moving? Every frozen depth twice, as it should be and with"
        " normalisation left in training mode: what changes, and what it does to the accuracy.",
        ExperimentSpec(
            name="The classic mistake",
            strategies=("linear_probe", "partial_fine_tuning", "from_scratch", "moving_statistics"),
            frozen_depths=(3, 6, 9),
            seeds=tuple(range(6)),
            label_budgets=(50,),
        ),
    )
)
# The bases learn from scratch, and twice the rate that suits pretrained weights of a network without normalisation suits them.
STUDY = TrainSpec(optimizer="sgd", learning_rate=0.02)
CURVES = ("selffer", "transfer", "selffer_plus", "transfer_plus", "random_frozen")
PRESETS.register(
    Preset(
        "layer_transfer",
        "Which layers transfer?",
        "Yosinski's study in small: digits divided into two tasks of five, a plain network; what do its first layers carry"
        " from one task to the other, and why is something lost?",
        ExperimentSpec(
            name="Which layers transfer?",
            backbones=("plain8_cifar10",),
            strategies=CURVES,
            class_splits=(0, 1, 2),
            seeds=(0,),
            label_budgets=(50,),
            measures=(),
            train=STUDY,
        ),
    )
)
PRESETS.register(
    Preset(
        "layer_transfer_cifar10",
        "Which layers transfer? With photographs",
        "Yosinski's study as in the README: CIFAR-10 (downloaded once) divided four times into five classes each, 2,000 labels"
        " a half.",
        ExperimentSpec(
            name="Which layers transfer? CIFAR-10, five classes each",
            backbones=("plain8_cifar10",),
            datasets=("cifar10",),
            strategies=CURVES,
            class_splits=(0, 1, 2, 3),
            seeds=(0,),
            label_budgets=(2000,),
            measures=(),
            train=dataclasses.replace(STUDY, epochs=15, augmentation="crop_flip"),
        ),
    )
)
PRESETS.register(
    Preset(
        "all_strategies",
        "Every strategy on every shipped backbone",
        "50 labelled digits, six seeds: what does each strategy give, on a residual, a plain and a transformer network, and"
        " what does it cost? Print it with the command `table`.",
        ExperimentSpec(
            name="Every strategy on every shipped backbone",
            backbones=("resnet20_cifar10", "plain8_cifar10", "vit_cifar10"),
            strategies=tuple(one.name for one in STRATEGIES if one.name not in STUDIED and not one.mistake_of),
            frozen_depths=(2, 4, 6),
            seeds=tuple(range(6)),
            label_budgets=(50,),
            measures=("logme",),  # what the adviser reads; it costs one pass that the test shares
            settings={
                # As in the paper's grids: one start, other augmentation and label smoothing.
                "soup": {"runs": "full_fine_tuning, label_smoothing, mixup, cutmix"},
                "adapter_merging": {"runs": "seeds:lora"},
            },
            leave_out_refused=True,
        ),
    )
)
