"""One run from its spec to its events: the one joint that knows all families."""

from __future__ import annotations

import functools
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

from engine import heads, run_weights, train
from engine.backbones._network import Network
from engine.backbones._weights import tensors_sha256
from engine.caches import Caches
from engine.control import Control
from engine.depths import Prepared, embedded_parts, measure, measure_depths, test_accuracy, unchanged
from engine.device import Device
from engine.errors import ScoreNotDefined
from engine.events import Event, Notice, Tested
from engine.freeze_proof import freeze_proof, hashes
from engine.learned import Learned
from engine.measured_cost import Meter
from engine.panel import Panel
from engine.prepare import SETUP_DONE, TRAINING_DONE, prepare, training_task
from engine.scores import SCORES
from engine.similarity import Similarity
from engine.spec import POOLINGS, RunSpec
from engine.strategies import STRATEGIES
from engine.tuning import Tuning


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
    control, shared = control or Control(), shared or Caches()
    if run.search:
        from engine.search_run import searched  # which needs what is here

        return (yield from searched(run, device, home=home, control=control, shared=shared, resume=resume))
    control.enter("loading", 0.0)
    meter = Meter(device, resumed=resume is not None)
    ready, started, tuning = prepare(run, device, home, control, shared)
    frozen_before = hashes(ready.network)
    if resume is None:
        yield started
        for text in ready.images.skipped[:20]:
            yield Notice(f"left out {text}")
    similarity = Similarity(ready) if "cka_matrix" in run.measures else None
    if STRATEGIES[run.strategy].solves_head:
        chosen = yield from solve_head(ready, tuning)
    else:
        chosen = yield from learn(ready, tuning, meter, resume, trained)
    yield freeze_proof(ready.network, frozen_before)
    if chosen is None:
        return ready.network
    if run.keep_weights and home is not None:
        run_weights.keep(ready.network, home, kept_as or run.run_id)
    yield from look_at(ready, chosen, similarity)
    control.progress.cost = meter.read(ready, tuning, control.progress.epoch)
    control.progress.done = 1.0
    return ready.network


def learn(
    ready: Prepared, tuning: Tuning, meter: Meter, resume: dict[str, Any] | None, trained: Learned | None
) -> Generator[Event | train.Savepoint, None, train.Best | None]:
    """Train by steps, or take over what was trained; then what the strategy does to it. None where it diverged."""
    if ready.run.panel_epochs:
        # Now, while the weights are those before training: also where a run is resumed.
        ready.at_epoch = Panel(ready).at_epoch
    if STRATEGIES[ready.run.strategy].probe_first:
        tuning.read += heads.start_from_probe(ready)
    tuning.begin()
    if trained:
        chosen = yield from trained.again(ready.network)
        ready.control.progress.epoch = trained.epochs[-1].epoch
    else:
        chosen = yield from train.fit(training_task(ready, tuning), resume)
        meter.trained(ready.control.progress)
    if chosen is not None:
        chosen = yield from tuning.after(functools.partial(validate_once_more, ready, tuning), chosen)
    return chosen


def look_at(ready: Prepared, chosen: train.Best, similarity: Similarity | None) -> Iterator[Event]:
    """Test the selected weights, then measure all that was asked for on them."""
    ready.control.enter("testing", TRAINING_DONE)
    yield test(ready, chosen)
    if not STRATEGIES[ready.run.strategy].solves_head:
        yield from measure_depths(ready, TRAINING_DONE, 1.0)
    if similarity:
        yield similarity.after()
    if ready.kept:
        ready.control.enter("asking other tasks", 1.0)
        yield from ready.kept.measured(unchanged=unchanged(ready.network, ready.network.n_units))


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


def validate_once_more(ready: Prepared, tuning: Tuning) -> tuple[float, float]:
    """Validation loss and accuracy of the network as it is now; the images count among what the strategy read."""
    tuning.read += len(ready.split.validation)
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
