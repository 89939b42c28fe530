"""The distinct cells of an experiment for a backbone: strategy, frozen depth, weights, settings; and what is refused. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine import layer_transfer
from engine.backbones import Card
from engine.checks import Table, table
from engine.datasets import DatasetInfo
from engine.errors import SpecError
from engine.spec import ALL_DEPTHS, ExperimentSpec
from engine.strategies import STRATEGIES, own, settled
from engine.strategies._runs import named, over_seeds

Cell = tuple[str, int, str, Table | None]
"""Strategy, frozen depth, weights, and the settings that differ from the defaults."""


def cells(spec: ExperimentSpec, card: Card) -> list[Cell]:
    """(strategy, frozen depth, weights, settings) of every distinct cell for a backbone.

    Raises:
        SpecError: a strategy cannot be applied to this backbone, or a setting is not one of its.
    """
    found: list[Cell] = []
    for name in spec.strategies:
        if name in layer_transfer.CURVES:  # planned as a whole study
            continue
        if why := refusal(name, card, spec):
            if spec.leave_out_refused:
                continue
            raise SpecError(f"{STRATEGIES[name].label} cannot be used here: {why}.")
        found += of_strategy(name, card, spec)
    return list(dict.fromkeys(found))


def of_strategy(name: str, card: Card, spec: ExperimentSpec) -> list[Cell]:
    """The cells of one strategy that a backbone does not refuse, each by the name that it has by definition."""
    asked = tuple(range(card.n_units + 1)) if spec.frozen_depths == ALL_DEPTHS else tuple(spec.frozen_depths)
    strategy, found = STRATEGIES[name], []
    settings = settled(strategy, given(spec, name))
    depths = (strategy.at(card, settings),) if strategy.at else strategy.depths(card.n_units, asked)
    for depth in depths:
        if strategy.mistake_of:  # never alone: it means something beside what it gets wrong
            found.append(_canonical(spec, strategy.mistake_of, depth, card, spec.weights))
        found.append(_canonical(spec, name, depth, card, strategy.weights or spec.weights))
    return found


def refusal(name: str, card: Card, spec: ExperimentSpec) -> str | None:
    """Why a strategy cannot be applied to a backbone with the settings of an experiment, or None.

    Raises:
        SpecError: a setting is not one of its.
    """
    strategy = STRATEGIES[name]
    settings = settled(strategy, given(spec, name))
    return strategy.refuses(card, settings) or _members_refusal(card, spec, settings)


def members(spec: ExperimentSpec, name: str, card: Card) -> list[Cell]:
    """The cells of the experiment's own runs that a strategy is made of, in order; none where it is not made of such runs."""
    return [of_strategy(one, card, spec)[0] for one in named(settled(STRATEGIES[name], given(spec, name)))]


def _members_refusal(card: Card, spec: ExperimentSpec, settings: Mapping[str, Any]) -> str | None:
    """Why the experiment's own runs that a strategy is made of (`engine.strategies._runs`) will not be there, or None."""
    found = []
    for name in named(settings):
        label = STRATEGIES[name].label
        if name not in spec.strategies:
            return f"it is made of the runs of {label}, which this experiment does not ask for"
        if why := refusal(name, card, spec):
            return f"it is made of the runs of {label}, which cannot be used here ({why})"
        own_cells = of_strategy(name, card, spec)
        if len(own_cells) != 1:
            return (
                f"it is made of the runs of {label}, which has {len(own_cells)} frozen depths here: name what has one"
            )
        found += own_cells
    if len(set(found)) < len(found):
        return "two of the strategies that it is made of are the same by definition: name others"
    if over_seeds(settings) and len(spec.seeds) < 2:
        return "it is made of the seeds of a strategy, and this experiment has one: ask for more, or name several strategies"
    return None


def fitting(spec: ExperimentSpec, card: Card, info: DatasetInfo) -> list[Cell]:
    """The cells that can be applied to a task. Raises SpecError as `cells`."""
    found = []
    for cell in cells(spec, card):
        strategy = STRATEGIES[cell[0]]
        why = strategy.refuses_task and strategy.refuses_task(card, info, cell[2])
        if why and not spec.leave_out_refused:
            raise SpecError(f"{strategy.label} cannot be used here: {why}.")
        if not why:
            found.append(cell)
    return found


def given(spec: ExperimentSpec, name: str) -> Mapping[str, Any]:
    """The settings of a strategy that an experiment asks for."""
    return (spec.settings or {}).get(name, {})


def _canonical(spec: ExperimentSpec, name: str, depth: int, card: Card, weights: str) -> Cell:
    """A cell by the name that it has by definition: no cell is run twice under two names."""
    settings = own(STRATEGIES[name], given(spec, name))
    while same := STRATEGIES[name].same_as(card, depth, settled(STRATEGIES[name], settings), spec.train.schedule):
        (name, depth), settings = same, {}
    if name == "full_fine_tuning" and weights == "random":
        name = "from_scratch"
    return name, depth, weights, table("settings", settings) or None
