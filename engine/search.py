"""Which settings a search tries, and for how many epochs each: pure, so that it can be planned, priced and shown before.

Every strategy gets the same number of settings and the same epochs. The learning rate is always searched, and of a strategy's
own settings those that are numbers or a choice of names: shares (up to 1) over their whole range, other numbers from
default / span to default x span, evenly in the logarithm. The first setting of random search and of halving is the one that
was asked for; draws depend on the seed, the name of what is drawn and the trial, so strategies try the same learning rates.

Random search: Bergstra & Bengio 2012. Grid: as many levels for each as the factors of the number of settings give, the
learning rate first. Successive halving: Jamieson & Talwalkar 2016; each rung trains anew for more epochs, because a schedule
of the learning rate belongs to one length. Heads that are solved have no rate and choose on validation by themselves: their
strategies are not searched.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from engine import seeding
from engine.checks import Table, table
from engine.layer_transfer import CURVES
from engine.search_fields import DEFAULTS
from engine.spec import RunSpec
from engine.strategies import STRATEGIES, Setting, Strategy, own, settled

RATE = "learning_rate"
HIGHEST_RATE = 100.0
DRAWS = 50
"""Draws of one trial before a setting that refuses everything is left at what was asked for."""


@dataclass(frozen=True)
class Trial:
    """One setting that is tried."""

    number: int
    """1-based, in the order in which they are tried."""
    learning_rate: float
    settings: Table
    """Of the strategy, those that differ from its defaults."""


@dataclass(frozen=True)
class Dimension:
    """One thing that is searched."""

    name: str
    value: Callable[[float], Any]
    """From a place in its range (0..1) to the value there."""


def searchable(strategy: Strategy) -> bool:
    """Whether a search changes anything about a strategy."""
    return not strategy.solves_head and strategy.name not in CURVES


def dimensions(run: RunSpec) -> list[Dimension]:
    """What is searched for a run, the learning rate first."""
    span = _given(run.search, "span")
    strategy = STRATEGIES[run.strategy]
    found = [Dimension(RATE, _around(run.train.learning_rate, span, 0.0, HIGHEST_RATE))]
    start = settled(strategy, run.settings or {})
    for setting in strategy.settings:
        if (value := _range(setting, start[setting.name], span)) is not None:
            found.append(Dimension(setting.name, value))
    return found


def _range(setting: Setting, start: Any, span: float) -> Callable[[float], Any] | None:
    """Place (0..1) -> value; None for free text and for numbers that have neither a range nor a size."""
    if isinstance(start, str):
        names = setting.options
        return (lambda place: names[min(int(place * len(names)), len(names) - 1)]) if names else None
    whole = isinstance(setting.default, int)
    if setting.high <= 1 and not whole:
        return lambda place: _round(setting.low + place * (setting.high - setting.low))
    if not start:
        return None
    around = _around(float(start), span, setting.low, setting.high)
    return (lambda place: round(around(place))) if whole else around


def _around(start: float, span: float, low: float, high: float) -> Callable[[float], float]:
    return lambda place: min(max(_round(start * span ** (2 * place - 1)), low), high)


def _round(value: float) -> float:
    """Three digits: more would pretend to a precision that no search has."""
    return float(f"{value:.3g}")


def trials(run: RunSpec, card: Any) -> tuple[Trial, ...]:
    """The settings that are tried for a run, in order.

    Args:
        run: with a search.
        card: of its backbone; what the strategy refuses for it is not tried.
    """
    of_grid = run.search["method"] == "grid"
    points = (
        list(_grid(run)) if of_grid else [_draw(run, card, place) for place in range(_given(run.search, "settings"))]
    )
    found = [one for one in points if not _refused(run, card, one)] or [{}]
    return tuple(_trial(run, place, point) for place, point in enumerate(found, start=1))


def _draw(run: RunSpec, card: Any, place: int) -> dict[str, Any]:
    """The values of one trial; the first is what was asked for."""
    if place == 0:
        return {}
    point: dict[str, Any] = {}
    for dimension in dimensions(run):
        draws = seeding.generator(run.seed, "search", dimension.name, place)
        for _ in range(DRAWS):
            one = point | {dimension.name: dimension.value(float(draws.random()))}
            if not _refused(run, card, one):
                point = one
                break
    return point


def _grid(run: RunSpec) -> Iterator[dict[str, Any]]:
    axes = dimensions(run)
    sizes = [1] * len(axes)
    for factor in _factors(_given(run.search, "settings")):
        able = [at for at, axis in enumerate(axes) if len(set(_levels(axis, sizes[at] * factor))) == sizes[at] * factor]
        if able:
            sizes[min(able, key=lambda at: (sizes[at], at))] *= factor
    levels = [
        [(axis.name, value) for value in _levels(axis, size)] if size > 1 else []
        for axis, size in zip(axes, sizes, strict=True)
    ]
    for point in itertools.product(*filter(None, levels)):
        yield dict(point)


def _levels(axis: Dimension, n: int) -> list[Any]:
    """Values at the middles of n equal parts of the range."""
    return [axis.value((place + 0.5) / n) for place in range(n)]


def _factors(n: int) -> list[int]:
    """Prime factors, largest first."""
    found, divisor = [], 2
    while n > 1:
        while n % divisor == 0:
            found.append(divisor)
            n //= divisor
        divisor += 1
    return found[::-1]


def _trial(run: RunSpec, number: int, point: Mapping[str, Any]) -> Trial:
    rate = float(point.get(RATE, run.train.learning_rate))
    return Trial(number, rate, table("settings", own(STRATEGIES[run.strategy], _with(run, point))))


def _with(run: RunSpec, point: Mapping[str, Any]) -> dict[str, Any]:
    return {**(run.settings or {}), **{name: value for name, value in point.items() if name != RATE}}


def _refused(run: RunSpec, card: Any, point: Mapping[str, Any]) -> bool:
    strategy = STRATEGIES[run.strategy]
    return bool(strategy.refuses(card, settled(strategy, _with(run, point))))


def rungs(search: Mapping[str, Any], epochs: int) -> tuple[tuple[int, int], ...]:
    """(how many settings, how many epochs each) of every rung; the last rung trains for all epochs."""
    n = _given(search, "settings")
    if search["method"] != "halving":
        return ((n, epochs),)
    base = _given(search, "reduction")
    last = 0
    while base ** (last + 1) <= n and base ** (last + 1) <= epochs:
        last += 1
    return tuple((n // base**rung, max(1, round(epochs / base ** (last - rung)))) for rung in range(last + 1))


def trained_again(panel_epochs: object) -> bool:
    """Whether the chosen setting trains once more, although a trial has trained it to its end.

    The last rung always trains for all epochs, with the seed, the data and the batches of the run, so what the best of its
    trials has learned is kept. Not where a panel measures the depths while the network trains (`panel_epochs` is given): it
    needs the network after every epoch, and measuring every trial would cost more than one training.
    """
    return panel_epochs is not None


def spent(search: Mapping[str, Any] | None, epochs: int, panel_epochs: object = None) -> int:
    """Epochs that a run trains in all: those of the search, and those of the chosen setting where it trains once more."""
    if not search:
        return epochs
    return sum(n * each for n, each in rungs(search, epochs)) + (epochs if trained_again(panel_epochs) else 0)


def words(search: Mapping[str, Any], epochs: int | None, panel_epochs: object = None) -> str:
    """What every strategy that trains is given: "8 settings each, 240 epochs in all, on validation images; ...".

    Args:
        search: as in a spec.
        epochs: of one training; None where it depends on the number of labels.
        panel_epochs: of the spec.
    """
    if epochs is None:
        end = "the best then trains once more" if trained_again(panel_epochs) else "the best one's weights are kept"
        return (
            f"{_given(search, 'settings')} settings for each strategy that trains, the same number and epochs for each, on"
            f" validation images; {end} and tested. Epochs depend on the number of labels."
        )
    steps = rungs(search, epochs)
    trained = sum(n * each for n, each in steps)
    how = ", then ".join(f"{n} for {each}" for n, each in steps) if len(steps) > 1 else ""
    rest = f" ({how} epochs)" if how else ""
    last = (
        f"the best then trains {epochs:,} more, measured while it does, and is tested"
        if trained_again(panel_epochs)
        else "the best, as it was trained, is tested"
    )
    return (
        f"{_given(search, 'settings')} settings for each strategy that trains, {trained:,} epochs in all{rest}, on validation"
        f" images; {last}."
    )


def applied(run: RunSpec, trial: Trial, card: Any, epochs: int | None = None) -> RunSpec:
    """The ordinary run with a trial's setting, for so many epochs (None = those that were asked for)."""
    strategy = STRATEGIES[run.strategy]
    train = dataclasses.replace(run.train, learning_rate=trial.learning_rate, epochs=epochs or run.train.epochs)
    depth = strategy.at(card, settled(strategy, trial.settings)) if strategy.at else run.frozen_depth
    return dataclasses.replace(run, train=train, settings=trial.settings or None, frozen_depth=depth, search=None)


def best(found: Mapping[int, tuple[float | None, float | None]], n: int = 1) -> list[int]:
    """The n trials with the highest validation accuracy, ties by lower loss, then by number; diverged ones come last.

    Args:
        found: (validation accuracy, validation loss) by the trial's number; None where it diverged.
        n: how many.
    """

    def order(number: int) -> tuple[float, float, int]:
        accuracy, loss = found[number]
        return (
            math.inf if accuracy is None else -accuracy,
            math.inf if loss is None or not math.isfinite(loss) else loss,
            number,
        )

    return sorted(found, key=order)[:n]


def _given(search: Mapping[str, Any] | None, name: str) -> Any:
    return (search or {}).get(name, DEFAULTS[name])
