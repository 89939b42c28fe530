from collections.abc import Callable

import pandas as pd
import pytest

from dashboard.figures import _cells

Make = Callable[..., pd.DataFrame]


def test_measured_takes_each_run_once_and_leaves_out_what_is_no_number(transfer_curve: Make) -> None:
    frame = transfer_curve()
    frame.loc[frame["run_id"].str.endswith("from_scratch-0-1"), "value"] = float("nan")
    again = frame.assign(experiment_id="e2")  # the same runs, reused by another experiment
    rows = _cells.measured(pd.concat([frame, again], ignore_index=True), "test_accuracy")
    assert len(rows) == 11
    assert _cells.measured(frame.iloc[:0], "test_accuracy").empty


def test_percent_summary_lists_every_seed_and_keeps_all_labels_apart(transfer_curve: Make) -> None:
    frame = pd.concat([transfer_curve(), transfer_curve(label_budget=None)], ignore_index=True)
    rows = _cells.measured(frame, "test_accuracy")
    table = _cells.percent_summary(rows, ["label_budget", "strategy"])
    full = table[table["strategy"] == "full_fine_tuning"]
    assert full["label_budget"].isna().tolist() == [False, True]
    assert full["mean_percent"].tolist() == pytest.approx([62, 62])
    assert full["sd_points"].tolist() == pytest.approx([2, 2])
    assert full["runs_percent"].tolist() == ["60.00, 62.00, 64.00"] * 2
    # half width 4.302653 * 2 / sqrt(3) = 4.968277
    assert full["low_percent"].tolist() == pytest.approx([57.031723] * 2, abs=1e-5)


def test_intervals_of_two_seeds_are_not_drawn() -> None:
    cells = pd.DataFrame({"seeds": [1, 1, 2, 3], "low_percent": [10.0, float("nan"), 10.0, 10.0]})
    assert _cells.interval_drawn(cells).tolist() == [True, False, False, True]


def test_starting_weights_make_series_only_where_they_differ(transfer_curve: Make, runs: Make) -> None:
    rows = _cells.measured(transfer_curve(), "test_accuracy")
    _, columns = _cells.with_weights(rows, runs(), _cells.SERIES)
    assert columns == list(_cells.SERIES)
    other = rows.assign(run_id=rows["run_id"] + "-random")
    weights = pd.concat([runs(), runs().assign(run_id=lambda r: r["run_id"] + "-random", weights="random")])
    both, columns = _cells.with_weights(pd.concat([rows, other], ignore_index=True), weights, _cells.SERIES)
    assert columns == [*_cells.SERIES, "weights"]
    keys = _cells.curve_keys(both, columns)
    assert [key[-1] for key in keys] == ["pretrained", "random"]
    for key in keys:  # the control belongs to both
        assert (_cells.of_series(both, columns, key)["strategy"] == "from_scratch").sum() == 6


def test_series_are_named_in_words_and_ordered_by_size() -> None:
    keys = [("r", "d", None), ("r", "d", 1000), ("r", "d", 50)]
    assert sorted(keys, key=_cells.sort_key) == [("r", "d", 50), ("r", "d", 1000), ("r", "d", None)]
    assert _cells.series_label(keys[1], _cells.SERIES) == "r on d, 1000 labels"
    assert _cells.series_label(keys[0], _cells.SERIES, ["budget"]) == "all labels"
    assert _cells.varying(keys, _cells.SERIES) == ["budget"]
    assert _cells.shared_label(keys, _cells.SERIES) == "r on d"
    assert (
        _cells.series_label((*keys[1], "random"), [*_cells.SERIES, "weights"]) == "r on d, 1000 labels, weights random"
    )


def test_progress_counts_runs_once_and_names_what_went_wrong(runs: Make) -> None:
    frame = runs()
    assert _cells.progress(frame) == ""
    assert _cells.progress(None) == ""
    assert _cells.progress(frame.iloc[:0]) == ""
    frame["state"] = ["finished"] * 3 + ["failed", "diverged"] + ["queued"] * 7
    assert _cells.progress(pd.concat([frame, frame])) == "3 of 12 runs finished, 1 failed, 1 diverged"


@pytest.mark.parametrize(
    ("counts", "note"),
    [
        ([1, 1], "1 seed: exploring (hollow)"),
        ([3, 3], "3 seeds"),
        ([2, 3], "2 to 3 seeds"),
        ([1, 3], "1 to 3 seeds; hollow = 1 seed: exploring"),
    ],
)
def test_seeds_are_always_said(counts: list[int], note: str) -> None:
    assert _cells.seeds_note(pd.Series(counts)) == note


def test_unit_names_only_where_backbones_agree() -> None:
    rows = pd.DataFrame({"unit": [1, 1, 2], "unit_name": ["stem", "conv1", "stage1"]})
    assert _cells.unit_names(rows) == {2: "stage1"}
    assert _cells.unit_names(rows[["unit"]]) == {}


def test_budgets_in_words_are_series_of_their_own(transfer_curve) -> None:
    asked = ["50", "1000", "5/class", "20/class", "10%", "vtab", "all"]
    frame = pd.concat([transfer_curve(label_budget=1000, budget=one) for one in asked], ignore_index=True)
    rows, columns = _cells.with_weights(_cells.measured(frame, "test_accuracy"), None, _cells.SERIES)
    keys = _cells.curve_keys(rows, columns)
    assert [key[-1] for key in keys] == ["50", "1000", "vtab", "5/class", "10%", "20/class", "all"]
    said = [_cells.series_label(key, columns, ["budget"]) for key in keys]
    assert said[2:5] == ["1,000 labels (VTAB)", "5 per class", "10% of the labels"]


def test_a_frame_from_before_budgets_had_words_is_drawn_as_it_was(transfer_curve) -> None:
    frame = transfer_curve().drop(columns="budget")
    rows, _ = _cells.with_weights(_cells.measured(frame, "test_accuracy"), None, _cells.SERIES)
    assert set(rows["budget"]) == {"100"}
