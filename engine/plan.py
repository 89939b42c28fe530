"""From an experiment to its runs, without running anything: pure, de-duplicated, with its cost."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from engine import added_controls, backbones, budgets, datasets, layer_transfer, mixes, search
from engine.backbones import Card
from engine.block import Block
from engine.datasets import DatasetInfo
from engine.errors import DatasetError, SpecError
from engine.spec import ALL_DEPTHS, ExperimentSpec, RunSpec
from engine.strategies import STRATEGIES, settled


@dataclass(frozen=True)
class PlannedRun:
    """A run with what is known of its backbone and dataset."""

    run: RunSpec
    card: Card
    info: DatasetInfo
    added: bool = False
    """Whether it is a control that the experiment does not name (`engine.added_controls`)."""


def plan(
    spec: ExperimentSpec,
    *,
    home: Path | None = None,
    card: Callable[[str, Path | None], Card] = backbones.card,
    describe: Callable[[str, Path | None], DatasetInfo] = datasets.describe,
) -> tuple[PlannedRun, ...]:
    """All runs of an experiment, each once, seed by seed, so that whole curves appear early and then gain seeds.

    Partial fine-tuning at depth 0 is full fine-tuning, at the last depth it is the linear probe, and full fine-tuning of
    random weights is training from scratch: equal cells get one name and are never run twice. What starts from learned weights
    brings its controls, unless the experiment says `controls = false`.

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
    blocks = [
        Block(spec, backbone, one, dataset, info, budget)
        for dataset, info in infos.items()
        for backbone, one in cards.items()
        for budget in spec.label_budgets or (None,)
    ]
    planned: dict[str, PlannedRun] = {}

    def add(block: Block, runs: Iterable[RunSpec], *, added: bool = False) -> None:
        for run in runs:
            info = block.info if run.dataset == block.dataset else halves(run.dataset)
            planned.setdefault(run.run_id, PlannedRun(run, block.card, info, added))

    for seed in spec.seeds:
        for block in blocks:
            runs = block.runs(seed)
            add(block, (runs[cell] for cell in runs if cell not in block.added))
            add(block, (runs[cell] for cell in block.added), added=True)
            add(block, mixes.of_a_seed(block, seed))
            add(block, block.study(seed, halves))
    for block in blocks:
        add(block, mixes.of_seeds(block))
    if not planned:
        raise SpecError("This plans no runs: what freezes units needs frozen_depths, for example [2, 4] or 'all'.")
    found = tuple(planned.values())
    added_controls.check_settings(spec, found)
    return found


def _check_settings(spec: ExperimentSpec) -> None:
    for name, given in (spec.settings or {}).items():
        may_be_added = name in added_controls.NAMES and spec.controls is not False  # where it is not: `check_settings`
        if name not in spec.strategies and not may_be_added:
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
