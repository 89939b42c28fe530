"""A searched run: every trial trains and is validated, the chosen setting is then an ordinary run. Loads torch.

No trial reads the test images: it ends with its validation. The chosen setting is trained anew, with its measures, its freeze
proof and its one look at the test images, as if it had been asked for.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

from engine import backbones, execute, generators, heads, search, train
from engine.backbones._network import Network
from engine.control import Control, Stretch
from engine.depths import Caches
from engine.device import Device
from engine.errors import StrategyError
from engine.events import EpochEnded, Event, SettingChosen, TrialEnded
from engine.recipes import resolved
from engine.spec import RunSpec
from engine.strategies import STRATEGIES

Found = dict[str, Any]
"""What is kept of a trial: trial, rung, epochs, accuracy and loss (None where it diverged)."""


def searched(
    run: RunSpec,
    device: Device,
    *,
    home: Path | None,
    control: Control,
    shared: Caches,
    resume: dict[str, Any] | None,
) -> Generator[Event | train.Savepoint, None, Network]:
    """Compute a run with a search; arguments, events, savepoints and errors as `engine.execute.execute`.

    Raises:
        StrategyError: every setting diverged.
    """
    card, kept_as = backbones.card(run.backbone, home), run.run_id
    run = dataclasses.replace(run, train=resolved(run.train, run.strategy, card))
    done: list[Found] = list(resume["search"]) if resume else []
    inner, final = (resume["inner"], resume["final"]) if resume else (None, None)
    whole = search.spent(run.search, run.train.epochs)
    known, passed = len(done), 0
    alive = {trial.number: trial for trial in search.trials(run, card)}
    for rung, (n, epochs) in enumerate(search.rungs(run.search, run.train.epochs)):
        found: dict[int, tuple[float | None, float | None]] = {}
        for number in list(alive)[:n]:
            if passed < known:
                one = done[passed]
            else:
                words = f"setting {number} of {len(alive)}" + (f", rung {rung + 1}" if rung else "")
                part = Stretch(control, _share(done, whole), _share(done, whole, epochs), words)
                trial = search.applied(run, alive[number], card, epochs)
                one = {"trial": number, "rung": rung}
                one |= yield from _attempt(trial, device, home, part, shared, inner, functools.partial(_state, done))
                inner = None
                yield TrialEnded(
                    number, rung, one["epochs"], alive[number].learning_rate, dict(alive[number].settings),
                    one["accuracy"], one["loss"],
                )  # fmt: skip
                done.append(one)
                yield train.Savepoint(0, functools.partial(_state, list(done), None))
            passed += 1
            found[number] = (one["accuracy"], one["loss"])
        rest = search.rungs(run.search, run.train.epochs)[rung + 1 :]
        keep = search.best(found, rest[0][0] if rest else 1)
        alive = {number: alive[number] for number in keep}
    chosen, (accuracy, loss) = keep[0], found[keep[0]]
    if accuracy is None:
        raise StrategyError(
            f"None of the {len(found)} settings that were tried could be trained: every loss stopped being a number. Search"
            " around a lower learning rate."
        )
    if final is None:
        yield SettingChosen(chosen, alive[chosen].learning_rate, dict(alive[chosen].settings), accuracy, loss)
    part = Stretch(control, _share(done, whole), 1.0, "chosen setting")
    work = execute.execute(
        search.applied(run, alive[chosen], card), device, home=home, control=part, shared=shared, resume=final,
        kept_as=kept_as,
    )  # fmt: skip

    def of_the_whole(item: Event | train.Savepoint) -> Event | train.Savepoint:
        if not isinstance(item, train.Savepoint):
            return item
        return train.Savepoint(item.epoch, lambda: {"search": list(done), "inner": None, "final": item.state()})

    network = yield from generators.changed(work, of_the_whole)
    control.progress.cost = part.progress.cost
    control.progress.done = 1.0
    return network


def _share(done: list[Found], whole: int, more: int = 0) -> float:
    """The share of all epochs that these trials were, and so many more."""
    return min(1.0, (sum(one["epochs"] for one in done) + more) / whole)


def _state(done: list[Found], inner: Callable[[], dict[str, Any]] | None) -> dict[str, Any]:
    return {"search": list(done), "inner": inner() if inner else None, "final": None}


def _attempt(
    run: RunSpec,
    device: Device,
    home: Path | None,
    control: Control,
    shared: Caches,
    resume: dict[str, Any] | None,
    state: Callable[[Callable[[], dict[str, Any]]], dict[str, Any]],
) -> Generator[train.Savepoint, None, Found]:
    """Train one setting and validate it; its epochs are counted and its events are kept to itself."""
    control.enter("loading", 0.0)
    # What is measured beside the training is measured of the chosen setting alone.
    run = dataclasses.replace(run, measures=(), panel_epochs=None, source_data=None)
    ready, _, tuning = execute.prepare(run, device, home, control, shared)
    if STRATEGIES[run.strategy].probe_first:
        heads.start_from_probe(ready)
    tuning.begin()
    epochs = 0 if resume is None else int(resume["epoch"])

    def kept_to_itself(item: Event | train.Savepoint) -> train.Savepoint | None:
        nonlocal epochs
        if isinstance(item, EpochEnded):
            epochs = max(epochs, item.epoch)
        return (
            train.Savepoint(item.epoch, functools.partial(state, item.state))
            if isinstance(item, train.Savepoint)
            else None
        )

    best = yield from generators.changed(train.fit(execute.training_task(ready, tuning), resume), kept_to_itself)
    if best is None:
        return {"epochs": epochs, "accuracy": None, "loss": None}
    best = generators.drained(tuning.after(functools.partial(execute.validate, ready), best))
    return {"epochs": epochs, "accuracy": float(best.accuracy), "loss": float(best.loss)}
