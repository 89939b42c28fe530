"""Optimiser, learning rate and epochs of a run whose experiment leaves them at `auto`: pure, and written into every planned run.

Convolutional networks are fine-tuned by SGD with momentum at 0.02, which is what this engine's pretraining recipes and
Kornblith et al. 2019 (appendix A.4: 0.01 for most) use in order of magnitude; networks with attention by AdamW at 0.001,
because their gradients differ in size from layer to layer and SGD at one rate leaves parts of them untrained (Zhang et al.
2020, "Why are adaptive methods good for attention models?"). Convolutional networks without normalisation get half the rate,
0.01, with which Krizhevsky et al. 2012 (section 5) began: at 0.02 some seeds of `plain8_cifar10` break. Strategies that train
a few new or selected parameters in a frozen network have factors of their own (`engine.strategies._few`).

Epochs are steps in disguise: 30 of them over 40 images in batches of 32 are 60 steps, and Kolesnikov et al. 2020 (Big
Transfer) give even their small tasks 500. Looked at on digits with 50 labels, seed 101, accuracy on 500 images of the
training part that no run learned from or chose by, after 60, 200 and 400 steps: vit_cifar10 (probe .68) full fine-tuning .61,
.83, .84, LoRA .70 and .81 (not run with 400), BitFit .60 and .73, adapters .65 and .78, deep prompts .70 and .73;
resnet20_cifar10 (probe .64) full fine-tuning .88, .89, .90, LoRA .77, .81, .82, BitFit .71 and .76, from scratch .69 and .87;
plain8_cifar10 (probe .72) full fine-tuning .83, .73, .81, LoRA .88, .88, .90, gradual unfreezing .85, .92, .83. Single
trainings: a few points mean nothing. From 200 steps on there is little more to be had; before, the order of strategies is
that of how fast they learn.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable

from engine.backbones import Card
from engine.spec import AUTO, RunSpec, TrainSpec
from engine.strategies import STRATEGIES

LEAST_EPOCHS = 30
LEAST_STEPS = 200
"""Steps below which most strategies are still learning when they end (see above)."""
FULL_RATE = {"sgd": 0.02, "adamw": 0.001}
"""Peak rate of full fine-tuning by optimiser."""


def attends(card: Card) -> bool:
    """Whether a backbone is made of attention (ViT, Swin, BEiT, ...), by the names of its weights."""
    return any("attn" in weight.name for unit in card.units for weight in unit.weights)


def normalised(card: Card) -> bool:
    """Whether a backbone has normalisation layers with a scale."""
    return any(weight.kind == "norm" for unit in card.units for weight in unit.weights)


def resolved(train: TrainSpec, strategy: str, card: Card, n_train: int) -> TrainSpec:
    """The same training with the optimiser, the learning rate and the epochs that `auto` stands for; what is given stays.

    Args:
        train: of an experiment or a run.
        strategy: its name.
        card: of the backbone.
        n_train: images it learns from.

    Raises:
        UnknownNameError: there is no such strategy.
    """
    own = STRATEGIES[strategy]
    optimizer, rate = train.optimizer, train.learning_rate
    if optimizer == AUTO:
        optimizer = own.optimizer or ("adamw" if attends(card) else "sgd")
    if rate == AUTO:
        rate = FULL_RATE[optimizer] * own.rate_factors[attends(card)]
        if optimizer == "sgd" and not normalised(card):
            rate /= 2
    return dataclasses.replace(train, optimizer=optimizer, learning_rate=rate, epochs=epochs(train, n_train))


def epochs(train: TrainSpec, n_train: int) -> int:
    """Those that are given, or 30, and with few images as many as make 200 steps: of 40 images in batches of 32, 100."""
    if train.epochs != AUTO:
        return train.epochs
    return max(LEAST_EPOCHS, math.ceil(LEAST_STEPS / max(1, math.ceil(n_train / train.batch_size))))


def summary(runs: Iterable[RunSpec]) -> list[str]:
    """One line for each backbone, optimiser, rate and number of epochs among runs that train by steps, and the strategies."""
    found: dict[tuple[str, str, float | str, int | str], dict[str, None]] = {}
    for run in runs:
        if not STRATEGIES[run.strategy].solves_head:
            key = run.backbone, run.train.optimizer, run.train.learning_rate, run.train.epochs
            found.setdefault(key, {})[run.strategy] = None
    return [
        f"{backbone}, {optimizer} at a peak rate of {rate}, {epochs} epochs: {', '.join(names)}"
        for (backbone, optimizer, rate, epochs), names in found.items()
    ]
