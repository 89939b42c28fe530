"""From an experiment to its runs, without running anything: pure, de-duplicated, with its cost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from engine import backbones, budgets, datasets
from engine.backbones import Card
from engine.datasets import DatasetInfo
from engine.errors import DatasetError, SpecError
from engine.spec import ALL_DEPTHS, ExperimentSpec, RunSpec
from engine.strategies import STRATEGIES


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
        SpecError: a depth beyond the network, or nothing to run.
        DatasetError: a dataset that cannot be used, or a label budget that it cannot give.
    """
    for name in spec.strategies:
        STRATEGIES[name]
    cards = {name: card(name, home) for name in spec.backbones}
    infos = {name: describe(name, home) for name in spec.datasets}
    for one in cards.values():
        _check_depths(spec, one)
    for info in infos.values():
        _check_budgets(spec, info)
    planned: dict[str, PlannedRun] = {}
    for seed in spec.seeds:
        for dataset, info in infos.items():
            for backbone, one in cards.items():
                for budget in spec.label_budgets or (None,):
                    for strategy, depth, weights in cells(spec, one.n_units):
                        run = RunSpec(
                            backbone, dataset, strategy, depth, seed, budget, weights, spec.measures, spec.train,
                            keep_weights=spec.keep_weights,
                        )  # fmt: skip
                        planned.setdefault(run.run_id, PlannedRun(run, one, info))
    if not planned:
        raise SpecError(
            "This plans no runs: partial_fine_tuning alone needs frozen_depths, for example [2, 4] or 'all'."
        )
    return tuple(planned.values())


def cells(spec: ExperimentSpec, n_units: int) -> list[tuple[str, int, str]]:
    """(strategy, frozen depth, weights) of every distinct cell for a backbone of `n_units` units."""
    asked = tuple(range(n_units + 1)) if spec.frozen_depths == ALL_DEPTHS else tuple(spec.frozen_depths)
    found = []
    for name in spec.strategies:
        strategy = STRATEGIES[name]
        for depth in strategy.depths(n_units, asked):
            found.append(_canonical(name, depth, n_units, strategy.weights or spec.weights))
    return list(dict.fromkeys(found))


def _canonical(strategy: str, depth: int, n_units: int, weights: str) -> tuple[str, int, str]:
    if strategy == "partial_fine_tuning" and depth == n_units:
        strategy = "linear_probe"
    if strategy == "partial_fine_tuning" and depth == 0:
        strategy = "full_fine_tuning"
    if strategy == "full_fine_tuning" and weights == "random":
        strategy = "from_scratch"
    return strategy, depth, weights


def _check_depths(spec: ExperimentSpec, card: Card) -> None:
    if spec.frozen_depths == ALL_DEPTHS:
        return
    beyond = [depth for depth in spec.frozen_depths if depth > card.n_units]
    if beyond:
        raise SpecError(
            f"Frozen depth {', '.join(map(str, beyond))} is beyond {card.name}, which has {card.n_units} units."
            f" Choose depths from 0 (nothing frozen) to {card.n_units} (everything frozen)."
        )


def _check_budgets(spec: ExperimentSpec, info: DatasetInfo) -> None:
    for budget in spec.label_budgets:
        if why := budgets.refusal(budget, info.name, info.n_classes, info.n_pool, info.smallest_class):
            raise DatasetError(why)
