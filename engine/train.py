"""The training loop: a generator of events, readable top to bottom."""

from __future__ import annotations

import copy
import functools
import math
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from engine.backbones._network import Network
from engine.batches import Pixels, n_batches
from engine.control import Control
from engine.course import Course
from engine.errors import WeightsError
from engine.events import Diverged, EpochEnded, Event
from engine.optimisers import lay_out, let_learn, optimiser_of
from engine.seeding import derive
from engine.spec import TrainSpec
from engine.strategies import Phase
from engine.tuning import Tuning

EVALUATION_BATCH = 256


@dataclass
class Task:
    """Everything one training needs; `network` is trained in place and ends with the selected weights."""

    network: Network
    pixels: Pixels
    train: np.ndarray
    validation: np.ndarray
    spec: TrainSpec
    seed: int
    augmentation: str
    precision: str
    control: Control
    share: tuple[float, float] = (0.0, 1.0)
    """Where this training begins and ends within the whole run, for progress."""
    tuning: Tuning | None = None
    """What the strategy adds to the training; None = nothing."""
    course: Course | None = None
    """Which units learn when and at what rate; None = all that may move, at one rate."""
    at_epoch: Callable[[int], Iterator[Event]] | None = None
    """Called after the evaluation of every epoch (0 = before training), network in eval mode; its events are passed on."""


@dataclass
class Best:
    """The epoch that selection prefers so far, with a copy of what trains."""

    accuracy: float = -1.0
    loss: float = math.inf
    epoch: int = 0
    state: dict[str, Tensor] = field(default_factory=dict)


@dataclass(frozen=True)
class Savepoint:
    """A moment from which training can go on with the same bits; `state` is read before the generator goes on."""

    epoch: int
    state: Callable[[], dict[str, Any]]


def fit(task: Task, resume: dict[str, Any] | None = None) -> Generator[Event | Savepoint, None, Best | None]:
    """Train what is not frozen; yields an event and a savepoint per epoch, returns the selected epoch.

    Args:
        task: its network must be frozen to the wanted depth and have a head of the right size.
        resume: the state of a savepoint; training goes on with the epoch after it.

    Returns:
        The selected epoch, whose weights the network then has; None after a `Diverged` event.

    Raises:
        Cancelled: the control said stop; the network is as it was then.
    """
    network, spec, control = task.network, task.spec, task.control
    training = Training(task, resume)
    if resume is None:
        loss, accuracy = evaluate(network, task.pixels, task.validation, control)
        yield EpochEnded(0, None, None, loss, accuracy, None)
        yield from look(task, 0)
    control.progress.training_began = time.monotonic()

    for epoch in range(training.first, spec.epochs + 1):
        if training.tuning.stops(training.losses):
            break
        passed = training.one_epoch(epoch)
        if isinstance(passed, Diverged):
            yield passed
            return None
        val_loss, val_accuracy = evaluate(network, task.pixels, task.validation, control)
        yield EpochEnded(epoch, passed.loss, passed.accuracy, val_loss, val_accuracy, passed.rate)
        if not math.isfinite(val_loss):
            # The epoch's last step can break the weights after its own loss was still a number.
            yield Diverged(epoch, training.steps - 1, f"the validation loss was not a number after epoch {epoch}")
            return None
        yield from look(task, epoch)
        training.judge(epoch, val_accuracy, val_loss)
        yield Savepoint(epoch, training.state(epoch))

    network.load_state_dict(training.best.state, strict=False)
    return training.best


@dataclass(frozen=True)
class Passed:
    """What one pass over the training images gave."""

    loss: float
    accuracy: float
    rate: float
    """The learning rate of its last step."""


class Training:
    """A training on its way: the optimiser, which units learn now, and what selection prefers so far."""

    def __init__(self, task: Task, resume: dict[str, Any] | None) -> None:
        self.task, self.tuning = task, task.tuning or Tuning()
        self.rates = task.course or constant(task.network, task.spec)
        self.optimiser = optimiser_of(task.network, task.spec, self.rates, self.tuning)
        self.steps = n_batches(len(task.train), task.spec.batch_size)
        self.best, self.first = Best(), 1
        self.losses: list[float] = []
        """Of validation, one for each epoch so far."""
        self.learning: frozenset[int] | None = None
        if resume is not None:
            check_layout(task.network, resume["network"])
            task.network.load_state_dict(resume["network"])
            self.optimiser.load_state_dict(resume["optimiser"])
            lay_out(self.optimiser)
            self.best, self.first = Best(**resume["best"]), resume["epoch"] + 1
            self.losses = list(resume["validation_losses"])

    def one_epoch(self, epoch: int) -> Passed | Diverged:
        """Every training image once."""
        task, steps = self.task, self.steps
        torch.manual_seed(derive(task.seed, "dropout", epoch))
        task.network.train()
        losses: list[Tensor] = []
        hits = torch.zeros((), device=task.pixels.device)
        rate = 0.0
        for step, (images, labels) in enumerate(shuffled(task, epoch)):
            task.control.step()
            rate = self.set_rates(((epoch - 1) * steps + step) / (steps * task.spec.epochs))
            loss, logits = self.forward(images, labels, epoch, step)
            losses.append(loss.detach() * len(labels))
            if (step % look_every(images.device) == 0 or step == steps - 1) and (bad := first_bad(losses)) is not None:
                return Diverged(epoch, bad, f"the loss was not a number in epoch {epoch}, step {bad + 1} of {steps}")
            self.optimiser.zero_grad(set_to_none=True)
            loss.backward()
            self.optimiser.step()
            hits += (logits.detach().argmax(1) == labels).sum()
            advance(task, epoch, (epoch - 1 + (step + 1) / steps) / task.spec.epochs, len(labels))
        n = len(task.train)
        return Passed(float(torch.stack(losses).sum()) / n, float(hits) / n, rate)

    def set_rates(self, done: float) -> float:
        """Give every unit its rate after a share `done` of all steps; returns the highest."""
        rates = self.rates.rates(done, self.losses)
        if (now := frozenset(unit for unit, share in enumerate(rates) if share > 0)) != self.learning:
            self.learning = let_learn(self.task.network, self.optimiser, now)
        for group in self.optimiser.param_groups:
            group["lr"] = rates[group.get("unit", -1)]
        return max(rates)

    def forward(self, images: Tensor, labels: Tensor, epoch: int, step: int) -> tuple[Tensor, Tensor]:
        """The loss of a batch, with what the strategy adds to it, and the logits (n, n_classes)."""
        task = self.task
        images, targets = self.tuning.batch(images, labels, epoch, step)
        with autocast(images.device, task.precision):
            embedded = task.network.read(images)
            logits = task.network.head(embedded)
        loss = self.tuning.loss(logits.float(), targets, task.spec.label_smoothing)
        if (penalty := self.tuning.penalty(images, embedded)) is not None:
            loss = loss + penalty
        return loss, logits

    def judge(self, epoch: int, accuracy: float, loss: float) -> None:
        """Note how an epoch validates; its weights are copied where it is preferred."""
        self.losses.append(loss)
        if better(self.task.spec.selection, accuracy, loss, self.best):
            self.best = Best(accuracy, loss, epoch, copy.deepcopy(trained_state(self.task.network)))

    def state(self, epoch: int) -> Callable[[], dict[str, Any]]:
        """Reads what `fit` needs to go on after this epoch."""
        return functools.partial(state_of, self.task.network, self.optimiser, self.best, epoch, self.losses)


def check_layout(network: Network, state: dict[str, Tensor]) -> None:
    """Raises WeightsError where the tensors of a checkpoint are not those of the network: another version wrote it."""
    wanted, there = ({name: tensor.shape for name, tensor in one.items()} for one in (network.state_dict(), state))
    if names := sorted(name for name in wanted.keys() | there.keys() if wanted.get(name) != there.get(name)):
        raise WeightsError(
            f"The checkpoint of this run holds other tensors than its network ({names[0]!r}, {len(names)} in all), as"
            " another version of transferscope wrote it: nothing can go on from it. Run it again from the beginning."
        )


def look(task: Task, epoch: int) -> Iterator[Event]:
    """What an observer of this training has to say after an epoch; it must leave the network as it was."""
    if task.at_epoch is not None:
        yield from task.at_epoch(epoch)


def shuffled(task: Task, epoch: int) -> Iterator[tuple[Tensor, Tensor]]:
    """The batches of one epoch: a function of the seed and the epoch alone."""
    return task.pixels.shuffled(
        task.train, task.spec.batch_size, seed=task.seed, epoch=epoch, augmentation=task.augmentation
    )


def state_of(
    network: Network, optimiser: torch.optim.Optimizer, best: Best, epoch: int, losses: Sequence[float]
) -> dict[str, Any]:
    """What `fit` needs to go on: weights, optimiser, best so far, epoch, validation losses. Randomness needs no state."""
    return {
        "network": network.state_dict(),
        "optimiser": optimiser.state_dict(),
        "best": {"accuracy": best.accuracy, "loss": best.loss, "epoch": best.epoch, "state": best.state},
        "epoch": epoch,
        "validation_losses": list(losses),
    }


def trained_state(network: Network) -> dict[str, Tensor]:
    """Tensors that move: everything but the frozen units, and what of these moves by mistake."""
    fixed = network.frozen_tensors().keys() - network.drifting()
    return {name: tensor for name, tensor in network.state_dict().items() if name not in fixed}


def better(selection: str, accuracy: float, loss: float, best: Best) -> bool:
    """Whether this epoch is preferred: higher validation accuracy, ties by lower loss; or simply the later one."""
    if selection == "last_epoch" or not best.epoch:
        return True
    return (accuracy, -loss) > (best.accuracy, -best.loss)


def constant(network: Network, spec: TrainSpec) -> Course:
    """Everything that may move learns at one rate, under the schedule of the whole training."""
    return Course((Phase(1.0, (1.0,) * (network.n_units + 1)),), spec.learning_rate, spec.schedule, spec.cycles, False)


def evaluate(network: Network, pixels: Pixels, indices: np.ndarray, control: Control) -> tuple[float, float]:
    """Mean loss (nats) and accuracy of the network on some images; it is in eval mode afterwards."""
    network.eval()
    total, hits = 0.0, 0
    with torch.inference_mode():
        for images, labels in pixels.in_order(indices, EVALUATION_BATCH):
            control.step()
            logits = network(images)
            total += float(functional.cross_entropy(logits, labels, reduction="sum"))
            hits += int((logits.argmax(1) == labels).sum())
    return total / len(indices), hits / len(indices)


def autocast(device: torch.device, precision: str) -> torch.autocast:
    """bfloat16 arithmetic where the run asks for it; weights and statistics stay float32."""
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=precision == "bfloat16")


def look_every(device: torch.device) -> int:
    """Steps between two looks at the loss: each one waits for the device, which costs nothing on a processor."""
    return 1 if device.type == "cpu" else 20


def first_bad(losses: list[Tensor]) -> int | None:
    """The first step of this epoch whose loss is not finite."""
    if bool(torch.isfinite(losses[-1])):
        return None
    return int((~torch.isfinite(torch.stack(losses))).nonzero()[0])


def advance(task: Task, epoch: int, done: float, n_images: int) -> None:
    """Note progress for the heartbeat."""
    progress = task.control.progress
    begin, end = task.share
    progress.phase, progress.epoch, progress.done = "training", epoch, begin + (end - begin) * done
    progress.images += n_images
