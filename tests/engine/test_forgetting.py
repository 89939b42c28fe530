import pandas as pd
import pytest

from engine.forgetting import drift, with_drift

COLUMNS = ["run_id", "epoch", "unit", "metric", "value"]
PANEL = pd.DataFrame(
    [
        ("a", 0, 1, "drift", 0.0), ("a", 0, 2, "drift", 0.0), ("a", 2, 1, "drift", 0.0), ("a", 2, 2, "drift", 0.1),
        ("a", 5, 1, "drift", 0.1), ("a", 5, 2, "drift", 0.3), ("a", 5, 2, "logme", 9.0), ("b", 0, 1, "drift", 0.0),
    ],
    columns=COLUMNS,
)  # fmt: skip


def test_drift_is_the_mean_over_units_at_the_last_epoch() -> None:
    assert drift(PANEL).to_dict() == {"a": pytest.approx(0.2)}  # b was measured before training only


def test_runs_without_a_panel_have_none() -> None:
    runs = with_drift(pd.DataFrame({"run_id": ["a", "b", "c"]}), PANEL)
    assert runs["drift"].tolist() == pytest.approx([0.2, float("nan"), float("nan")], nan_ok=True)
    assert with_drift(pd.DataFrame({"run_id": ["a"]}), PANEL.iloc[:0])["drift"].isna().all()
