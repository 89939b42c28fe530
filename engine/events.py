"""What a run reports: frozen records, appended in order and never changed.

Events are facts about what was computed, so that re-running the same RunSpec emits the same events in the same order;
wall-clock progress is not an event (it lives in the run's row, see `Store.beat`).
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeVar


@dataclass(frozen=True)
class Event:
    """Base of all events; `kind` names the class in the store."""

    kind: ClassVar[str]

    def body(self) -> str:
        """The event as compact JSON; NaN and infinities become null, because a reader must not mistake them for numbers."""
        return json.dumps(_finite(dataclasses.asdict(self)), sort_keys=True, separators=(",", ":"))


Kind = TypeVar("Kind", bound=Event)


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value


@dataclass(frozen=True)
class Started(Event):
    """The run was set up: what will be trained, on what, where, with which versions."""

    kind = "started"
    device: str
    precision: str
    unit_names: list[str]
    total_parameters: int
    trainable_parameters: int
    n_train: int
    n_validation: int
    n_test: int
    class_names: list[str]
    dataset_fingerprint: str
    weights: str
    """Where the weights came from, with their checksum or revision."""
    preprocessing: dict[str, Any]
    pooling: str
    versions: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class EpochEnded(Event):
    """One pass over the training images is done; epoch 0 is the state before training."""

    kind = "epoch"
    epoch: int
    train_loss: float | None
    train_accuracy: float | None
    validation_loss: float | None
    validation_accuracy: float | None
    learning_rate: float | None


@dataclass(frozen=True)
class DepthMeasured(Event):
    """A measure of the features after one unit (1-based), on the frozen selected network."""

    kind = "depth"
    unit: int
    unit_name: str
    metric: str
    value: float | None
    n_images: int
    n_features: int
    detail: dict[str, Any] = field(default_factory=dict)
    """How it was chosen (the probe's C, the neighbours' k), or the reason of a refusal."""
    low: float | None = None
    """End of a 95 % interval; both None where none was asked for or there is none."""
    high: float | None = None
    interval: str = ""
    """Its kind, or why there is none; empty where none was asked for."""


@dataclass(frozen=True)
class PanelMeasured(Event):
    """Measures of the features after one unit (1-based) while a network trains, on a fixed set of training images.

    `values`: probe_accuracy (held-out folds), knn_accuracy (leave one out), logme, drift (1 - unbiased CKA with the features
    before training) and weight_change (norm of the change over the norm before); a missing one has its reason in `reasons`.
    """

    kind = "panel"
    epoch: int
    unit: int
    unit_name: str
    values: dict[str, float | None]
    reasons: dict[str, str] = field(default_factory=dict)
    n_images: int = 0


@dataclass(frozen=True)
class PanelCost(Event):
    """What the measures of one epoch took. The seconds are of this machine, so they are no part of what runs must repeat."""

    kind = "panel_cost"
    epoch: int
    n_images: int
    probe_set: str
    """A hash of the images that are measured."""
    seconds: float = field(default=0.0, compare=False)
    epoch_seconds: float | None = field(default=None, compare=False)
    """Of the epoch itself, training and validation; None before training."""


@dataclass(frozen=True)
class SimilarityMeasured(Event):
    """Unbiased linear CKA of every unit's features before training (rows) with every unit's after (columns)."""

    kind = "similarity"
    unit_names: list[str]
    values: list[list[float | None]]
    n_images: int
    batch: int
    """Images per batch over which HSIC was averaged."""
    reasons: dict[str, str] = field(default_factory=dict)
    """Why a cell has no value, by `row,column` (1-based)."""


@dataclass(frozen=True)
class ForgettingMeasured(Event):
    """Accuracy on another task before training and after it, on the same images; see `engine.forgetting`.

    `measure`: `source_accuracy` (the source's own classifier) or `probe_accuracy` (a probe solved on `n_labels` labelled images);
    both empty, with the reason, where there is nothing to ask about. `before` and `after` are 0..1.
    """

    kind = "forgetting"
    task: str
    measure: str
    before: float | None
    after: float | None
    n_images: int
    n_labels: int
    reason: str = ""
    """Why they are missing, or equal by definition."""


@dataclass(frozen=True)
class FreezeChecked(Event):
    """Hashes of every frozen tensor and buffer before and after training; `changed` names those that differ."""

    kind = "freeze"
    frozen_tensors: int
    before: str
    after: str
    changed: list[str]


@dataclass(frozen=True)
class Tested(Event):
    """The sealed test images were read, once, with the selected weights."""

    kind = "tested"
    accuracy: float
    n_images: int
    validation_accuracy: float | None
    epoch: int
    selection: str
    weights_sha256: str


@dataclass(frozen=True)
class Interpolated(Event):
    """Weights on the line from those before the fine-tuning (alpha 0) to those after it (alpha 1), on validation."""

    kind = "interpolated"
    alpha: float
    validation_loss: float | None
    validation_accuracy: float | None
    kept: dict[str, dict[str, float]] = field(default_factory=dict)
    """Accuracy (0..1) on other tasks with these weights, where that is measured: measure -> task -> value, as in
    `engine.forgetting`."""


@dataclass(frozen=True)
class TrialEnded(Event):
    """A search has trained one setting (trial, 1-based; rung of halving, 0-based) and validated it; no test image was read."""

    kind = "trial"
    trial: int
    rung: int
    epochs: int
    learning_rate: float
    settings: dict[str, Any]
    """Of the strategy, those that differ from its defaults."""
    validation_accuracy: float | None
    """None, as the loss, where it diverged."""
    validation_loss: float | None
    flops: float | None = None
    """Of its training and validation; None in events of earlier versions."""
    seconds: float | None = field(default=None, compare=False)
    energy_joules: float | None = field(default=None, compare=False)
    """As the seconds, of this machine and no part of what runs must repeat; both None where it was resumed on its way."""


@dataclass(frozen=True)
class SettingChosen(Event):
    """A search has chosen this setting on validation; the run goes on with it as if it had been asked for."""

    kind = "setting"
    trial: int
    learning_rate: float
    settings: dict[str, Any]
    validation_accuracy: float | None
    validation_loss: float | None


@dataclass(frozen=True)
class Diverged(Event):
    """The loss stopped being a number; what came before stays."""

    kind = "diverged"
    epoch: int
    step: int
    reason: str


@dataclass(frozen=True)
class Notice(Event):
    """A sentence for the user that belongs to the run (a fallback taken, an approximation made)."""

    kind = "notice"
    text: str


def last(events: Sequence[Event], kind: type[Kind]) -> Kind | None:
    """The last event of a kind, or None."""
    return next((event for event in reversed(events) if isinstance(event, kind)), None)


KINDS: dict[str, type[Event]] = {cls.kind: cls for cls in Event.__subclasses__()}


def parse(kind: str, body: str) -> Event:
    """The event that `Event.body` wrote. Raises KeyError for a kind this version does not know."""
    return KINDS[kind](**json.loads(body))
