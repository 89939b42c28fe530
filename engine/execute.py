"""One run from its spec to its events: the one joint that knows all families."""

from __future__ import annotations

import functools
import importlib.metadata
import platform
from collections.abc import Generator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from engine import backbones, datasets, forgetting, heads, run_weights, seeding, train
from engine.backbones._disk import in_words
from engine.backbones._network import Network
from engine.backbones._weights import load_file, tensors_sha256
from engine.batches import Pixels
from engine.control import Control
from engine.course import course
from engine.depths import Caches, Prepared, embedded_parts, measure, measure_depths, test_accuracy, unchanged
from engine.device import Device, precision
from engine.errors import BackboneError, ScoreNotDefined, StrategyError
from engine.events import Event, FreezeChecked, Notice, Started, Tested
from engine.kept import Kept
from engine.learned import Learned
from engine.measured_cost import Meter
from engine.panel import Panel
from engine.recipes import resolved
from engine.scores import SCORES
from engine.similarity import Similarity
from engine.spec import POOLINGS, RunSpec
from engine.strategies import STRATEGIES, settled
from engine.tuning import Setup, Tuning
from engine.tuning import make as make_tuning

# Share of a run's progress bar that each phase is given; the pass over the depths comes last (first for a solved head).
SETUP_DONE, TRAINING_DONE = 0.05, 0.85


def execute(
    run: RunSpec,
    device: Device,
    *,
    home: Path | None = None,
    control: Control | None = None,
    shared: Caches | None = None,
    resume: dict[str, Any] | None = None,
    kept_as: str = "",
    trained: Learned | None = None,
) -> Generator[Event | train.Savepoint, None, Network]:
    """Compute one run.

    Args:
        run: what to compute.
        device: where.
        home: where downloaded and described things are kept.
        control: stops the computation between two batches and is told the progress.
        shared: decoded images and measures of earlier runs of this process.
        resume: state of a savepoint of the same run; its events up to there are not repeated.
        kept_as: run id under which weights are kept; "" = the run's own.
        trained: what the training of this very run has given before; it is told again and not repeated. None = it trains.

    Yields:
        Events in an order that depends on the spec alone, and savepoints between them.

    Returns:
        The network with the selected weights.

    Raises:
        TransferscopeError: the run cannot be computed; the text says why.
        Cancelled: the control said stop.
    """
    control = control or Control()
    if run.search:
        from engine.search_run import searched  # which needs what is here

        shared = shared or Caches()
        return (yield from searched(run, device, home=home, control=control, shared=shared, resume=resume))
    control.enter("loading", 0.0)
    meter = Meter(device, resumed=resume is not None)
    ready, started, tuning = prepare(run, device, home, control, shared or Caches())
    frozen_before = hashes(ready.network)
    if resume is None:
        yield started
        for text in ready.images.skipped[:20]:
            yield Notice(f"left out {text}")
    similarity = Similarity(ready) if "cka_matrix" in run.measures else None
    if STRATEGIES[run.strategy].solves_head:
        chosen = yield from solve_head(ready, tuning)
    else:
        if run.panel_epochs:
            # Now, while the weights are those before training: also where a run is resumed.
            ready.at_epoch = Panel(ready).at_epoch
        if STRATEGIES[run.strategy].probe_first:
            heads.start_from_probe(ready)
        tuning.begin()
        if trained:
            chosen = yield from trained.again(ready.network)
            control.progress.epoch = trained.epochs[-1].epoch
        else:
            chosen = yield from train.fit(training_task(ready, tuning), resume)
            meter.trained(control.progress)
        if chosen is not None:
            chosen = yield from tuning.after(functools.partial(validate, ready), chosen)
    yield freeze_proof(ready.network, frozen_before)
    if chosen is None:
        return ready.network
    if run.keep_weights and home is not None:
        run_weights.keep(ready.network, home, kept_as or run.run_id)
    control.enter("testing", TRAINING_DONE)
    yield test(ready, chosen)
    if not STRATEGIES[run.strategy].solves_head:
        yield from measure_depths(ready, TRAINING_DONE, 1.0)
    if similarity:
        yield similarity.after()
    if ready.kept:
        control.enter("asking other tasks", 1.0)
        yield from ready.kept.measured(unchanged=unchanged(ready.network, ready.network.n_units))
    control.progress.cost = meter.read(ready, tuning, control.progress.epoch)
    control.progress.done = 1.0
    return ready.network


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
    settings = settled(strategy, run.settings or {})
    if why := strategy.refuses(card, settings):
        raise StrategyError(f"{strategy.label} cannot be used here: {why}.")
    if strategy.refuses_task and (why := strategy.refuses_task(card, images.info, weights)):
        raise StrategyError(f"{strategy.label} cannot be used here: {why}.")
    n_inputs = strategy.head_inputs(card, settings)
    network.reset_head(images.info.n_classes, n_inputs if n_inputs != network.n_features else None)
    where = torch.device(device.name)
    rows = np.concatenate([split.train, split.validation, split.test])
    pixels = Pixels.on(where, images.pixels, images.labels, card.mean, card.std, rows=rows, row_of=images.rows)

    def source(name: str) -> tuple[Pixels, np.ndarray]:
        other = shared.load(name, card, home, control)
        rows = datasets.make_split(other, run.seed, None).train
        return Pixels.on(where, other.pixels, other.labels, card.mean, card.std, rows=rows, row_of=other.rows), rows

    kept = None
    if forgetting.MEASURE in run.measures:
        kept = Kept(
            run, card, network, origin, lambda: build_network(run, weights, home)[0],
            lambda name: shared.load(name, card, home, control), where, control, shared.kept, home,
        )  # fmt: skip
    tuning = make_tuning(
        strategy.tuning,
        Setup(
            network,
            card,
            settings,
            run.seed,
            pixels,
            split.train,
            images.info.n_classes,
            source,
            control.step,
            device,
            home,
            kept.now if kept else dict,
            images.info.class_names,
            weights,
            control.tell,
        ),
    )
    tuning.put_in()
    network.freeze(run.frozen_depth)
    moves = strategy.moves(card, run.frozen_depth, settings)
    network.fix((unit for unit in range(network.n_units) if unit not in moves.units), moves.parts)
    if strategy.statistics_move:
        network.move_statistics()
    network.to(where, memory_format=torch.channels_last)
    bits = precision(device, run.train.precision)
    ready = Prepared(run, card, network, origin, images, pixels, split, control, shared, bits, home, kept=kept)
    control.enter("preparing", SETUP_DONE)
    tuning.prepare()
    return ready, _started(ready, device), tuning


def _started(ready: Prepared, device: Device) -> Started:
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
        versions={name: importlib.metadata.version(name) for name in ("torch", "timm", "numpy", "scikit-learn")}
        | {"python": platform.python_version()},
    )


def fetch_weights(run: RunSpec, weights: str, home: Path | None, control: Control) -> None:
    """Download pretrained weights that are not on this machine yet; the progress is told.

    Raises:
        WeightsError: they cannot be had.
        Cancelled: the run was stopped meanwhile.
    """
    fetch = backbones.family_of(run.backbone).fetch
    if weights != "pretrained" or fetch is None:
        return

    def told(done: int, whole: int) -> None:
        control.tell(f"downloading weights ({in_words(whole)})", done / max(whole, 1))

    fetch(run.backbone, home, told)


def build_network(run: RunSpec, weights: str, home: Path | None) -> tuple[Network, str]:
    """The backbone with the weights asked for, and where they came from."""
    family = backbones.family_of(run.backbone)
    with torch.random.fork_rng(devices=[]):
        # Strategies of one seed that start from random weights start from the same ones.
        torch.manual_seed(seeding.derive(run.seed, "weights"))
        network = family.build(run.backbone)
    origin = _load(network, run, weights, home)
    if run.copied_depth is not None:
        start_anew(network, run)
        origin = f"units 1 to {run.copied_depth} from {origin}; the others random"
    return network, origin


def _load(network: Network, run: RunSpec, weights: str, home: Path | None) -> str:
    if weights == "random":
        return f"random, seed {run.seed}"
    if weights.startswith("file:"):
        return load_file(network, run.backbone, Path(weights.removeprefix("file:")).expanduser())
    if weights.startswith(run_weights.PREFIX):
        return run_weights.load(network, home, weights)
    return backbones.family_of(run.backbone).load(network, run.backbone, home)


def start_anew(network: Network, run: RunSpec) -> None:
    """Give every unit beyond the copied depth random weights, in place.

    Not those that the base of this seed began with: a unit that was trained from the same start could find its way back
    to the units it was trained with, and that is what the study asks about.

    Raises:
        BackboneError: the network has fewer units.
    """
    if run.copied_depth > network.n_units:
        raise BackboneError(
            f"The first {run.copied_depth} units cannot be copied: {run.backbone} has {network.n_units} units."
        )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seeding.derive(run.seed, "weights", "anew"))
        fresh = backbones.family_of(run.backbone).build(run.backbone)
    with torch.no_grad():
        for unit in range(run.copied_depth, network.n_units):
            new = dict(fresh.unit_tensors(unit))
            for name, tensor in network.unit_tensors(unit):
                tensor.copy_(new[name])


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
        spec=resolved(ready.run.train, ready.run.strategy, ready.card),
        seed=ready.run.seed,
        augmentation=augmentation(ready),
        precision=ready.precision,
        control=ready.control,
        share=(SETUP_DONE, TRAINING_DONE),
        tuning=tuning,
        course=course(ready.run, ready.card),
        at_epoch=ready.at_epoch,
    )


def solve_head(ready: Prepared, tuning: Tuning) -> Generator[Event, None, train.Best]:
    """Measure every depth of the frozen backbone, then put a solved head in place of the one that knows nothing."""
    yield from measure_depths(ready, SETUP_DONE, TRAINING_DONE)
    if STRATEGIES[ready.run.strategy].tuning:
        solved = tuning.solve(heads.splits(ready))
        yield Notice(solved.notice)
        heads.put(ready.network, solved.weight, solved.bias)
        return train.Best(solved.validation_accuracy, solved.validation_loss, 0)
    if ready.pooling == POOLINGS[0]:
        found = measure(ready, ready.network.n_units - 1, SCORES["linear_probe"], embedded_parts(ready))
    else:
        found = SCORES["linear_probe"].on_split(embedded_parts(ready), ready.control.step)
    if isinstance(found, ScoreNotDefined):
        raise found
    probe = found.solution
    heads.put(ready.network, probe.weight, probe.bias)
    return train.Best(probe.validation_accuracy, probe.validation_loss, 0)


def validate(ready: Prepared) -> tuple[float, float]:
    """Validation loss and accuracy of the network as it is now."""
    return train.evaluate(ready.network, ready.pixels, ready.split.validation, ready.control)


def test(ready: Prepared, chosen: train.Best) -> Tested:
    """Read the sealed test images, once, with the selected weights."""
    return Tested(
        accuracy=test_accuracy(ready),
        n_images=len(ready.split.test),
        validation_accuracy=chosen.accuracy,
        epoch=chosen.epoch,
        selection=ready.run.train.selection,
        weights_sha256=tensors_sha256(ready.network.state_dict()),
    )


def hashes(network: Network) -> dict[str, str]:
    """A hash per frozen tensor and buffer, by name."""
    return {name: tensors_sha256({name: tensor}) for name, tensor in network.frozen_tensors().items()}


def freeze_proof(network: Network, before: dict[str, str]) -> FreezeChecked:
    """Compare the frozen tensors with what they were."""
    after = hashes(network)
    changed = [name for name in before if after[name] != before[name]]
    return FreezeChecked(len(before), _digest(before), _digest(after), changed)


def _digest(hashes_by_name: dict[str, str]) -> str:
    return tensors_sha256(
        {"all": torch.tensor(list("".join(sorted(hashes_by_name.values())).encode()), dtype=torch.uint8)}
    )
