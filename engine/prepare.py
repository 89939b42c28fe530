"""A run made ready: its images and split, its network with head and what its strategy puts in, frozen, on its device."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from engine import backbones, code_version, datasets, forgetting, seeding, train
from engine.backbones._network import Network
from engine.batches import Pixels
from engine.caches import Caches
from engine.control import Control
from engine.course import course
from engine.depths import Prepared
from engine.device import Device, precision
from engine.errors import StrategyError
from engine.events import Started
from engine.kept import Kept
from engine.networks import build_network, fetch_weights
from engine.recipes import resolved
from engine.spec import RunSpec
from engine.strategies import STRATEGIES, settled
from engine.tuning import Setup, Tuning
from engine.tuning import make as make_tuning

# Share of a run's progress bar that each phase is given; the pass over the depths comes last (first for a solved head).
SETUP_DONE, TRAINING_DONE = 0.05, 0.85


def prepare(
    run: RunSpec, device: Device, home: Path | None, control: Control, shared: Caches
) -> tuple[Prepared, Started, Tuning]:
    """Decode, split, build, load, put in, freeze; raises TransferscopeError where one of these is not possible."""
    torch.manual_seed(seeding.derive(run.seed, "torch"))
    strategy = STRATEGIES[run.strategy]
    weights = strategy.weights or run.weights
    fetch_weights(run, weights, home, control)
    network, origin = build_network(run, weights, home)
    card = backbones.card(run.backbone, home)
    images = shared.load(run.dataset, card, home, control)
    split = datasets.make_split(images, run.seed, run.label_budget)
    # A planned run holds all numbers already; one that was written by hand gets them here.
    run = dataclasses.replace(run, train=resolved(run.train, run.strategy, card, len(split.train)))
    settings = allowed(run, card, images.info, weights)
    n_inputs = strategy.head_inputs(card, settings)
    network.reset_head(images.info.n_classes, n_inputs if n_inputs != network.n_features else None)
    where = torch.device(device.name)
    pixels = on_device(images, card, where, np.concatenate([split.train, split.validation, split.test]))
    kept = None
    if forgetting.MEASURE in run.measures:
        kept = Kept(
            run, card, network, origin, lambda: build_network(run, weights, home)[0],
            lambda name: shared.load(name, card, home, control), where, control, shared.kept, home,
        )  # fmt: skip

    def source(name: str) -> tuple[Pixels, np.ndarray]:
        other = shared.load(name, card, home, control)
        rows = datasets.make_split(other, run.seed, None).train
        return on_device(other, card, where, rows), rows

    tuning = make_tuning(
        strategy.tuning,
        Setup(
            network, card, settings, run.seed, pixels, split.train, images.info.n_classes, source, control.step, device, home,
            kept.now if kept else dict, images.info.class_names, weights, control.tell,
        ),
    )  # fmt: skip
    tuning.put_in()
    freeze(network, run, card, settings)
    network.to(where, memory_format=torch.channels_last)
    bits = precision(device, run.train.precision)
    ready = Prepared(run, card, network, origin, images, pixels, split, control, shared, bits, home, kept=kept)
    control.enter("preparing", SETUP_DONE)
    tuning.prepare()
    return ready, _started(ready, device, tuning.libraries), tuning


def allowed(run: RunSpec, card: backbones.Card, info: datasets.DatasetInfo, weights: str) -> dict[str, Any]:
    """Every setting of the run's strategy. Raises StrategyError where it refuses the backbone or the task."""
    strategy = STRATEGIES[run.strategy]
    settings = settled(strategy, run.settings or {})
    why = strategy.refuses(card, settings)
    if not why and strategy.refuses_task:
        why = strategy.refuses_task(card, info, weights)
    if why:
        raise StrategyError(f"{strategy.label} cannot be used here: {why}.")
    return settings


def on_device(images: datasets.Images, card: backbones.Card, where: torch.device, rows: np.ndarray) -> Pixels:
    """Some images (indices) with the preprocessing of a backbone, on its device."""
    return Pixels.on(where, images.pixels, images.labels, card.mean, card.std, rows=rows, row_of=images.rows)


def freeze(network: Network, run: RunSpec, card: backbones.Card, settings: Mapping[str, Any]) -> None:
    """Fix what the strategy does not move."""
    strategy = STRATEGIES[run.strategy]
    network.freeze(run.frozen_depth)
    moves = strategy.moves(card, run.frozen_depth, settings)
    network.fix((unit for unit in range(network.n_units) if unit not in moves.units), moves.parts)
    if strategy.statistics_move:
        network.move_statistics()


def _started(ready: Prepared, device: Device, libraries: tuple[str, ...]) -> Started:
    network, card = ready.network, ready.card
    return Started(
        device=f"{device.name}: {device.description}",
        precision=ready.precision,
        unit_names=network.unit_names,
        total_parameters=sum(parameter.numel() for parameter in network.parameters()),
        trainable_parameters=sum(parameter.numel() for parameter in network.parameters() if parameter.requires_grad),
        n_train=len(ready.split.train),
        n_validation=len(ready.split.validation),
        n_test=len(ready.split.test),
        class_names=list(ready.images.info.class_names),
        dataset_fingerprint=ready.images.fingerprint,
        weights=ready.weights,
        preprocessing={
            "size": list(card.input_size),
            "mean": list(card.mean),
            "std": list(card.std),
            "interpolation": card.interpolation,
            "crop_fraction": card.crop_fraction,
            "crop_mode": card.crop_mode,
            "augmentation": augmentation(ready),
        },
        pooling=ready.run.pooling or network.pooling,
        versions={
            name: importlib.metadata.version(name) for name in ("torch", "timm", "numpy", "scikit-learn", *libraries)
        }
        | {"python": platform.python_version()}
        | code_version.described(),
    )


def augmentation(ready: Prepared) -> str:
    """The augmentation asked for; `dataset` means the dataset's own."""
    asked = ready.run.train.augmentation
    return ready.images.info.augmentation if asked == "dataset" else asked


def training_task(ready: Prepared, tuning: Tuning) -> train.Task:
    """What the training loop needs of a prepared run."""
    return train.Task(
        network=ready.network,
        pixels=ready.pixels,
        train=ready.split.train,
        validation=ready.split.validation,
        spec=ready.run.train,
        seed=ready.run.seed,
        augmentation=augmentation(ready),
        precision=ready.precision,
        control=ready.control,
        share=(SETUP_DONE, TRAINING_DONE),
        tuning=tuning,
        course=course(ready.run, ready.card),
        at_epoch=ready.at_epoch,
    )
