"""From an experiment to its runs, without running anything: pure, de-duplicated, with its cost."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine import backbones, budgets, datasets, layer_transfer, recipes, search
from engine.backbones import Card
from engine.checks import Table, table
from engine.datasets import DatasetInfo
from engine.errors import DatasetError, SpecError
from engine.spec import ALL_DEPTHS, ExperimentSpec, RunSpec
from engine.strategies import STRATEGIES, own, settled


@dataclass(frozen=True)
class PlannedRun:
    """A run with what is known of its backbone and dataset."""

    run: RunSpec
    card: Card
    info: DatasetInfo


def plan(
    spec: ExperimentSpec,
    *,
    home: Path | None = None,
    card: Callable[[str, Path | None], Card] = backbones.card,
    describe: Callable[[str, Path | None], DatasetInfo] = datasets.describe,
) -> tuple[PlannedRun, ...]:
    """All runs of an experiment, each once, seed by seed, so that whole curves appear early and then gain seeds.

    Partial fine-tuning at depth 0 is full fine-tuning, at the last depth it is the linear probe, and full fine-tuning of
    random weights is training from scratch: equal cells get one name and are never run twice.

    Raises:
        UnknownNameError: a backbone, dataset or strategy that no registry knows.
        SpecError: a depth beyond the network, a strategy that cannot be applied, or nothing to run.
        DatasetError: a dataset that cannot be used, or a label budget that it cannot give.
    """
    for name in spec.strategies:
        STRATEGIES[name]
    _check_settings(spec)
    _check_search(spec)
    cards = {name: card(name, home) for name in spec.backbones}
    infos = {name: describe(name, home) for name in spec.datasets}
    for one in cards.values():
        _check_depths(spec, one)
    for info in infos.values():
        _check_budgets(spec, info)
    _check_source(spec, home, describe)
    halves = functools.cache(lambda name: describe(name, home))
    for info in infos.values():
        for half in layer_transfer.halves(spec, info):
            _check_budgets(spec, halves(half))
    planned: dict[str, PlannedRun] = {}
    for seed in spec.seeds:
        for dataset, info in infos.items():
            for backbone, one in cards.items():
                for budget in spec.label_budgets or (None,):
                    for strategy, depth, weights, settings in _fitting(spec, one, info):
                        run = RunSpec(
                            backbone, dataset, strategy, depth, seed, budget, weights, spec.measures,
                            recipes.resolved(spec.train, strategy, one),
                            keep_weights=spec.keep_weights, settings=settings, pooling=spec.pooling,
                            search=spec.search if search.searchable(STRATEGIES[strategy]) else None,
                            panel_epochs=spec.panel_epochs, source_data=spec.source_data, score_intervals=spec.score_intervals,
                        )  # fmt: skip
                        planned.setdefault(run.run_id, PlannedRun(run, one, info))
                    # The bases of a study and all its copies train alike.
                    alike = dataclasses.replace(spec, train=recipes.resolved(spec.train, "full_fine_tuning", one))
                    for run in layer_transfer.study(alike, backbone, one.n_units, info, seed, budget):
                        half = info if run.dataset == dataset else halves(run.dataset)
                        planned.setdefault(run.run_id, PlannedRun(run, one, half))
    if not planned:
        raise SpecError("This plans no runs: what freezes units needs frozen_depths, for example [2, 4] or 'all'.")
    return tuple(planned.values())


def _fitting(spec: ExperimentSpec, card: Card, info: DatasetInfo) -> list[tuple[str, int, str, Table | None]]:
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


def cells(spec: ExperimentSpec, card: Card) -> list[tuple[str, int, str, Table | None]]:
    """(strategy, frozen depth, weights, settings) of every distinct cell for a backbone.

    Raises:
        SpecError: a strategy cannot be applied to this backbone, or a setting is not one of its.
    """
    asked = tuple(range(card.n_units + 1)) if spec.frozen_depths == ALL_DEPTHS else tuple(spec.frozen_depths)
    found = []
    for name in spec.strategies:
        if name in layer_transfer.CURVES:  # planned as a whole study
            continue
        strategy = STRATEGIES[name]
        if why := refusal(name, card, spec):
            if spec.leave_out_refused:
                continue
            raise SpecError(f"{strategy.label} cannot be used here: {why}.")
        settings = settled(strategy, _given(spec, name))
        depths = (strategy.at(card, settings),) if strategy.at else strategy.depths(card.n_units, asked)
        for depth in depths:
            if strategy.mistake_of:  # never alone: it means something beside what it gets wrong
                found.append(_canonical(spec, strategy.mistake_of, depth, card, spec.weights))
            found.append(_canonical(spec, name, depth, card, strategy.weights or spec.weights))
    return list(dict.fromkeys(found))


def refusal(name: str, card: Card, spec: ExperimentSpec) -> str | None:
    """Why a strategy cannot be applied to a backbone with the settings of an experiment, or None.

    Raises:
        SpecError: a setting is not one of its.
    """
    strategy = STRATEGIES[name]
    return strategy.refuses(card, settled(strategy, _given(spec, name)))


@dataclass(frozen=True)
class LeftOut:
    """A strategy that an experiment asks for and a backbone refuses."""

    strategy: str
    backbone: str
    why: str


def left_out(
    spec: ExperimentSpec,
    *,
    home: Path | None = None,
    card: Callable[[str, Path | None], Card] = backbones.card,
    describe: Callable[[str, Path | None], DatasetInfo] = datasets.describe,
) -> list[LeftOut]:
    """What a plan of this experiment leaves out (`leave_out_refused`), with the reasons; nothing where it refuses instead.

    Raises:
        UnknownNameError: a backbone or strategy that no registry knows.
        SpecError: a setting is not one of a strategy's.
    """
    if not spec.leave_out_refused:
        return []
    cards = [card(name, home) for name in spec.backbones]
    asked = [name for name in spec.strategies if name not in layer_transfer.CURVES]
    found = []
    for name in asked:
        weights = STRATEGIES[name].weights or spec.weights
        for one in cards:
            reasons = [refusal(name, one, spec)]
            if not reasons[0] and (of_task := STRATEGIES[name].refuses_task):
                reasons = [of_task(one, describe(data, home), weights) for data in spec.datasets]
            found += [LeftOut(name, one.name, why) for why in reasons if why]
    return found


def left_out_words(found: Sequence[LeftOut]) -> list[str]:
    """One sentence for each strategy and reason, with the backbones that it holds for."""
    told: dict[tuple[str, str], list[str]] = {}
    for one in found:
        why = one.why.replace(one.backbone, "this network")  # the same reason for several networks is said once
        told.setdefault((one.strategy, why), []).append(one.backbone)
    return [
        f"{STRATEGIES[name].label} is left out on {', '.join(where)}: {why}." for (name, why), where in told.items()
    ]


def _given(spec: ExperimentSpec, name: str) -> dict[str, Any]:
    return (spec.settings or {}).get(name, {})


def _canonical(spec: ExperimentSpec, name: str, depth: int, card: Card, weights: str) -> tuple:
    """A cell by the name that it has by definition: no cell is run twice under two names."""
    settings = own(STRATEGIES[name], _given(spec, name))
    while same := STRATEGIES[name].same_as(card, depth, settled(STRATEGIES[name], settings), spec.train.schedule):
        (name, depth), settings = same, {}
    if name == "full_fine_tuning" and weights == "random":
        name = "from_scratch"
    return name, depth, weights, table("settings", settings) or None


def _check_settings(spec: ExperimentSpec) -> None:
    for name, given in (spec.settings or {}).items():
        if name not in spec.strategies:
            STRATEGIES[name]
            raise SpecError(
                f"settings are given for {name!r}, which is not among the strategies. Add it or leave them out."
            )
        settled(STRATEGIES[name], given)


def _check_search(spec: ExperimentSpec) -> None:
    if not spec.search:
        return
    if study := [name for name in spec.strategies if name in layer_transfer.CURVES]:
        raise SpecError(
            f"{STRATEGIES[study[0]].label} cannot be searched: the curves of a layer-transfer study share one way of training."
            " Leave search out."
        )
    if mistaken := [STRATEGIES[name].label for name in spec.strategies if STRATEGIES[name].mistake_of]:
        raise SpecError(
            f"{mistaken[0]} cannot be searched: a mistake is compared with its proper twin, which must train alike. Leave search"
            " or the mistake out."
        )
    if not any(search.searchable(STRATEGIES[name]) for name in spec.strategies):
        raise SpecError(
            f"There is nothing to search: {', '.join(spec.strategies)} solve their head and choose on validation by themselves."
            " Leave search out, or add a strategy that trains."
        )


def _check_depths(spec: ExperimentSpec, card: Card) -> None:
    if spec.frozen_depths == ALL_DEPTHS:
        return
    beyond = [depth for depth in spec.frozen_depths if depth > card.n_units]
    if beyond:
        raise SpecError(
            f"Frozen depth {', '.join(map(str, beyond))} is beyond {card.name}, which has {card.n_units} units."
            f" Choose depths from 0 (nothing frozen) to {card.n_units} (everything frozen)."
        )


def _check_source(spec: ExperimentSpec, home: Path | None, describe: Callable[[str, Path | None], DatasetInfo]) -> None:
    """Images of the source task must be here already: an observer downloads nothing."""
    if spec.source_data is None:
        return
    if spec.source_data in spec.datasets:
        raise SpecError(
            f"source_data is {spec.source_data!r}, which is the target task: what is trained on cannot be forgotten."
        )
    if describe(spec.source_data, home).download_bytes:
        raise DatasetError(
            f"{spec.source_data} is not on this machine, so forgetting cannot be measured on it. Download it first (Data page, or"
            f" `python -m engine fetch {spec.source_data}`), or leave source_data out: then other tasks are probed."
        )


def _check_budgets(spec: ExperimentSpec, info: DatasetInfo) -> None:
    for budget in spec.label_budgets:
        if why := budgets.refusal(budget, info.name, info.n_classes, info.n_pool, info.smallest_class):
            raise DatasetError(why)
