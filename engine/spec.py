"""What is asked for: `ExperimentSpec` (a grid), `RunSpec` (one cell, one seed), `TrainSpec` (how one cell is trained).

All are frozen, validated when made, and identified by the hash of their canonical JSON: the same question is the same
experiment, whoever asks it and whatever they call it.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from engine import budgets, search_fields
from engine import spec_fields as fields
from engine.budgets import Budget
from engine.checks import Table, one_of_each, storable, table, tables, text, whole
from engine.errors import SpecError
from engine.spec_base import SPEC_VERSION, Spec
from engine.spec_fields import ALL_DEPTHS, ALL_MEASURES, MEASURES, OF_A_RUN, POOLINGS
from engine.train_spec import AUGMENTATIONS, AUTO, OPTIMIZERS, PRECISIONS, SCHEDULES, SELECTIONS, TrainSpec

__all__ = [
    "ALL_DEPTHS", "ALL_MEASURES", "AUGMENTATIONS", "AUTO", "MEASURES", "OF_A_RUN", "OPTIMIZERS", "POOLINGS", "PRECISIONS",
    "SCHEDULES", "SELECTIONS", "SPEC_VERSION", "ExperimentSpec", "RunSpec", "TrainSpec",
]  # fmt: skip


@dataclass(frozen=True)
class RunSpec(Spec):
    """One cell with one seed: what a worker executes."""

    backbone: str
    dataset: str
    strategy: str
    frozen_depth: int
    """Leading units held fixed, 0..number of units (linear probe)."""
    seed: int
    label_budget: Budget | None = None
    """Labelled target images used, training and validation together: a number, "5/class", "10%" or "vtab" (see
    `engine.budgets`); None = all there are."""
    weights: str = "pretrained"
    """`pretrained` (shipped or from the hub), `random`, `file:PATH` of a safetensors file, or `run:RUN_ID` of a run that
    kept its weights."""
    measures: tuple[str, ...] = MEASURES
    """Measures taken on the features after every unit."""
    train: TrainSpec = field(default_factory=TrainSpec)
    copied_depth: int | None = None
    """Leading units that start from `weights`, the others from random ones; None = all of them."""
    keep_weights: bool | None = None
    """Whether the selected weights are kept for runs that start from them; None = no."""
    settings: Table | None = None
    """Settings of the strategy that differ from its defaults; None = none do."""
    pooling: str | None = None
    """How a unit's output becomes features, one of POOLINGS; None = `global_average`. The network's own head is not affected."""
    panel_epochs: tuple[int, ...] | str | None = None
    """Epochs after which measures of every depth are taken on a fixed set of training images: numbers (0 = before training)
    `every N` (with 0 and the last), or `auto` (as many as stay within 5 % of the training); None = none."""
    search: Table | None = None
    """Settings that are tried on validation first (see `engine.search_fields`); None = the run is as it says."""
    score_intervals: int | None = None
    """Resamples of every score that is no accuracy on test images, for a 95 % interval of each (see `engine.layer_intervals`);
    0 or None = no intervals."""
    source_data: str | None = None
    """Dataset with the source task's images, on which `forgetting` asks the source's own classifier; None = the card's, where it
    is on this machine, else tasks that need no download are probed."""

    def __post_init__(self) -> None:
        for name in ("backbone", "dataset", "strategy"):
            text(name, getattr(self, name))
        whole("frozen_depth", self.frozen_depth, 0, 100_000)
        whole("seed", self.seed, 0, 2**31 - 1)
        if self.label_budget is not None:
            object.__setattr__(self, "label_budget", budgets.parse("label_budget", self.label_budget))
        if self.copied_depth is not None:
            whole("copied_depth", self.copied_depth, 0, 100_000)
        object.__setattr__(self, "keep_weights", fields.yes("keep_weights", self.keep_weights))
        object.__setattr__(self, "settings", table("settings", self.settings or {}) or None)
        fields.weights(self.weights)
        object.__setattr__(self, "measures", one_of_each("measures", self.measures, ALL_MEASURES, empty=True))
        object.__setattr__(self, "train", _train(self.train))
        object.__setattr__(self, "pooling", fields.pooling(self.pooling))
        object.__setattr__(self, "panel_epochs", fields.panel_epochs(self.panel_epochs))
        object.__setattr__(self, "search", search_fields.parse(self.search))
        object.__setattr__(self, "score_intervals", fields.resamples("score_intervals", self.score_intervals))
        fields.source_data(self.source_data, self.measures)

    @cached_property
    def run_id(self) -> str:
        """Identity of the run: two experiments that plan the same cell share it, and it is computed once."""
        return self.identity()


@dataclass(frozen=True)
class ExperimentSpec(Spec):
    """A grid of cells: every backbone x dataset x strategy x frozen depth x label budget x seed."""

    backbones: tuple[str, ...] = ("resnet20_cifar10",)
    datasets: tuple[str, ...] = ("digits",)
    strategies: tuple[str, ...] = ("from_scratch", "linear_probe", "partial_fine_tuning", "full_fine_tuning")
    frozen_depths: tuple[int, ...] | str = ALL_DEPTHS
    """Depths of partial fine-tuning, or `all`; 0 is full fine-tuning and the last is the linear probe, never run twice."""
    seeds: tuple[int, ...] = (0, 1, 2)
    label_budgets: tuple[Budget, ...] = ()
    """Labelled images used, one cell each, as numbers or texts (see `engine.budgets`); empty = all labels."""
    weights: str = "pretrained"
    measures: tuple[str, ...] = MEASURES
    train: TrainSpec = field(default_factory=TrainSpec)
    class_splits: tuple[int | str, ...] | None = None
    """How the classes are divided into halves A and B for the strategies of layer transfer, a study for each: the seed of a
    random split, or the names of half A's classes with commas between them. None = no halves: units come from `weights`."""
    keep_weights: bool | None = None
    """Whether every run keeps its selected weights; None = no."""
    settings: Table | None = None
    """Settings of strategies, a table for each: {"lora": {"rank": 4}}; what is not given keeps its default."""
    pooling: str | None = None
    panel_epochs: tuple[int, ...] | str | None = None
    leave_out_refused: bool | None = None
    """Whether a strategy is left out where a backbone refuses it, and the plan says why; None = the experiment is refused."""
    search: Table | None = None
    """Settings of every strategy that are tried on validation first: {"method": "random", "settings": 8}."""
    source_data: str | None = None
    """Where `forgetting` is measured on the source task itself: its images (`cifar10`, `folder:PATH`); see `RunSpec`."""
    score_intervals: int | None = None
    """Resamples for an interval of every score at every depth; see `RunSpec`."""
    controls: bool | None = None
    """Whether what starts from learned weights is compared with training from scratch and a linear probe, and with zero-shot
    where that can answer, also where the strategies do not name them (`engine.added_controls`). None = yes; false = only what is
    named."""
    name: str = ""
    """What people call it; not part of its identity."""

    _outside_identity = ("name",)

    def __post_init__(self) -> None:
        for key in ("backbones", "datasets", "strategies"):
            object.__setattr__(self, key, one_of_each(key, getattr(self, key)))
        if self.frozen_depths != ALL_DEPTHS:
            if isinstance(self.frozen_depths, str):
                raise SpecError(f"frozen_depths is {self.frozen_depths!r}; give a list of whole numbers or 'all'.")
            depths = one_of_each("frozen_depths", self.frozen_depths, kind=int, empty=True)
            for depth in depths:
                whole("frozen_depths", depth, 0, 100_000)
            object.__setattr__(self, "frozen_depths", tuple(sorted(depths)))
        object.__setattr__(self, "seeds", one_of_each("seeds", self.seeds, kind=int))
        for seed in self.seeds:
            whole("seeds", seed, 0, 2**31 - 1)
        object.__setattr__(self, "label_budgets", fields.label_budgets(self.label_budgets))
        fields.weights(self.weights)
        object.__setattr__(self, "measures", one_of_each("measures", self.measures, ALL_MEASURES, empty=True))
        object.__setattr__(self, "train", _train(self.train))
        object.__setattr__(self, "keep_weights", fields.yes("keep_weights", self.keep_weights))
        object.__setattr__(self, "leave_out_refused", fields.yes("leave_out_refused", self.leave_out_refused))
        object.__setattr__(self, "settings", tables("settings", self.settings or {}) or None)
        object.__setattr__(self, "class_splits", fields.class_splits(self.class_splits))
        object.__setattr__(self, "pooling", fields.pooling(self.pooling))
        object.__setattr__(self, "panel_epochs", fields.panel_epochs(self.panel_epochs))
        object.__setattr__(self, "search", search_fields.parse(self.search))
        object.__setattr__(self, "score_intervals", fields.resamples("score_intervals", self.score_intervals))
        fields.source_data(self.source_data, self.measures)
        object.__setattr__(self, "controls", fields.unless_no("controls", self.controls))
        if (
            not isinstance(self.name, str)
            or len(self.name) > 200
            or re.search(r"[\x00-\x1f\x7f\x85\u2028\u2029]", self.name)
            or not storable(self.name)
        ):
            raise SpecError("name must be one line of at most 200 characters.")

    @property
    def experiment_id(self) -> str:
        """Identity of the experiment: submitting the same grid twice is one experiment."""
        return self.identity()

    def to_toml(self) -> str:
        """The spec as TOML, readable by `from_toml`."""
        import tomli_w

        return tomli_w.dumps(self.to_dict())

    @classmethod
    def from_toml(cls, source: str) -> ExperimentSpec:
        """Build a spec from TOML text. Raises SpecError, also where the text is not TOML."""
        try:
            values = tomllib.loads(source)
        except (ValueError, RecursionError) as error:
            raise SpecError(f"This is not TOML: {error}.") from error
        return cls.from_dict(values)

    @classmethod
    def from_file(cls, path: str | Path) -> ExperimentSpec:
        """Read a `.toml` or `.json` file. Raises SpecError naming the file where it cannot be read or is not valid."""
        path = Path(path)
        reader = {".toml": cls.from_toml, ".json": cls.from_json}.get(path.suffix.lower())
        if reader is None:
            raise SpecError(f"{path} is neither .toml nor .json; a spec is one of the two.")
        try:
            return reader(path.read_text(encoding="utf-8-sig"))  # some editors begin files with a byte order mark
        except (OSError, UnicodeDecodeError) as error:
            raise SpecError(f"{path} cannot be read: {error}.") from error
        except SpecError as error:
            raise SpecError(f"{path}: {error}") from error


def _train(value: object) -> TrainSpec:
    return value if isinstance(value, TrainSpec) else TrainSpec.from_dict(value)  # type: ignore[arg-type]
