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
from engine.events import Diverged, EpochEnded, Event
from engine.seeding import derive
from engine.spec import AUTO, TrainSpec
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
    network, spec, control, tuning = task.network, task.spec, task.control, task.tuning or Tuning()
    course = task.course or constant(network, spec)
    optimiser = optimiser_of(network, spec, course, tuning)
    steps = n_batches(len(task.train), spec.batch_size)
    best, first, losses_so_far, learning = Best(), 1, [], None
    if resume is None:
        loss, accuracy = evaluate(network, task.pixels, task.validation, control)
        yield EpochEnded(0, None, None, loss, accuracy, None)
        yield from look(task, 0)
    else:
        network.load_state_dict(resume["network"])
        optimiser.load_state_dict(resume["optimiser"])
        lay_out(optimiser)
        best, first, losses_so_far = Best(**resume["best"]), resume["epoch"] + 1, list(resume["validation_losses"])
    control.progress.training_began = time.monotonic()

    for epoch in range(first, spec.epochs + 1):
        if tuning.stops(losses_so_far):
            break
        torch.manual_seed(derive(task.seed, "dropout", epoch))
        network.train()
        losses: list[Tensor] = []
        hits = torch.zeros((), device=task.pixels.device)
        rate = 0.0
        for step, (images, labels) in enumerate(shuffled(task, epoch)):
            control.step()
            done = ((epoch - 1) * steps + step) / (steps * spec.epochs)
            rates = course.rates(done, losses_so_far)
            rate = max(rates)
            if (now := frozenset(unit for unit, share in enumerate(rates) if share > 0)) != learning:
                learning = let_learn(network, optimiser, now)
            for group in optimiser.param_groups:
                group["lr"] = rates[group.get("unit", -1)]
            images, targets = tuning.batch(images, labels, epoch, step)
            with autocast(images.device, task.precision):
                embedded = network.read(images)
                logits = network.head(embedded)
            loss = tuning.loss(logits.float(), targets, spec.label_smoothing)
            if (penalty := tuning.penalty(images, embedded)) is not None:
                loss = loss + penalty
            losses.append(loss.detach() * len(labels))
            if (step % look_every(images.device) == 0 or step == steps - 1) and (bad := first_bad(losses)) is not None:
                yield Diverged(epoch, bad, f"the loss was not a number in epoch {epoch}, step {bad + 1} of {steps}")
                return None
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
            hits += (logits.detach().argmax(1) == labels).sum()
            advance(task, epoch, (epoch - 1 + (step + 1) / steps) / spec.epochs, len(labels))

        val_loss, val_accuracy = evaluate(network, task.pixels, task.validation, control)
        train_loss = float(torch.stack(losses).sum()) / len(task.train)
        yield EpochEnded(epoch, train_loss, float(hits) / len(task.train), val_loss, val_accuracy, rate)
        if not math.isfinite(val_loss):
            # The epoch's last step can break the weights after its own loss was still a number.
            yield Diverged(epoch, steps - 1, f"the validation loss was not a number after epoch {epoch}")
            return None
        yield from look(task, epoch)
        losses_so_far.append(val_loss)
        if better(spec.selection, val_accuracy, val_loss, best):
            best = Best(val_accuracy, val_loss, epoch, copy.deepcopy(trained_state(network)))
        yield Savepoint(epoch, functools.partial(state_of, network, optimiser, best, epoch, losses_so_far))

    network.load_state_dict(best.state, strict=False)
    return best


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


def optimiser_of(network: Network, spec: TrainSpec, course: Course, tuning: Tuning) -> torch.optim.Optimizer:
    """The optimiser of all that may move; units apart where their rates or their decay differ."""
    moving = [parameter for parameter in network.parameters() if parameter.requires_grad]
    if course.uniform and not tuning.replaces_decay:
        return make_optimiser(moving, spec)
    unit_of = {id(one): unit for unit in range(network.n_units) for one in network.unit_parameters(unit)}
    groups = []
    for unit in range(network.n_units + 1):
        held = unit < network.n_units and tuning.replaces_decay
        mine = [parameter for parameter in moving if unit_of.get(id(parameter), network.n_units) == unit]
        groups += [
            {**group, "unit": unit} for group in decayed(mine, 0.0 if held else spec.weight_decay) if group["params"]
        ]
    return make_optimiser(groups, spec)


def let_learn(network: Network, optimiser: torch.optim.Optimizer, learning: frozenset[int]) -> frozenset[int]:
    """Let some units learn (the last number is the head) and the others rest; what rests forgets its momentum."""
    network.rest(unit for unit in range(network.n_units + 1) if unit not in learning)
    for group in optimiser.param_groups:
        for parameter in group["params"]:
            if not parameter.requires_grad:
                parameter.grad = None
                optimiser.state.pop(parameter, None)
    return learning


def decayed(parameters: list[torch.nn.Parameter], weight_decay: float) -> list[dict[str, Any]]:
    """Weight decay on matrices and kernels, not on biases and normalisation."""
    return [
        {"params": [parameter for parameter in parameters if parameter.ndim > 1], "weight_decay": weight_decay},
        {"params": [parameter for parameter in parameters if parameter.ndim <= 1], "weight_decay": 0.0},
    ]


def make_optimiser(parameters: list[Any], spec: TrainSpec) -> torch.optim.Optimizer:
    """SGD with Nesterov momentum 0.9, or AdamW, of parameters or of groups of them.

    Raises:
        ValueError: the spec leaves optimiser or rate at `auto`, which `engine.recipes` has to settle first.
    """
    if AUTO in (spec.optimizer, spec.learning_rate):
        raise ValueError("the training was not settled: its optimiser or learning rate is still 'auto'")
    grouped = bool(parameters) and isinstance(parameters[0], dict)
    groups = parameters if grouped else decayed(parameters, spec.weight_decay)
    if spec.optimizer == "adamw":
        return torch.optim.AdamW(groups, lr=spec.learning_rate)
    return torch.optim.SGD(groups, lr=spec.learning_rate, momentum=0.9, nesterov=True)


def lay_out(optimiser: torch.optim.Optimizer) -> None:
    """Give restored optimiser tensors the memory layout of their parameters: other layouts take other kernels."""
    for parameter, state in optimiser.state.items():
        for name, value in state.items():
            if isinstance(value, Tensor) and value.shape == parameter.shape:
                state[name] = torch.empty_like(parameter, dtype=value.dtype).copy_(value)


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
