"""The hooks a strategy may use: before training, around the loss, after an epoch, after training. All do nothing by default.

Whatever a hook draws or keeps must follow from the run's seed and the epoch, or from the weights the run starts from: then a
run that resumes needs no state of it and goes on with the same bits.
"""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from engine import seeding
from engine.backbones import Card
from engine.backbones._network import Network
from engine.batches import Pixels
from engine.device import Device
from engine.events import Event
from engine.scores import FeatureSplit


@dataclass(frozen=True)
class Setup:
    """What a strategy knows of its run."""

    network: Network
    """With the weights it starts from; on its device by the time of `prepare`."""
    card: Card
    settings: Mapping[str, Any]
    seed: int
    pixels: Pixels
    train: np.ndarray
    """Indices of the training images."""
    n_classes: int
    source: Callable[[str], tuple[Pixels, np.ndarray]] = lambda name: (_ for _ in ()).throw(LookupError(name))
    """Another dataset by name: its images on the device, and the indices outside its test part."""
    step: Callable[[], None] = lambda: None
    """To be called between batches; may raise to stop."""
    device: Device | None = None
    home: Path | None = None
    elsewhere: Callable[[], dict[str, dict[str, float]]] = dict
    """Accuracy on other tasks with the network as it is now, where the run measures that: measure -> task -> 0..1."""
    class_names: tuple[str, ...] = ()
    """Of the target, in the order of its class numbers."""
    weights: str = "pretrained"
    """What the backbone started from, as in a spec."""
    tell: Callable[[str, float], None] = lambda phase, share: None
    """To be told of what comes before the run itself, a download say: what it is, and which share of it is done. May raise."""


@dataclass(frozen=True)
class Solved:
    """A linear head on the features of all depths in a row, and how well it does on validation."""

    weight: np.ndarray
    """(n_classes, sum of the widths)"""
    bias: np.ndarray
    """(n_classes,)"""
    validation_accuracy: float
    validation_loss: float
    notice: str
    """What was chosen, in a sentence for the reader."""


class Tuning:
    """A strategy at work on one run."""

    replaces_decay = False
    """Whether the backbone's weight decay is left out, because a penalty takes its place."""
    read = 0
    """Images passed through the network before and after the training, beside those that every run passes."""
    differentiated = 0
    """The same for images of which gradients were computed, too."""
    libraries: tuple[str, ...] = ()
    """Distributions that compute it beside those of every run; their versions are written down."""

    def __init__(self, setup: Setup | None = None) -> None:
        """Without a setup it does nothing, for any network."""
        if setup is not None:
            self.setup, self.network, self.settings = setup, setup.network, setup.settings

    def put_in(self) -> None:
        """Put modules into the network (under `network.added`), before it is frozen and moved to its device."""

    def prepare(self) -> None:
        """Read what is needed of the weights the run starts from; called also where it resumes."""

    def begin(self) -> None:
        """Read what is needed of the network at the moment training begins, head included; also where it resumes."""

    def batch(self, images: Tensor, labels: Tensor, epoch: int, step: int) -> tuple[Tensor, Tensor]:
        """The batch to train on: images, and class numbers (n,) or probabilities (n, n_classes)."""
        return images, labels

    def loss(self, logits: Tensor, targets: Tensor, smoothing: float) -> Tensor:
        """The loss of a batch."""
        return functional.cross_entropy(logits, targets, label_smoothing=smoothing)

    def penalty(self, images: Tensor, embedded: Tensor) -> Tensor | None:
        """What is added to the loss; `embedded` is what the head read of these images."""
        return None

    def stops(self, losses: Sequence[float]) -> bool:
        """Whether to end after these validation losses, one for each epoch."""
        return False

    def solve(self, depths: Sequence[FeatureSplit]) -> Solved:
        """The head of a frozen backbone from the features of every depth, where the strategy solves it in its own way."""
        raise NotImplementedError

    def after(self, evaluate: Callable[[], tuple[float, float]], chosen: Any) -> Generator[Event, None, Any]:
        """Change the selected weights after training; `evaluate` gives validation loss and accuracy. Returns the new `Best`."""
        yield from ()
        return chosen


def make(name: str, setup: Setup) -> Tuning:
    """The tuning in the module of this name; the one that does nothing for the empty name."""
    return importlib.import_module(f"engine.tuning.{name}").Tuning(setup) if name else Tuning(setup)


@contextlib.contextmanager
def drawing(seed: int, *coordinates: str | int) -> Iterator[None]:
    """Within it, torch draws what follows from these coordinates, and nobody else's draws change."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seeding.derive(seed, *coordinates))
        yield


def key(name: str) -> str:
    """A tensor's or module's name as the name of a module of its own, which may hold no dots."""
    return name.replace(".", "_")


def moving(network: Network) -> list[Tensor]:
    """The backbone's own parameters that may move, in order."""
    return [
        parameter
        for unit in range(network.n_units)
        for parameter in network.unit_parameters(unit)
        if parameter.requires_grad
    ]
