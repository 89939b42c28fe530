"""What a run has forgotten: accuracy on other tasks before and after it, and how far its features drifted. Frames, without torch.

The measure `forgetting` asks, in this order (`engine.kept` computes it):

- *Source accuracy*, where the source task's classifier and images are on this machine: the classifier that came with the
  weights, put on the backbone before training and after it, on test images of the source.
- *Probe accuracy on held tasks* otherwise: a linear probe solved on the last unit's features of tasks that need no download and
  are not the target, with the backbone before and after. It says what can still be read off, not what the old classifier knows.

The frame `forgetting` has, beside the columns that say which run a row is of: task (a dataset's name; "" where nothing is
measured), measure ("source_accuracy", "probe_accuracy" or ""), before and after (accuracy 0..1 on the same images), drop (before
- after, -1..1; negative: better than before), n_images (tested on), n_labels (the probe was solved on; 0 for source accuracy)
and reason (why before and after are missing, or equal by definition).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from engine.events import Event, ForgettingMeasured

if TYPE_CHECKING:
    import pandas as pd

MEASURE = "forgetting"
SOURCE, PROBE = "source_accuracy", "probe_accuracy"
HELD = ("shapes:0", "textures", "rotations")
"""Tasks that are drawn here; the first two that are not of the target's kind are probed."""
N_HELD = 2
LABELS, IMAGES, SOURCE_IMAGES = 200, 500, 1_000
"""Labelled and test images of a held task, and test images of the source: a point of standard error at 90 % of a thousand."""
AXES = {"source_lost": SOURCE, "held_lost": PROBE}
"""Columns of `with_forgetting` in percentage points, and the measure that each is of."""

COLUMNS = {
    "task": "str",
    "measure": "str",
    "before": "float64",
    "after": "float64",
    "drop": "float64",
    "n_images": "Int64",
    "n_labels": "Int64",
    "reason": "str",
}
"""Of the frame `forgetting`, without those that say which run a row is of."""


def held_tasks(target: str) -> tuple[str, ...]:
    """The tasks that are probed for a target: never itself, and no other drawing of its figures."""
    kind = target.partition(":")[0]
    return tuple(task for task in HELD if task.partition(":")[0] != kind)[:N_HELD]


def images_passed(measures: Sequence[str], target: str, source: str | None, *, times: int = 1) -> int:
    """Images that the measure passes through the network once it is trained, for estimates of cost.

    Args:
        measures: of the run.
        target: its dataset.
        source: the dataset that was named as the source's; None where held tasks are probed.
        times: how often it is asked: once, or at every step between two weights.
    """
    if MEASURE not in measures:
        return 0
    return times * (SOURCE_IMAGES if source else (LABELS + IMAGES) * len(held_tasks(target)))


def rows(cell: dict[str, Any], events: Sequence[Event]) -> Iterator[dict[str, Any]]:
    """Rows of the frame `forgetting`."""
    for event in events:
        if isinstance(event, ForgettingMeasured):
            known = event.before is not None and event.after is not None
            yield cell | {
                "task": event.task,
                "measure": event.measure,
                "before": event.before,
                "after": event.after,
                "drop": event.before - event.after if known else None,  # type: ignore[operator]
                "n_images": event.n_images or None,
                "n_labels": event.n_labels if event.measure else None,
                "reason": event.reason,
            }


def drift(panel: pd.DataFrame) -> pd.Series:
    """Return the drift of each run by run_id: 1 - CKA with the features before training, at the last epoch that was measured,
    on average over all units. 0 = nothing changed. Frozen units count: what is not touched is not forgotten.

    Drift is no accuracy: it says that features changed, not that the source task is done worse. A run without a panel has none.

    Args:
        panel: the `panel` frame.
    """
    rows = panel[(panel["metric"] == "drift") & panel["value"].notna()]
    last = rows["epoch"] == rows.groupby("run_id")["epoch"].transform("max")
    return rows[last & (rows["epoch"] > 0)].groupby("run_id")["value"].mean().rename("drift")


def with_forgetting(runs: pd.DataFrame, panel: pd.DataFrame, forgetting: pd.DataFrame) -> pd.DataFrame:
    """Return the runs with what they have lost; NA where it was not measured.

    Columns: `drift` (see there), `source_lost` and `held_lost`: accuracy before - after in percentage points on the source task,
    and on average over the held tasks.

    Args:
        runs: the `runs` frame.
        panel: the `panel` frame of the same experiments.
        forgetting: the `forgetting` frame of the same experiments.
    """
    known = forgetting[forgetting["drop"].notna()].drop_duplicates(["run_id", "measure", "task"])
    found = {"drift": drift(panel)}
    for column, measure in AXES.items():
        found[column] = known[known["measure"] == measure].groupby("run_id")["drop"].mean() * 100
    return runs.assign(**{name: runs["run_id"].map(values).astype("float64") for name, values in found.items()})


def offered(panel: pd.DataFrame, forgetting: pd.DataFrame) -> list[str]:
    """The columns of `with_forgetting` that have values in these frames, the most direct measure first."""
    measured = set(forgetting.loc[forgetting["drop"].notna(), "measure"])
    found = [column for column, measure in AXES.items() if measure in measured]
    return found + (["drift"] if len(drift(panel)) else [])
