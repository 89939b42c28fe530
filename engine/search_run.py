"""A searched run: every trial trains and is validated, the best one goes on as an ordinary run. Loads torch.

No trial reads the test images: it ends with its validation. What the best trial of the last rung has learned is kept, because
that rung trains for all epochs with the run's own seed, data and batches; the run then goes on from there to its measures, its
freeze proof and its one look at the test images, to the same bits as if the setting had been asked for. Where a panel looks at
the network while it trains, the chosen setting trains once more (see `engine.search.trained_again`).
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine import backbones, datasets, execute, generators, heads, learned, measured_cost, search, train
from engine.backbones import Card
from engine.backbones._network import Network
from engine.caches import Caches
from engine.control import Control, Stretch
from engine.device import Device
from engine.errors import StrategyError
from engine.events import EpochEnded, Event, SettingChosen, TrialEnded
from engine.measured_cost import Meter
from engine.prepare import prepare, training_task
from engine.recipes import resolved
from engine.spec import RunSpec
from engine.strategies import STRATEGIES

TRIALS_DONE = 0.95
"""Share of a run's progress bar at which all epochs are trained: measures and the test follow."""

Found = dict[str, Any]
"""What is kept of a trial: trial, rung, epochs, accuracy and loss (None where it diverged), cost (`engine.measured_cost`)."""


@dataclass
class Search:
    """A search on its way: what has been tried, and what the best trial of the last rung so far has learned."""

    run: RunSpec
    card: Card
    device: Device
    home: Path | None
    control: Control
    shared: Caches
    done: list[Found] = field(default_factory=list)
    kept: tuple[int, learned.Learned] | None = None
    """(trial, what it has learned)."""

    @property
    def whole(self) -> int:
        """Epochs of the whole run."""
        return search.spent(self.run.search, self.run.train.epochs, self.run.panel_epochs)

    def part(self, more: int | None, words: str) -> Stretch:
        """The control of what comes next: the stretch of the progress that so many more epochs are (None = all that is left)."""
        begun = sum(one["epochs"] for one in self.done)
        end = 1.0 if more is None else TRIALS_DONE * (begun + more) / self.whole
        return Stretch(self.control, TRIALS_DONE * begun / self.whole, end, words)

    def state(
        self, inner: Callable[[], dict[str, Any]] | None = None, final: Callable[[], dict[str, Any]] | None = None
    ) -> dict[str, Any]:
        """As a checkpoint holds it, within a trial (`inner`) or within the training of the chosen setting (`final`)."""
        kept = None if self.kept is None else {"trial": self.kept[0], "learned": self.kept[1].state()}
        return {
            "search": list(self.done),
            "kept": kept,
            "inner": inner() if inner else None,
            "final": final() if final else None,
        }

    def resume(self, state: dict[str, Any]) -> None:
        """Go on from what `state` gave.

        Raises:
            StrategyError: an earlier version wrote it, which kept neither costs nor weights.
        """
        if "kept" not in state:
            raise StrategyError(
                "This search was begun by an earlier version, whose checkpoint does not say what its settings cost. Run it again."
            )
        self.done = list(state["search"])
        if kept := state["kept"]:
            self.kept = kept["trial"], learned.from_state(kept["learned"])


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
    images = shared.load(run.dataset, card, home, control)
    n_train = len(datasets.make_split(images, run.seed, run.label_budget).train)
    run = dataclasses.replace(run, train=resolved(run.train, run.strategy, card, n_train))
    course = Search(run, card, device, home, control, shared)
    if resume:
        course.resume(resume)
    inner, final = (resume["inner"], resume["final"]) if resume else (None, None)
    best, found = yield from _tried(course, inner)
    if final is None:
        yield SettingChosen(best.number, best.learning_rate, dict(best.settings), found["accuracy"], found["loss"])
    kept = course.kept[1] if course.kept and course.kept[0] == best.number else None
    part = course.part(None, "chosen setting")
    work = execute.execute(
        search.applied(run, best, card), device, home=home, control=part, shared=shared, resume=final, kept_as=kept_as,
        trained=kept,
    )  # fmt: skip
    network = yield from generators.changed(work, functools.partial(_of_the_whole, course))
    control.progress.cost = measured_cost.with_search(
        part.progress.cost, [one["cost"] for one in course.done if not (kept and one is found)],
        found["cost"] if kept else None, resumed=resume is not None,
    )  # fmt: skip
    control.progress.done = 1.0
    return network


def _tried(
    course: Search, inner: dict[str, Any] | None
) -> Generator[Event | train.Savepoint, None, tuple[search.Trial, Found]]:
    """Go through the rungs; returns the chosen trial and what was found. `inner`: the state within a trial to go on from."""
    known = iter(list(course.done))
    rungs = search.rungs(course.run.search, course.run.train.epochs)
    alive = list(search.trials(course.run, course.card))
    for rung, (n, epochs) in enumerate(rungs):
        found: dict[int, Found] = {}
        for trial in alive[:n]:
            one = next(known, None)
            if one is None:
                one = yield from _one(course, trial, rung, epochs, len(alive), inner)
                inner = None
            found[trial.number] = one
        n_next = rungs[rung + 1][0] if rung + 1 < len(rungs) else 1
        order = search.best({number: (one["accuracy"], one["loss"]) for number, one in found.items()}, n_next)
        by_number = {trial.number: trial for trial in alive}
        alive = [by_number[number] for number in order]
    best = alive[0]
    if found[best.number]["accuracy"] is None:
        raise StrategyError(
            f"None of the {len(found)} settings that were tried could be trained: every loss stopped being a number. Search"
            " around a lower learning rate."
        )
    return best, found[best.number]


def _one(
    course: Search, trial: search.Trial, rung: int, epochs: int, n: int, inner: dict[str, Any] | None
) -> Generator[Event | train.Savepoint, None, Found]:
    """Train and validate one trial; it is told, noted, and kept where it is the best of the last rung so far."""
    words = f"setting {trial.number} of {n}" + (f", rung {rung + 1}" if rung else "")
    asked = search.applied(course.run, trial, course.card, epochs)
    one, result = yield from _attempt(course, asked, course.part(epochs, words), inner)
    one = {"trial": trial.number, "rung": rung, **one}
    cost = one["cost"]
    yield TrialEnded(
        trial.number, rung, one["epochs"], trial.learning_rate, dict(trial.settings), one["accuracy"], one["loss"],
        flops=cost["flops"], seconds=cost.get("seconds"), energy_joules=cost.get("energy_joules"),
    )  # fmt: skip
    course.done.append(one)
    whole_length = epochs == course.run.train.epochs
    if result and whole_length and not search.trained_again(course.run.panel_epochs):
        mates = {found["trial"]: (found["accuracy"], found["loss"]) for found in course.done if found["rung"] == rung}
        if search.best(mates)[0] == trial.number:
            course.kept = trial.number, result
    yield train.Savepoint(0, course.state)
    return one


def _attempt(
    course: Search, run: RunSpec, control: Control, resume: dict[str, Any] | None
) -> Generator[train.Savepoint, None, tuple[Found, learned.Learned | None]]:
    """Train one setting and validate it; its epochs are counted, and its events are kept to itself.

    Returns:
        epochs, accuracy, loss and cost; and what was learned, before the strategy did anything to it after the training
        (None where it diverged).
    """
    meter = Meter(course.device, resumed=resume is not None)
    control.enter("loading", 0.0)
    # What is measured beside the training is measured of the chosen setting alone.
    run = dataclasses.replace(run, measures=(), panel_epochs=None, source_data=None)
    ready, _, tuning = prepare(run, course.device, course.home, control, course.shared)
    if STRATEGIES[run.strategy].probe_first:
        tuning.read += heads.start_from_probe(ready)
    tuning.begin()
    told: list[EpochEnded] = [EpochEnded(**one) for one in resume["told"]] if resume else []

    def kept_to_itself(item: Event | train.Savepoint) -> train.Savepoint | None:
        if isinstance(item, EpochEnded):
            told.append(item)
        if not isinstance(item, train.Savepoint):
            return None
        until_now = [dataclasses.asdict(one) for one in told]
        return train.Savepoint(
            item.epoch, functools.partial(course.state, lambda: {"told": until_now, "fit": item.state()})
        )

    fit = train.fit(training_task(ready, tuning), resume["fit"] if resume else None)
    best = yield from generators.changed(fit, kept_to_itself)
    meter.trained(control.progress)
    epochs = max((one.epoch for one in told), default=0)
    if best is None:
        # The epoch in which it broke is counted as a whole one: it cost something, and no more than that.
        cost = meter.read(ready, tuning, max(epochs, control.progress.epoch), tested=False)
        return {"epochs": epochs, "accuracy": None, "loss": None, "cost": cost}, None
    result = learned.of(ready.network, told, best, meter.rate)
    best = generators.drained(tuning.after(functools.partial(execute.validate_once_more, ready, tuning), best))
    cost = meter.read(ready, tuning, epochs, tested=False)
    return {"epochs": epochs, "accuracy": float(best.accuracy), "loss": float(best.loss), "cost": cost}, result


def _of_the_whole(course: Search, item: Event | train.Savepoint) -> Event | train.Savepoint:
    """A savepoint of the chosen setting's training as one of the whole run."""
    if not isinstance(item, train.Savepoint):
        return item
    return train.Savepoint(item.epoch, functools.partial(course.state, None, item.state))
