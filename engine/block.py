"""The runs of one backbone, dataset and label budget of an experiment, seed by seed. Pure."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from engine import added_controls, layer_transfer, recipes, search
from engine.backbones import Card
from engine.budgets import Budget, n_train
from engine.cells import Cell, fitting, members
from engine.datasets import DatasetInfo
from engine.spec import ExperimentSpec, RunSpec
from engine.strategies import STRATEGIES, settled
from engine.strategies._runs import named


@dataclass(frozen=True)
class Block:
    """What all its runs share."""

    spec: ExperimentSpec
    backbone: str
    card: Card
    dataset: str
    info: DatasetInfo
    budget: Budget | None

    @functools.cached_property
    def asked(self) -> list[Cell]:
        """What the experiment names and can be applied here. Raises SpecError as `engine.cells.cells`."""
        return fitting(self.spec, self.card, self.info)

    @functools.cached_property
    def added(self) -> list[Cell]:
        """The controls that it does not name."""
        return added_controls.cells(self.spec, self.card, self.info, self.asked)

    @property
    def cells(self) -> list[Cell]:
        """All that is planned here, but for the studies of copied units."""
        return self.asked + self.added

    @functools.cached_property
    def mixed(self) -> list[Cell]:
        """Of these, the strategies that are made of this experiment's own runs."""
        return [cell for cell in self.cells if named(settled(STRATEGIES[cell[0]], cell[3] or {}))]

    def runs(self, seed: int) -> dict[Cell, RunSpec]:
        """The runs of one seed but for what is made of others. What others are made of keeps its weights."""
        needed = {one for cell in self.mixed for one in members(self.spec, cell[0], self.card)}
        keep = self.spec.keep_weights
        return {
            cell: self.run(cell, seed, keep_weights=True if cell in needed else keep)
            for cell in self.cells
            if cell not in self.mixed
        }

    def run(self, cell: Cell, seed: int, *, keep_weights: bool | None) -> RunSpec:
        """A cell with a seed."""
        spec, (strategy, depth, weights, settings) = self.spec, cell
        return RunSpec(
            self.backbone, self.dataset, strategy, depth, seed, self.budget, weights, spec.measures,
            recipes.resolved(spec.train, strategy, self.card, self._n_train(self.info)),
            keep_weights=keep_weights, settings=settings, pooling=spec.pooling,
            search=spec.search if search.searchable(STRATEGIES[strategy]) else None,
            panel_epochs=spec.panel_epochs, source_data=spec.source_data, score_intervals=spec.score_intervals,
        )  # fmt: skip

    def study(self, seed: int, half: Callable[[str], DatasetInfo]) -> Iterator[RunSpec]:
        """The runs of a layer-transfer study, where it is asked for; its bases and all their copies train alike.

        Args:
            seed: of the runs.
            half: description of a half of the classes by its name; of halves of different sizes the smaller sets the epochs.
        """
        halves = [half(name) for name in layer_transfer.halves(self.spec, self.info)] or [self.info]
        smallest = min(map(self._n_train, halves))
        train = recipes.resolved(self.spec.train, "full_fine_tuning", self.card, smallest)
        alike = dataclasses.replace(self.spec, train=train)
        return layer_transfer.study(alike, self.backbone, self.card.n_units, self.info, seed, self.budget)

    def _n_train(self, info: DatasetInfo) -> int:
        return n_train(self.budget, info.n_classes, info.n_pool)
