"""What was forgotten: frames and columns against tables worked out by hand."""

import pandas as pd
import pytest

from engine import events, forgetting
from engine.forgetting import drift, held_tasks, images_passed, offered, rows, with_forgetting

COLUMNS = ["run_id", "epoch", "unit", "metric", "value"]
PANEL = pd.DataFrame(
    [
        ("a", 0, 1, "drift", 0.0), ("a", 0, 2, "drift", 0.0), ("a", 2, 1, "drift", 0.0), ("a", 2, 2, "drift", 0.1),
        ("a", 5, 1, "drift", 0.1), ("a", 5, 2, "drift", 0.3), ("a", 5, 2, "logme", 9.0), ("b", 0, 1, "drift", 0.0),
    ],
    columns=COLUMNS,
)  # fmt: skip
FOUND = [
    events.ForgettingMeasured("cifar10", "source_accuracy", 0.9, 0.65, 1000, 0),
    events.ForgettingMeasured("shapes:0", "probe_accuracy", 0.5, 0.25, 500, 200),
    events.ForgettingMeasured("textures", "probe_accuracy", 0.5, 0.625, 500, 200),
    events.ForgettingMeasured("noise", "probe_accuracy", None, None, 500, 200, "all are the same"),
    events.ForgettingMeasured("", "", None, None, 0, 0, "random weights"),
]


def frame(**by_run: list) -> pd.DataFrame:
    made = [row for run_id, found in by_run.items() for row in rows({"run_id": run_id}, found)]
    return pd.DataFrame(made, columns=["run_id", *forgetting.COLUMNS]).astype({"drop": "float64"})


def test_rows_hold_before_after_and_the_drop_or_the_reason() -> None:
    found = frame(a=FOUND)
    assert found["task"].tolist() == ["cifar10", "shapes:0", "textures", "noise", ""]
    assert found["drop"].tolist() == pytest.approx([0.25, 0.25, -0.125, float("nan"), float("nan")], nan_ok=True)
    assert found["n_labels"].tolist()[:4] == [0, 200, 200, 200]
    assert pd.isna(found["n_labels"].iloc[4])
    assert pd.isna(found["n_images"].iloc[4])
    assert found["reason"].tolist() == ["", "", "", "all are the same", "random weights"]
    # of a finished training the text of events, read back, gives the same
    assert [events.parse(one.kind, one.body()) for one in FOUND] == FOUND


def test_drift_is_the_mean_over_units_at_the_last_epoch() -> None:
    assert drift(PANEL).to_dict() == {"a": pytest.approx(0.2)}  # b was measured before training only


def test_runs_get_what_they_lost_in_points_held_tasks_on_average() -> None:
    runs = with_forgetting(pd.DataFrame({"run_id": ["a", "b", "c"]}), PANEL, frame(a=FOUND, b=FOUND[4:]))
    assert runs["drift"].tolist() == pytest.approx([0.2, float("nan"), float("nan")], nan_ok=True)
    assert runs["source_lost"].tolist() == pytest.approx([25.0, float("nan"), float("nan")], nan_ok=True)
    # (25 - 12.5) / 2; the task without a value is left out
    assert runs["held_lost"].tolist() == pytest.approx([6.25, float("nan"), float("nan")], nan_ok=True)


def test_a_run_that_several_experiments_share_counts_once() -> None:
    twice = pd.concat([frame(a=FOUND), frame(a=FOUND)])
    assert with_forgetting(pd.DataFrame({"run_id": ["a"]}), PANEL.iloc[:0], twice)["held_lost"].tolist() == [6.25]


def test_nothing_measured_offers_nothing() -> None:
    nothing = frame(b=FOUND[4:])
    runs = with_forgetting(pd.DataFrame({"run_id": ["a"]}), PANEL.iloc[:0], nothing)
    assert runs[["drift", "source_lost", "held_lost"]].isna().all(axis=None)
    assert offered(PANEL.iloc[:0], nothing) == []
    assert offered(PANEL, frame(a=FOUND)) == ["source_lost", "held_lost", "drift"]
    assert offered(PANEL.iloc[:0], frame(a=FOUND[1:])) == ["held_lost"]


@pytest.mark.parametrize(
    ("target", "held"),
    [
        ("digits", ("shapes:0", "textures")),
        ("textures", ("shapes:0", "rotations")),
        ("shapes:3", ("textures", "rotations")),  # the same figures as shapes:0
        ("folder:/shapes", ("shapes:0", "textures")),
    ],
)
def test_the_target_is_never_held(target: str, held: tuple[str, ...]) -> None:
    assert held_tasks(target) == held


def test_images_that_the_measure_passes() -> None:
    assert images_passed(("knn",), "digits", None) == 0
    assert images_passed(("forgetting",), "digits", None) == 2 * (200 + 500)
    assert images_passed(("forgetting",), "digits", "cifar10", times=12) == 12_000
