from collections.abc import Callable

import pandas as pd
import plotly.graph_objects as go
import pytest

from dashboard.figures import accuracy_cost

Make = Callable[..., pd.DataFrame]
Texts = Callable[[go.Figure], str]


def test_means_of_cost_and_accuracy_and_the_front(runs: Make) -> None:
    drawn = accuracy_cost(runs())
    table = drawn.table.set_index("strategy")
    # seconds are 60 - 10 depth + seed, so 1 more on average; scratch costs as much as full fine-tuning and is worse
    assert table["seconds"].to_dict() == pytest.approx(
        {"linear_probe": 21, "partial_fine_tuning": 41, "full_fine_tuning": 61, "from_scratch": 61}
    )
    assert table["on_front"].to_dict() == {
        "linear_probe": True, "partial_fine_tuning": True, "full_fine_tuning": False, "from_scratch": False}  # fmt: skip
    (front,) = [t for t in drawn.figure.data if t.name == "Pareto front"]
    assert (list(front.x), list(front.y)) == (pytest.approx([21, 41]), pytest.approx([42, 71]))
    assert drawn.reading == (
        "By means, nothing measured is both cheaper and better than the linear probe and freezing 2 of 4 units: "
        "from 42.0 % for 21 s to 71.0 % for 41 s."
    )
    assert "freezing 2 of 4 units 71.0 % for 41 s, on the front" in drawn.alt


def test_traces_equal_the_table(runs: Make) -> None:
    drawn = accuracy_cost(runs())
    drawn_means = {t.name: (t.x[0], t.y[0]) for t in drawn.figure.data if t.marker.size == 11}
    assert drawn_means["Linear probe"] == tuple(drawn.table.loc[0, ["seconds", "mean_percent"]])
    dots = [x for t in drawn.figure.data if t.marker.size == 5 for x in t.x]
    assert sorted(dots) == [20, 21, 22, 40, 41, 42, 60, 60, 61, 61, 62, 62]


def test_equal_cells_do_not_push_each_other_off_the_front(runs: Make) -> None:
    values = {("linear_probe", 4): {0: 0.5}, ("partial_fine_tuning", 4): {0: 0.5}}
    assert accuracy_cost(runs(values)).table["on_front"].tolist() == [True, True]


def test_the_axis_is_logarithmic_where_costs_lie_far_apart(runs: Make) -> None:
    assert accuracy_cost(runs()).figure.layout.xaxis.type != "log"
    far = accuracy_cost(runs(), cost="trainable_parameters").figure.layout.xaxis
    assert (far.type, far.title.text) == ("log", "Trained parameters (log scale)")
    seconds = runs().assign(seconds=[10.0**place for place in range(12)])
    assert accuracy_cost(seconds).figure.layout.xaxis.title.text == "Time of a run (s, log scale)"
    zero = runs().assign(trainable_parameters=lambda r: r["trainable_parameters"].where(r["seed"] > 0, 0))
    assert accuracy_cost(zero, cost="trainable_parameters").figure.layout.xaxis.type != "log"


def test_small_costs_are_plain_numbers_on_the_axis_and_large_ones_are_shortened(runs: Make) -> None:
    def ticks(values: list[float]) -> str:
        return accuracy_cost(runs().assign(seconds=values)).figure.layout.xaxis.tickformat

    assert ticks([0.25] * 12) == ticks([2.0] * 12) == "~g"  # not 250m
    assert ticks([0.05 * 3.0**place for place in range(12)]) == "~g"
    assert ticks([2000.0] * 12) == ticks([2.0 * 3.0**place for place in range(12)]) == "~s"


def test_runs_without_accuracy_or_cost_are_left_out(runs: Make) -> None:
    frame = runs()
    frame.loc[frame["strategy"] == "linear_probe", "test_accuracy"] = float("nan")
    frame.loc[frame["strategy"] == "from_scratch", "seconds"] = float("nan")
    frame.loc[frame["strategy"] == "linear_probe", "state"] = "failed"
    drawn = accuracy_cost(frame)
    assert set(drawn.table["strategy"]) == {"partial_fine_tuning", "full_fine_tuning"}
    assert drawn.title == "Test accuracy by time: 9 of 12 runs finished, 3 failed"
    assert drawn.reading.startswith(
        "By means, freezing 2 of 4 units is both the cheapest and the most accurate: 71.0 %"
    )


def test_nothing_measured_and_unknown_cost(runs: Make) -> None:
    waiting = runs().assign(test_accuracy=float("nan"), state="queued")
    for frame in (pd.DataFrame(), waiting):
        drawn = accuracy_cost(frame)
        assert drawn.figure.layout.annotations[0].text == "Nothing measured yet"
        assert "left is cheaper" in drawn.reading
    with pytest.raises(ValueError, match="trainable_parameters"):
        accuracy_cost(runs(), cost="money")


def test_nullable_parameters_and_all_labels(runs: Make) -> None:
    frame = runs(label_budget=None).astype({"trainable_parameters": "Int64", "test_n": "Int64"})
    frame.loc[0, "trainable_parameters"] = pd.NA
    drawn = accuracy_cost(frame, cost="trainable_parameters")
    assert drawn.table.set_index("strategy").loc["full_fine_tuning", "seeds"] == 2
    assert drawn.figure.layout.title.subtitle.text.startswith("resnet on digits, all labels")


def test_long_fronts_are_read_by_their_ends(runs: Make) -> None:
    values = {("partial_fine_tuning", depth): {0: 0.8 - 0.1 * depth} for depth in range(1, 6)}
    reading = accuracy_cost(runs(values)).reading
    assert reading.startswith("By means, 5 of 5 cells are on the Pareto front, from freezing 5 of 4 units")


def test_one_seed_series_names_and_theme(runs: Make, nasty: str, texts: Texts) -> None:
    frame = pd.concat([runs({("linear_probe", 4): {0: 0.5}}), runs(dataset=nasty)], ignore_index=True)
    drawn = accuracy_cost(frame, dark=True, uirevision="k")
    spec = texts(drawn.figure)
    assert "<b>my" not in spec
    assert "&lt;b&gt;my" in spec
    assert "hollow = 1 seed: exploring" in drawn.figure.layout.title.subtitle.text
    assert drawn.reading == "By means, 3 of 5 cells are on the Pareto front of their series."
    assert drawn.figure.layout.uirevision == "k"
    uids = [t.uid for t in drawn.figure.data]
    assert len(set(uids)) == len(uids)


def test_of_searched_runs_the_whole_is_drawn_or_the_chosen_setting_alone(runs: Make) -> None:
    """Full fine-tuning was searched: 45 of its 60 to 62 seconds, of its last seed not known; the others were not."""
    frame = runs().assign(search_seconds=0.0)
    full = frame["strategy"] == "full_fine_tuning"
    frame.loc[full, "search_seconds"] = [45.0, 45.0, float("nan")]
    whole, alone = accuracy_cost(frame), accuracy_cost(frame, alone=True)
    by = {name: drawn.table.set_index("strategy") for name, drawn in (("whole", whole), ("alone", alone))}
    assert by["whole"].loc["full_fine_tuning", ["seconds", "search_part"]].tolist() == [61, 45]
    assert by["alone"].loc["full_fine_tuning", ["seconds", "search_part", "seeds"]].tolist() == [15.5, 45, 2]
    assert by["whole"].loc["linear_probe", ["seconds", "search_part"]].tolist() == [21, 0]
    assert by["alone"].loc["linear_probe", "seconds"] == 21
    assert whole.figure.layout.xaxis.title.text == "Time of a run, search included (s)"
    assert alone.figure.layout.xaxis.title.text == "Time of a run, chosen setting alone (s)"
    assert "finding the setting: 74 &#37; of a searched run" in whole.figure.layout.title.subtitle.text
    assert "against time of a run, search included (s)" in whole.alt
    hovers = {t.name: t.hovertext for t in whole.figure.data if t.marker.size == 11}
    assert "finding the setting: 45 s" in hovers["Full fine-tuning"][0]
    assert "finding" not in hovers["Linear probe"][0]


def test_costs_that_a_search_does_not_add_to_are_as_ever(runs: Make) -> None:
    frame = runs().assign(search_seconds=0.0)
    assert "search_part" not in accuracy_cost(frame).table
    searched = frame.assign(search_seconds=1.0)
    drawn = accuracy_cost(searched, cost="trainable_parameters", alone=True)
    assert "search_part" not in drawn.table
    assert "search" not in drawn.figure.layout.xaxis.title.text
