"""What a plan will cost: operations and memory from the cards, time from this machine's measured speed and its history."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from engine import budgets, forgetting, layer_intervals, search
from engine.course import course
from engine.datasets import DatasetInfo, halves
from engine.datasets._load import MAPPED_FROM
from engine.plan import PlannedRun
from engine.strategies import STRATEGIES, Beside, is_part, settled

# Used until a worker has measured this machine; the screen marks estimates made with it as rough.
NOMINAL_SPEED = 50e9
RUN_OVERHEAD_SECONDS = 0.3
GRID_FEATURES = 9_000
"""About as many has a unit pooled to a grid, whatever its channels."""
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
    images_bytes: int = 0
    """Of the decoded images of the largest dataset, in memory or in a mapped file."""
    images_mapped: bool = False
    """Whether these are read from a file of the cache, page by page, and take no memory of their own."""
    interval_seconds: float = 0.0
    """Of `seconds`, for the intervals of scores."""
    download_bytes: int = 0
    """Of the datasets that are not on this machine yet, each once."""
    towers_bytes: int = 0
    """Of the networks asked beside a backbone (text towers) that are not on this machine yet, each once; about."""


def downloads(runs: Sequence[PlannedRun]) -> dict[str, DatasetInfo]:
    """What is downloaded first, by its label: both halves of every split come out of one download."""
    return {halves.source_label(one.info): one.info for one in runs if one.info.download_bytes}


def beside(runs: Sequence[PlannedRun]) -> list[Beside]:
    """What strategies ask beside their backbones, each once."""
    return list({found.words: found for planned in runs if (found := _beside(planned))}.values())


def _beside(planned: PlannedRun) -> Beside | None:
    strategy = STRATEGIES[planned.run.strategy]
    return strategy.beside(planned.card, settled(strategy, planned.run.settings or {}))


def estimate(runs: Sequence[PlannedRun], speed: float = 0.0, correction: float = 1.0) -> Cost:
    """Estimate what runs will cost.

    Args:
        runs: from `plan`.
        speed: training FLOP/s measured on the device, 0 if unknown.
        correction: seconds that runs took per second estimated, from `learned_correction`.
    """
    flops = sum(run_flops(planned) for planned in runs)
    intervals = interval_seconds(runs)
    seconds = flops / (speed or NOMINAL_SPEED) * correction + RUN_OVERHEAD_SECONDS * len(runs) + intervals
    parameters = [parameters_of(planned) for planned in runs]
    return Cost(
        runs=len(runs),
        flops=flops,
        seconds=seconds,
        memory_bytes=max((run_memory(planned) for planned in runs), default=0.0),
        total_parameters=max(
            (
                total + (found.parameters if (found := _beside(planned)) else 0)
                for planned, (total, _) in zip(runs, parameters, strict=True)
            ),
            default=0,
        ),
        trainable_parameters=(
            min((trainable for _, trainable in parameters), default=0),
            max((trainable for _, trainable in parameters), default=0),
        ),
        measured=speed > 0,
        images_bytes=max(map(decoded_bytes, runs), default=0),
        images_mapped=any(decoded_bytes(planned) >= MAPPED_FROM for planned in runs),
        interval_seconds=intervals,
        download_bytes=sum(info.download_bytes for info in downloads(runs).values()),
        towers_bytes=sum(found.download_bytes for found in beside(runs)),
    )


def images_used(planned: PlannedRun) -> tuple[int, int, int]:
    """(train, validation, test) images of a run."""
    budget, info = planned.run.label_budget, planned.info
    labelled = budgets.n_images(budget, info.n_classes, info.n_pool)
    validation = budgets.n_validation(budget, info.n_classes, labelled)
    return labelled - validation, validation, info.n_test


def interval_seconds(runs: Sequence[PlannedRun]) -> float:
    """Seconds for the intervals of all runs; units that start alike and stay frozen are resampled once for all of them."""
    done: set[tuple] = set()
    total = 0.0
    for planned in runs:
        run, frozen = planned.run, planned.run.frozen_depth
        if not run.score_intervals:
            continue
        n_train, _, _ = images_used(planned)
        shared = (run.backbone, run.weights, run.dataset, run.seed, run.label_budget, run.pooling, run.score_intervals)
        fresh = [unit for unit in range(planned.card.n_units) if unit >= frozen or (*shared, unit) not in done]
        done.update((*shared, unit) for unit in range(frozen))
        grid = GRID_FEATURES if run.pooling == "adaptive_9k" else 0
        widths = [max(grid, planned.card.units[unit].n_features) for unit in fresh]
        about = (n_train, widths, planned.info.n_classes, run.score_intervals)
        total += layer_intervals.seconds(run.measures, *about)
    return total


def run_flops(planned: PlannedRun) -> float:
    """Floating-point operations of one run: training, validation, test, depth pass.

    Backward costs a forward pass for the gradients of what passes through a unit, and another one for those of its weights
    where they learn; it goes down to the lowest unit that learns. What a strategy puts into the network is not counted (a
    few percent), what it asks of a frozen copy is.
    """
    train, validation, test = images_used(planned)
    strategy, units = STRATEGIES[planned.run.strategy], planned.card.units
    forward = sum(unit.flops for unit in units)
    total = float((train + validation + test) * forward)
    run = planned.run
    asked = settled(strategy, run.settings or {}).get("steps", 0) + 2 if strategy.tuning == "wise_ft" else 1
    if found := _beside(planned):
        total += found.flops_per_class * planned.info.n_classes
    total += forgetting.images_passed(run.measures, run.dataset, run.source_data, times=asked) * forward
    if strategy.solves_head:
        return total
    epochs = search.spent(run.search, run.train.epochs, run.panel_epochs)
    passes = forward * (1 + strategy.extra_passes) + backward_flops(planned)
    return (
        total
        + epochs * (train * passes + validation * forward)
        + test * forward
        + strategy.probe_first * (train + validation) * forward
        + (asked - 1) * validation * forward
    )


def backward_flops(planned: PlannedRun) -> float:
    """Operations of one image's backward pass, on average over the phases of the training."""
    run, card = planned.run, planned.card
    strategy = STRATEGIES[run.strategy]
    settings = settled(strategy, run.settings or {})
    moves = strategy.moves(card, run.frozen_depth, settings)
    inside = strategy.added(card, settings) > 0  # then gradients pass through all units
    total, begin = 0.0, 0.0
    for phase in course(run, card).phases:
        learn = [unit for unit in moves.units if phase.rates[unit] > 0]
        deep = (inside or bool(moves.parts)) and phase.rates[-1] > 0
        lowest = 0 if deep else min(learn, default=card.n_units)
        through = sum(unit.flops for unit in card.units[lowest:])
        total += (phase.end - begin) * (through + sum(card.units[unit].flops for unit in learn))
        begin = phase.end
    return total


def run_memory(planned: PlannedRun) -> float:
    """Bytes at the peak of one run: the process, weights with gradients and momentum, kept activations, images.

    Images that are read from a mapped file are not counted: the system keeps their pages only while nobody needs the room.
    """
    train, _, _ = images_used(planned)
    total, trainable = parameters_of(planned)
    strategy = STRATEGIES[planned.run.strategy]
    kept = (
        0 if strategy.solves_head else sum(u.activation_bytes for u in planned.card.units[planned.run.frozen_depth :])
    )
    images = decoded_bytes(planned)
    images = 0 if images >= MAPPED_FROM else images
    copies = planned.card.parameters if strategy.extra_passes else 0
    found = _beside(planned)
    asked = found.memory_bytes if found else 0
    return (
        BASE_MEMORY
        + asked
        + 4 * (total + 2 * trainable + copies)
        + kept * min(planned.run.train.batch_size, train)
        + images
    )


def decoded_bytes(planned: PlannedRun) -> int:
    """Bytes of a dataset's decoded images: all of them, whatever the label budget, because other runs use others."""
    channels, height, width = planned.card.input_size
    return (planned.info.n_pool + planned.info.n_test) * channels * height * width


def parameters_of(planned: PlannedRun) -> tuple[int, int]:
    """(total, trainable) parameters of a run, head and what the strategy puts in included."""
    card, strategy = planned.card, STRATEGIES[planned.run.strategy]
    settings = settled(strategy, planned.run.settings or {})
    moves = strategy.moves(card, planned.run.frozen_depth, settings)
    moving = sum(card.units[unit].parameters for unit in moves.units)
    if moves.parts:
        others = [unit for place, unit in enumerate(card.units) if place not in moves.units]
        moving += sum(weight.size for unit in others for weight in unit.weights if is_part(weight, moves.parts))
    new = (strategy.head_inputs(card, settings) + 1) * planned.info.n_classes + strategy.added(card, settings)
    return card.parameters + new, moving + new


def learned_correction(pairs: Sequence[tuple[float, float]]) -> float:
    """Median of actual / estimated seconds over finished runs; 1 where there are none."""
    return statistics.median(actual / expected for actual, expected in pairs) if pairs else 1.0
