"""The columns of all frames, documented, with their types: one row per run, per epoch or per depth.

`runs`: experiment_id, experiment (name), run_id, backbone, dataset, strategy, frozen_depth (leading units fixed), n_units,
depth_fraction (frozen_depth / n_units), copied_depth (leading units that start from the weights; NA = all), seed,
label_budget (images used; NA = all labels, or not known before the run has begun), budget (as asked: "100", "5/class",
"10%", "vtab" or "all"), weights, settings (of the strategy) and training (what its experiment asked for beyond the
defaults), n_classes (NA before the run has begun), state, attempt, message, created, started, finished (UTC), seconds
(worked), epochs (planned), val_accuracy and test_accuracy (0..1; test is read once),
test_n (images), selection, trainable_parameters, total_parameters, device, precision, freeze_proof ("held", "broken",
"mistake" where running statistics moved by a strategy that is a mistake on purpose, or "" before it was taken), freeze_changed
(frozen tensors that changed, with commas), progress (0..1), phase, eta_seconds,
queue_position (1 = next), images_per_second. Measured, of finished runs: flops (training, validation, test),
train_images_per_second, peak_memory_bytes (of the process on a processor, of the device's memory on a GPU),
energy_joules, energy_source ("RAPL" or "NVML": counters of the whole machine; "estimated": time x a stated
wattage; "" = not known). Of a searched run flops, seconds, energy_joules and peak memory are of the whole run, and search_flops,
search_seconds and search_energy_joules are the part of it that finding the setting took (all trials but the one whose training
was kept; 0 without a search, NA where not known: a run that was resumed); the rest is what the chosen setting itself took.
optimizer and learning_rate (at its peak; NA = left at auto; of a searched run what the search began with).

`learning_curve`: experiment_id, run_id, backbone, dataset, strategy, frozen_depth, seed, label_budget, budget, epoch (0 = before
training), split (train or validation), metric (accuracy 0..1 or loss in nats), value.

`transfer_curve`: experiment_id, run_id, backbone, dataset, strategy, unit (1 = stem; 0 = none), unit_name, depth_fraction
(unit / n_units), frozen_depth, n_units, seed, label_budget, budget, metric, value (NA where the score has no meaning),
n_images (measured on), n_features (D after pooling), reason (of a missing value), pooling (how a unit's output becomes features),
detail (JSON: how the value was chosen), low and high (of a 95 % interval, where `score_intervals` asked for it), interval (its
kind, or why there is none). `test_accuracy` and `val_accuracy` are of the trained network, at unit = frozen_depth.
All others are of the features after each unit of that run's network: `probe_accuracy` (0..1; detail: C, validation_accuracy,
balanced_accuracy, selectivity) and `knn_accuracy` (0..1) on the test images; `logme`, `h_score`, `h_score_regularised`, `nleep`,
`transrate`, `gbc`, `silhouette`, `ncc`, and `leep` and `nce` (last unit only), on the training images, in the ranges that
`engine.scores.SCORES` states (detail: d, rank).

`panel`: as `transfer_curve` up to n_units, then epoch (0 = before training), metric, value, n_images, reason, pooling. On a fixed
set of training images while the network trains: `probe_accuracy` (held-out folds), `knn_accuracy` (leave one out), `logme`,
`drift` (1 - unbiased CKA with the features before training), `weight_change` (norm of the change / norm before). At unit 0:
`cost_seconds` and `cost_share` (of the epoch's own time).

`interpolation`: experiment_id, run_id, backbone, dataset, strategy, frozen_depth, seed, label_budget, budget, alpha (0 =
before the fine-tuning, 1 = after it), metric, task, value. On the validation images (task ""): accuracy (0..1), loss (nats). On
another task (its name), where `forgetting` is measured: source_accuracy or probe_accuracy (0..1).

`forgetting`: accuracy on other tasks before and after a run; columns in `engine.forgetting`.

`similarity`: experiment_id, run_id, backbone, dataset, strategy, frozen_depth, seed, label_budget, budget, unit_a and unit_a_name
(before training), unit_b and unit_b_name (after it), value (unbiased linear CKA, -1..1), n_images, reason, pooling.

`layer_transfer` and `layer_losses`: the curves of a layer-transfer study, and what every depth loses; columns in
`engine.layer_transfer_frame`. `search`: the settings that a search tried; columns in `engine.search_frame`. `advice`: what the
adviser would have said of every task, graded; columns in `engine.adviser_grades`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from engine import depth_frames, forgetting, run_frame, search_frame

if TYPE_CHECKING:
    import pandas as pd

NAMES = (
    "runs",
    "learning_curve",
    "transfer_curve",
    "panel",
    "similarity",
    "interpolation",
    "search",
    "forgetting",
    "layer_transfer",
    "layer_losses",
    "advice",
)

_CELL = {
    "experiment_id": "str",
    "run_id": "str",
    "backbone": "str",
    "dataset": "str",
    "strategy": "str",
    "frozen_depth": "int64",
    "seed": "int64",
    "label_budget": "Int64",
    "budget": "str",
}
_BUT_EXPERIMENT = {name: kind for name, kind in _CELL.items() if name != "experiment_id"}
COLUMNS: dict[str, dict[str, str]] = {
    "runs": {"experiment_id": "str", "experiment": "str", **_BUT_EXPERIMENT, **run_frame.COLUMNS},
    "search": {**_CELL, **search_frame.COLUMNS},
    "interpolation": {**_CELL, "alpha": "float64", "metric": "str", "task": "str", "value": "float64"},
    "forgetting": {**_CELL, **forgetting.COLUMNS},
    "learning_curve": {**_CELL, "epoch": "int64", "split": "str", "metric": "str", "value": "float64"},
    **{name: {**_CELL, **columns} for name, columns in depth_frames.COLUMNS.items()},
}


def tidy(name: str, rows: Iterable[dict[str, Any]]) -> pd.DataFrame:
    """Rows as a DataFrame with exactly the documented columns and types, also when there are none."""
    import pandas as pd

    columns = COLUMNS[name]
    frame = pd.DataFrame(list(rows), columns=list(columns))
    for column, kind in columns.items():
        if kind.startswith("datetime"):
            frame[column] = pd.to_datetime(frame[column].astype("float64"), unit="s", utc=True).astype(kind)
        else:
            frame[column] = frame[column].astype(kind)
    return frame


def to_csv(frame: pd.DataFrame) -> str:
    """A frame as CSV; text that a spreadsheet would run as a formula (= + - @) is marked as text by an apostrophe."""
    import pandas as pd

    texts = {
        column: frame[column].str.replace(r"^(?=[=+\-@\t\r])", "'", regex=True)
        for column in frame.columns
        if pd.api.types.is_string_dtype(frame[column])
    }
    return frame.assign(**texts).to_csv(index=False)
