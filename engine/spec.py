"""What is asked for: `ExperimentSpec` (a grid), `RunSpec` (one cell, one seed), `TrainSpec` (how one cell is trained).

All are frozen, validated when made, and identified by the hash of their canonical JSON: the same question is the same
experiment, whoever asks it and whatever they call it.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from engine import budgets, search_fields
from engine.budgets import Budget
from engine.checks import Table, choice, number, one_of_each, storable, table, tables, text, unknown_keys, whole
from engine.errors import SpecError

# Part of every identity: raised when the meaning of a spec (not its spelling) changes, so that old runs are not reused.
SPEC_VERSION = 1

AUTO = "auto"
OPTIMIZERS = (AUTO, "sgd", "adamw")
SCHEDULES = ("one_cycle", "cosine", "constant", "warmup_cosine", "slanted_triangular")
AUGMENTATIONS = ("dataset", "none", "crop", "crop_colour", "crop_flip", "crop_flip_colour", "crop_flip_erase")
SELECTIONS = ("best_validation", "last_epoch")
PRECISIONS = ("auto", "float32", "bfloat16")
MEASURES = ("linear_probe", "knn", "logme")
"""Measures of a run that asks for none in particular: they cost less than the pass that reads the features."""
ALL_MEASURES = (
    "linear_probe", "knn", "ncc", "logme", "h_score", "h_score_regularised", "nleep", "transrate", "gbc", "silhouette",
    "leep", "nce", "cka_matrix", "forgetting",
)  # fmt: skip
"""Every score of labelled features; those of the source head (last unit only); the similarity of every pair of units; and what
is forgotten of other tasks."""
OF_A_RUN = ("cka_matrix", "forgetting")
"""Measures that compare a network before and after its training: no scores of features."""
POOLINGS = ("global_average", "adaptive_9k", "class_token", "patch_mean")
ALL_DEPTHS = "all"


class _Spec:
    """Shared by the specs: canonical form, identity, dictionaries in and out."""

    # Fields that name or file a spec but do not change what is measured.
    _outside_identity: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain dictionaries, lists and numbers, in field order; values that are None are left out (TOML has no null)."""
        return {name: value for name, value in _plain(dataclasses.asdict(self)).items() if value is not None}  # type: ignore[call-overload]

    def identity(self) -> str:
        """Sixteen hexadecimal digits that two specs share exactly when they ask for the same measurements."""
        content = {name: value for name, value in self.to_dict().items() if name not in self._outside_identity}
        canonical = json.dumps([type(self).__name__, SPEC_VERSION, content], sort_keys=True, separators=(",", ":"))
        return hashlib.blake2b(canonical.encode(), digest_size=8).hexdigest()

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Build a spec from plain values.

        Raises:
            SpecError: a key is unknown (near matches are named), a type is wrong or a value is out of range.
        """
        if not isinstance(values, dict):
            raise SpecError(f"{cls.__name__} wants a table of keys and values, and was given {values!r}.")
        fields = dataclasses.fields(cls)  # type: ignore[arg-type]
        unknown_keys(cls.__name__, values, [f.name for f in fields])
        needed = [f.name for f in fields if f.default is f.default_factory is dataclasses.MISSING]
        if missing := [name for name in needed if name not in values]:
            raise SpecError(f"{cls.__name__} needs {', '.join(missing)}.")
        return cls(**values)

    def to_json(self) -> str:
        """The spec as indented JSON."""
        return json.dumps(self.to_dict(), indent=2)

    @classmethod
    def from_json(cls, source: str) -> Self:
        """Build a spec from JSON text. Raises SpecError, also where the text is not JSON."""
        try:
            values = json.loads(source)
        except (ValueError, RecursionError) as error:  # also numbers of thousands of digits, and endless brackets
            raise SpecError(f"This is not JSON: {error}.") from error
        return cls.from_dict(values)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items() if item is not None}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return value


@dataclass(frozen=True)
class TrainSpec(_Spec):
    """How the trainable part is trained; the same for every strategy of an experiment, so that only the strategy differs.

    Optimiser and learning rate are the exception where they are left at `auto`: then each strategy gets those it is known to
    work with (see `engine.recipes`), and the planned runs say which. What is given holds for all strategies.
    """

    epochs: int = 30
    """Passes over the training images, 1..10000."""
    batch_size: int = 32
    """Images per step, 1..65536."""
    learning_rate: float | str = AUTO
    """Peak learning rate, above 0 and at most 100, or `auto`: as suits strategy and optimiser."""
    optimizer: str = AUTO
    """`sgd` (Nesterov momentum 0.9), `adamw` or `auto`: as suits strategy and backbone."""
    weight_decay: float = 5e-4
    """L2 (sgd) or decoupled (adamw) weight decay, 0..1; never applied to frozen tensors."""
    schedule: str = "one_cycle"
    """`one_cycle` (linear warm-up over 20 % of the steps, cosine to 0), `cosine`, `constant`, `warmup_cosine` (over 5 %) or
    `slanted_triangular` (Howard & Ruder 2018)."""
    cycles: int = 1
    """How often the schedule is run through, each time from its start (warm restarts), 1..100."""
    label_smoothing: float = 0.0
    """0..0.9."""
    augmentation: str = "dataset"
    """`dataset` (its own default), `none`, `crop` (random shift by 1/8), `crop_flip` (and mirrored half the time),
    `crop_colour` or `crop_flip_colour` (and brightness, contrast and saturation changed by up to 40 %) or
    `crop_flip_erase` (and a random square filled with the mean colour, half the time)."""
    selection: str = "best_validation"
    """Which epoch's weights are tested: `best_validation` (ties: lower loss) or `last_epoch`. Never chosen on test."""
    precision: str = "auto"
    """`auto` (bfloat16 where the processor has it), `float32` or `bfloat16`."""

    def __post_init__(self) -> None:
        whole("epochs", self.epochs, 1, 10_000)
        whole("batch_size", self.batch_size, 1, 65_536)
        if self.learning_rate != AUTO:
            number("learning_rate", self.learning_rate, 0, 100, open_below=True, or_word=AUTO)
        choice("optimizer", self.optimizer, OPTIMIZERS)
        number("weight_decay", self.weight_decay, 0, 1)
        choice("schedule", self.schedule, SCHEDULES)
        whole("cycles", self.cycles, 1, 100)
        number("label_smoothing", self.label_smoothing, 0, 0.9)
        choice("augmentation", self.augmentation, AUGMENTATIONS)
        choice("selection", self.selection, SELECTIONS)
        choice("precision", self.precision, PRECISIONS)
        # 1 and 1.0 must be the same experiment, and so must 0.0 and -0.0.
        for name in ("learning_rate", "weight_decay", "label_smoothing"):
            if (value := getattr(self, name)) != AUTO:
                object.__setattr__(self, name, float(value) + 0.0)


@dataclass(frozen=True)
class RunSpec(_Spec):
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
        object.__setattr__(self, "keep_weights", _yes("keep_weights", self.keep_weights))
        object.__setattr__(self, "settings", table("settings", self.settings or {}) or None)
        _weights(self.weights)
        object.__setattr__(self, "measures", one_of_each("measures", self.measures, ALL_MEASURES, empty=True))
        object.__setattr__(self, "train", _train(self.train))
        object.__setattr__(self, "pooling", _pooling(self.pooling))
        object.__setattr__(self, "panel_epochs", _panel_epochs(self.panel_epochs))
        object.__setattr__(self, "search", search_fields.parse(self.search))
        _source_data(self.source_data, self.measures)

    @property
    def run_id(self) -> str:
        """Identity of the run: two experiments that plan the same cell share it, and it is computed once."""
        return self.identity()


@dataclass(frozen=True)
class ExperimentSpec(_Spec):
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
        object.__setattr__(self, "label_budgets", _budgets(self.label_budgets))
        _weights(self.weights)
        object.__setattr__(self, "measures", one_of_each("measures", self.measures, ALL_MEASURES, empty=True))
        object.__setattr__(self, "train", _train(self.train))
        object.__setattr__(self, "keep_weights", _yes("keep_weights", self.keep_weights))
        object.__setattr__(self, "leave_out_refused", _yes("leave_out_refused", self.leave_out_refused))
        object.__setattr__(self, "settings", tables("settings", self.settings or {}) or None)
        object.__setattr__(self, "class_splits", _splits(self.class_splits))
        object.__setattr__(self, "pooling", _pooling(self.pooling))
        object.__setattr__(self, "panel_epochs", _panel_epochs(self.panel_epochs))
        object.__setattr__(self, "search", search_fields.parse(self.search))
        _source_data(self.source_data, self.measures)
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


def _budgets(values: object) -> tuple[Budget, ...]:
    if isinstance(values, str) or not isinstance(values, Sequence):
        raise SpecError(f"label_budgets is {values!r}; it must be a list, for example [100, '5/class'].")
    return tuple(dict.fromkeys(budgets.parse("label_budgets", value) for value in values))


def _weights(value: object) -> None:
    text("weights", value)
    if value not in ("pretrained", "random") and not re.match(r"file:\s*\S|run:[0-9a-f]{16}$", str(value)):
        raise SpecError(
            f"weights is {value!r}; use 'pretrained', 'random', 'file:PATH' of a .safetensors file, or 'run:RUN_ID' of a"
            " run that kept its weights."
        )


def _splits(values: object) -> tuple[int | str, ...] | None:
    """The splits, each once; None where there are none."""
    if values is None:
        return None
    if isinstance(values, str) or not isinstance(values, Sequence):
        raise SpecError(f"class_splits is {values!r}; it must be a list of seeds or of class names joined by commas.")
    for value in values:
        if isinstance(value, str):
            text("class_splits", value)
        else:
            whole("class_splits", value, 0, 2**31 - 1)
    return tuple(dict.fromkeys(values)) or None


def _yes(name: str, value: object) -> bool | None:
    """True, or None for no: what is not asked for is no part of an identity."""
    if value is not None and not isinstance(value, bool):
        raise SpecError(f"{name} is {value!r}; it must be true or false.")
    return value or None


def _source_data(value: object, measures: tuple[str, ...]) -> None:
    if value is None:
        return
    text("source_data", value)
    if "forgetting" not in measures:
        raise SpecError(
            f"source_data is {value!r}, and nothing asks for it: add 'forgetting' to the measures, or leave it out."
        )


def _pooling(value: object) -> str | None:
    """A name, or None for the usual one: what is not asked for is no part of an identity."""
    if value is None:
        return None
    choice("pooling", value, POOLINGS)
    return None if value == POOLINGS[0] else str(value)


def _panel_epochs(value: object) -> tuple[int, ...] | str | None:
    if value is None or value == () or value == []:
        return None
    if isinstance(value, str):
        if value.strip().lower() == "auto":
            return "auto"
        found = re.fullmatch(r"\s*every\s+(\d{1,5})\s*", value, re.ASCII | re.IGNORECASE)
        if not found or not 1 <= int(found[1]) <= 10_000:
            raise SpecError(
                f"panel_epochs is {value!r}; give a list of epochs, for example [0, 5, 10], 'every 5' or 'auto'."
            )
        return f"every {int(found[1])}"
    epochs = one_of_each("panel_epochs", value, kind=int)
    for epoch in epochs:
        whole("panel_epochs", epoch, 0, 10_000)
    return tuple(sorted(epochs))
