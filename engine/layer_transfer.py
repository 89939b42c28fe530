"""The runs of a layer-transfer study: which units are copied from which base, frozen or not, at every depth.

Yosinski, Clune, Bengio, Lipson, "How transferable are features in deep neural networks?", NIPS 2014, section 2. The classes
of a dataset are split into halves A and B; base networks are trained from scratch on each. For every depth n: BnB copies
units 1..n of base B and freezes them, AnB copies them from base A; "+" means that everything learns. The other units start
anew, and all train on half B with the schedule of the bases. Our control replaces the copied units by random ones, frozen.

With a downloaded backbone there is no base on its source data: AnB and AnB+ exist (a freezing sweep whose other units start
anew), and co-adaptation cannot be told apart from specificity.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from engine.datasets import DatasetInfo
from engine.datasets.halves import half_name, split_key
from engine.errors import SpecError
from engine.run_weights import PREFIX
from engine.spec import ALL_DEPTHS, ExperimentSpec, RunSpec
from engine.strategies import STRATEGIES


@dataclass(frozen=True)
class Curve:
    """One of the curves: what the first n units are, and whether they stay so."""

    strategy: str
    label: str
    """As the paper writes it."""
    source: str
    """`own` (base of the target half), `other` (base of the other half, or the downloaded weights) or `random`."""
    frozen: bool


CURVES = {
    curve.strategy: curve
    for curve in (
        Curve("selffer", "BnB", "own", True),
        Curve("selffer_plus", "BnB+", "own", False),
        Curve("transfer", "AnB", "other", True),
        Curve("transfer_plus", "AnB+", "other", False),
        Curve("random_frozen", "random, frozen", "random", True),
    )
}


def asked(spec: ExperimentSpec) -> list[Curve]:
    """The curves that a spec asks for."""
    return [CURVES[name] for name in spec.strategies if name in CURVES]


def depths(spec: ExperimentSpec, n_units: int) -> list[int]:
    """Depths n of the curves: 1 to the number of units."""
    chosen = range(1, n_units + 1) if spec.frozen_depths == ALL_DEPTHS else spec.frozen_depths
    return [depth for depth in chosen if depth > 0]


def keys(spec: ExperimentSpec, info: DatasetInfo) -> list[str]:
    """The splits of a dataset's classes. Raises DatasetError where they do not fit it."""
    return list(dict.fromkeys(split_key(group, info) for group in spec.class_splits or ()))


def halves(spec: ExperimentSpec, info: DatasetInfo) -> list[str]:
    """Names of the halves that a spec trains on. Raises DatasetError where a split does not fit the dataset."""
    if not asked(spec):
        return []
    return [half_name(half, key, info.name) for key in keys(spec, info) for half in "BA"]


def n_runs(spec: ExperimentSpec, n_units: int) -> int:
    """How many runs the study of one backbone, dataset, seed and label budget has."""
    curves, splits = asked(spec), len(spec.class_splits or ())
    each = len(curves) * len(depths(spec, n_units))
    return splits * (2 + each) if splits and curves else each


def study(
    spec: ExperimentSpec, backbone: str, n_units: int, info: DatasetInfo, seed: int, budget: int | str | None
) -> Iterator[RunSpec]:
    """The runs of one backbone, dataset, seed and label budget: split by split, bases first, then depth by depth.

    Raises:
        SpecError: curves that need class_splits were asked for without.
        DatasetError: a split does not fit the dataset.
    """
    curves = asked(spec)
    if not curves:
        return
    cell = _Cell(spec, backbone, seed, budget)
    if not spec.class_splits:
        if own := [curve.strategy for curve in curves if curve.source == "own"]:
            raise SpecError(
                f"{STRATEGIES[own[0]].label} cannot be used here: it needs a base trained on the target classes. Give"
                " class_splits, for example [0, 1, 2, 3] (seeds of random splits). Without them only AnB, AnB+ and the random"
                " control exist."
            )
        for depth in depths(spec, n_units):
            for curve in curves:
                weights = "random" if curve.source == "random" else spec.weights
                yield cell.copied(curve, info.name, weights, depth)
        return
    for key in keys(spec, info):
        target, other = half_name("B", key, info.name), half_name("A", key, info.name)
        bases = {"own": cell.base(target), "other": cell.base(other)}
        yield from bases.values()
        weights = {source: f"{PREFIX}{base.run_id}" for source, base in bases.items()} | {"random": "random"}
        for depth in depths(spec, n_units):
            for curve in curves:
                yield cell.copied(curve, target, weights[curve.source], depth)


@dataclass(frozen=True)
class _Cell:
    """What all runs of a study share."""

    spec: ExperimentSpec
    backbone: str
    seed: int
    budget: int | str | None

    @property
    def _looks(self) -> dict[str, Any]:
        """How every network of the study is looked at."""
        spec = self.spec
        return {"pooling": spec.pooling, "panel_epochs": spec.panel_epochs, "score_intervals": spec.score_intervals}

    def base(self, dataset: str) -> RunSpec:
        """A base: the whole network from scratch on one half; it keeps its weights for the others."""
        spec = self.spec
        return RunSpec(
            self.backbone, dataset, "from_scratch", 0, self.seed, self.budget, "random", spec.measures, spec.train,
            keep_weights=True, **self._looks,
        )  # fmt: skip

    def copied(self, curve: Curve, dataset: str, weights: str, depth: int) -> RunSpec:
        """One point of a curve."""
        spec = self.spec
        return RunSpec(
            self.backbone, dataset, curve.strategy, depth if curve.frozen else 0, self.seed, self.budget, weights,
            spec.measures, spec.train, copied_depth=None if curve.source == "random" else depth,
            keep_weights=spec.keep_weights, **self._looks,
        )  # fmt: skip
