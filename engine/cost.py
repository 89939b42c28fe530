"""What a plan will cost: operations and memory from the cards, time from this machine's measured speed and its history."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from engine import budgets
from engine.plan import PlannedRun
from engine.strategies import STRATEGIES

# Used until a worker has measured this machine; the screen marks estimates made with it as rough.
NOMINAL_SPEED = 50e9
RUN_OVERHEAD_SECONDS = 0.3
BASE_MEMORY = 450e6
"""Bytes of a worker process with torch loaded and nothing else."""


@dataclass(frozen=True)
class Cost:
    """Sums over runs, except memory (the largest run) and parameters (smallest to largest trainable share)."""

    runs: int
    flops: float
    seconds: float
    memory_bytes: float
    total_parameters: int
    trainable_parameters: tuple[int, int]
    measured: bool
    """Whether the time rests on this machine's measured speed."""


def estimate(runs: Sequence[PlannedRun], speed: float = 0.0, correction: float = 1.0) -> Cost:
    """Estimate what runs will cost.

    Args:
        runs: from `plan`.
        speed: training FLOP/s measured on the device, 0 if unknown.
        correction: seconds that runs took per second estimated, from `learned_correction`.
    """
    flops = sum(run_flops(planned) for planned in runs)
    seconds = flops / (speed or NOMINAL_SPEED) * correction + RUN_OVERHEAD_SECONDS * len(runs)
    parameters = [parameters_of(planned) for planned in runs]
    return Cost(
        runs=len(runs),
        flops=flops,
        seconds=seconds,
        memory_bytes=max((run_memory(planned) for planned in runs), default=0.0),
        total_parameters=max((total for total, _ in parameters), default=0),
        trainable_parameters=(
            min((trainable for _, trainable in parameters), default=0),
            max((trainable for _, trainable in parameters), default=0),
        ),
        measured=speed > 0,
    )


def images_used(planned: PlannedRun) -> tuple[int, int, int]:
    """(train, validation, test) images of a run."""
    budget, info = planned.run.label_budget, planned.info
    labelled = budgets.n_images(budget, info.n_classes, info.n_pool)
    validation = budgets.n_validation(budget, info.n_classes, labelled)
    return labelled - validation, validation, info.n_test


def run_flops(planned: PlannedRun) -> float:
    """Floating-point operations of one run: training (backward counts twice forward), validation, test, depth pass."""
    train, validation, test = images_used(planned)
    units = planned.card.units
    forward = sum(unit.flops for unit in units)
    total = float((train + validation + test) * forward)
    if not STRATEGIES[planned.run.strategy].solves_head:
        backward = 2 * sum(unit.flops for unit in units[planned.run.frozen_depth :])
        total += planned.run.train.epochs * (train * (forward + backward) + validation * forward) + test * forward
    return total


def run_memory(planned: PlannedRun) -> float:
    """Bytes at the peak of one run: the process, weights with gradients and momentum, kept activations, images."""
    train, validation, test = images_used(planned)
    total, trainable = parameters_of(planned)
    kept = sum(unit.activation_bytes for unit in planned.card.units[planned.run.frozen_depth :])
    channels, height, width = planned.card.input_size
    images = (train + validation + test) * channels * height * width
    return BASE_MEMORY + 4 * (total + 2 * trainable) + kept * min(planned.run.train.batch_size, train) + images


def parameters_of(planned: PlannedRun) -> tuple[int, int]:
    """(total, trainable) parameters of a run, head included."""
    units = planned.card.units
    head = (units[-1].n_features + 1) * planned.info.n_classes
    return planned.card.parameters + head, sum(unit.parameters for unit in units[planned.run.frozen_depth :]) + head


def learned_correction(pairs: Sequence[tuple[float, float]]) -> float:
    """Median of actual / estimated seconds over finished runs; 1 where there are none."""
    return statistics.median(actual / expected for actual, expected in pairs) if pairs else 1.0
