from collections.abc import Callable

import pandas as pd
import plotly.graph_objects as go
import pytest

from dashboard.figures import measures_by_depth
from dashboard.figures._scale import Scale

Make = Callable[..., pd.DataFrame]
Texts = Callable[[go.Figure], str]


def test_lines_are_means_and_dots_are_runs(transfer_curve: Make) -> None:
    drawn = measures_by_depth(transfer_curve(), networks=[("linear_probe", 4)])
    mean, dots = drawn.figure.data
    # (.40 + .41 + .45) / 3 = .42, and a point more for each unit
    assert list(mean.x) == [1, 2, 3, 4]
    assert list(mean.y) == pytest.approx([43, 44, 45, 46])
    assert list(dots.y)[:3] == pytest.approx([41, 42, 46])
    assert drawn.table["mean_percent"].tolist() == list(mean.y)
    assert drawn.table["seeds"].tolist() == [3] * 4
    assert list(drawn.figure.layout.xaxis.ticktext) == ["stem", "stage1", "stage2", "stage3"]


def test_networks_keep_the_look_of_their_strategy(transfer_curve: Make) -> None:
    drawn = measures_by_depth(transfer_curve())
    names = [t.name for t in drawn.figure.data if t.showlegend is not False]
    assert names == ["Full fine-tuning", "Frozen depth 2", "Linear probe", "From scratch"]
    assert drawn.reading == (
        "The highest mean is 75.0 % (3 seeds), after unit 4 (freezing 2 of 4 units): the last unit measured."
    )
    assert "frozen depth 2: 72.0 after unit 1, highest 75.0 after unit 4, 75.0 after unit 4." in drawn.alt


def test_many_networks_are_thinned_but_ends_and_control_stay(transfer_curve: Make) -> None:
    values = {("partial_fine_tuning", depth): {0: 0.5} for depth in range(1, 10)}
    values |= {("full_fine_tuning", 0): {0: 0.5}, ("linear_probe", 10): {0: 0.5}, ("from_scratch", 0): {0: 0.5}}
    drawn = measures_by_depth(transfer_curve(values))
    names = [t.name for t in drawn.figure.data if t.showlegend is not False]
    assert len(names) == 6
    assert {"Full fine-tuning", "Linear probe", "From scratch"} <= set(names)
    assert "6 more networks not drawn" in drawn.figure.layout.title.subtitle.text
    assert len({(t.line.color, t.line.dash) for t in drawn.figure.data if t.showlegend is not False}) == 6


def test_reading_tells_a_fall_after_the_best_unit(transfer_curve: Make) -> None:
    frame = transfer_curve({("linear_probe", 4): {0: 0.4}})
    frame.loc[(frame["metric"] == "probe_accuracy") & (frame["unit"] == 2), "value"] = 0.9
    assert measures_by_depth(frame).reading == (
        "The highest mean is 90.0 % (1 seed), after unit 2 (the linear probe); the last unit measured, 4, "
        "is 46.0 points below."
    )


@pytest.mark.parametrize("frame", [pd.DataFrame(), None])
def test_nothing_measured_says_what_will_appear(frame: pd.DataFrame | None, transfer_curve: Make) -> None:
    drawn = measures_by_depth(transfer_curve() if frame is None else frame, metric="knn_accuracy")
    assert drawn.title == "Nearest neighbours after each unit"
    assert drawn.figure.layout.annotations[0].text == "Nothing measured yet"
    assert "a line appears for each network" in drawn.reading


def test_an_unknown_network_leaves_an_empty_chart(transfer_curve: Make) -> None:
    drawn = measures_by_depth(transfer_curve(), networks=[("linear_probe", 3)])
    assert drawn.table.empty


def test_series_and_nasty_names(transfer_curve: Make, nasty: str, texts: Texts) -> None:
    frame = pd.concat([transfer_curve(), transfer_curve(dataset=nasty)], ignore_index=True)
    frame.loc[frame["unit"] == 1, "unit_name"] = "<i>stem</i>"
    drawn = measures_by_depth(frame, networks=[("linear_probe", 4)], dark=True)
    spec = texts(drawn.figure)
    assert "<b>my" not in spec
    assert "<i>" not in spec
    assert "Linear probe, &lt;b&gt;my" in spec
    dashes = [t.line.dash for t in drawn.figure.data if t.showlegend is not False]
    assert len(set(dashes)) == 2


def test_identity_survives_growth(transfer_curve: Make) -> None:
    frame = transfer_curve()
    part = measures_by_depth(frame[frame["seed"] == 0], uirevision="k").figure
    whole = measures_by_depth(frame, uirevision="k").figure
    assert [t.uid for t in part.data] == [t.uid for t in whole.data]
    assert whole.layout.uirevision == "k"


LOGME = Scale("logme", "LogME", "LogME (nats per image)")


def scored(make: Make, values: dict[int, float | None], reason: str = "too few images") -> pd.DataFrame:
    """LogME of a linear probe with one seed: a value or a reason at each unit."""
    frame = make({("linear_probe", 4): {0: 0.5}})
    frame = frame[frame["metric"] == "probe_accuracy"].assign(metric="logme", n_features=16, pooling="global_average")
    shown = [values[unit] for unit in frame["unit"]]
    reasons = ["" if value is not None else reason for value in shown]
    return frame.assign(value=pd.Series(shown, frame.index, dtype=float), reason=reasons, detail='{"rank": 7}')


def test_a_score_is_drawn_in_its_own_unit_with_what_it_was_measured_on(transfer_curve: Make) -> None:
    drawn = measures_by_depth(scored(transfer_curve, {1: -0.4, 2: 0.25, 3: 1.5, 4: 1.0}), metric="logme", scale=LOGME)
    mean = drawn.figure.data[0]
    assert list(mean.y) == [-0.4, 0.25, 1.5, 1.0]
    assert drawn.figure.layout.yaxis.title.text == "LogME (nats per image)"
    assert drawn.figure.layout.yaxis.autorangeoptions.clipmax is None
    assert "pooling: global average" in drawn.figure.layout.title.subtitle.text
    assert mean.customdata[0][2] == "<br>N 200, D 16, rank 7"
    assert drawn.table.loc[0, ["n_images", "n_features", "rank", "pooling"]].tolist() == [200, 16, 7, "global_average"]
    assert "%" not in drawn.reading + drawn.alt
    assert drawn.reading.startswith("The highest mean is 1.5 (1 seed), after unit 3")


def test_of_a_score_where_less_is_better_the_lowest_is_named(transfer_curve: Make) -> None:
    lower = Scale("logme", "Distance", "Distance", lower=True)
    drawn = measures_by_depth(scored(transfer_curve, {1: 4.0, 2: 2.0, 3: 3.0, 4: 3.5}), metric="logme", scale=lower)
    assert drawn.reading == (
        "The lowest mean is 2 (1 seed), after unit 2 (the linear probe); the last unit measured, 4, is 1.5 above."
    )
    assert "less is better" in drawn.figure.layout.title.subtitle.text


def test_a_refusal_is_a_gap_a_cross_and_its_reason(transfer_curve: Make, texts: Texts) -> None:
    frame = scored(transfer_curve, {1: None, 2: 0.2, 3: None, 4: 0.4}, "a class has <b>one</b> image")
    drawn = measures_by_depth(frame, metric="logme", scale=LOGME)
    mean, dots, crosses = drawn.figure.data
    assert list(mean.y) == [None, 0.2, None, 0.4]
    assert list(dots.x) == [2, 4]
    assert list(crosses.x) == [1, 3]
    assert "a class has &lt;b&gt;one" in crosses.customdata[0][1]
    assert "<b>one" not in texts(drawn.figure)
    assert "2 of 4 have no value: a class has <b>one</b> image." in drawn.reading
    assert drawn.table["reason"].tolist() == ["a class has <b>one</b> image", "", "a class has <b>one</b> image", ""]
    assert drawn.table["mean"].isna().tolist() == [True, False, True, False]


@pytest.mark.parametrize("scale", [LOGME, None])
def test_refused_everywhere_it_says_why(scale: Scale | None, transfer_curve: Make) -> None:
    drawn = measures_by_depth(scored(transfer_curve, dict.fromkeys(range(1, 5))), metric="logme", scale=scale)
    assert drawn.reading == "No value at any unit: too few images."
    assert "no value; too few images" in drawn.alt


KIND = "random three quarters of every class, 100 resamples"


def with_intervals(frame: pd.DataFrame, ends: dict[int, tuple[float, float] | str]) -> pd.DataFrame:
    """Ends of an interval, or why there is none, at each unit."""
    given = [ends[unit] for unit in frame["unit"]]
    known = [(*one, KIND) if isinstance(one, tuple) else (float("nan"), float("nan"), one) for one in given]
    return frame.assign(**dict(zip(("low", "high", "interval"), zip(*known, strict=True), strict=True)))


def test_intervals_of_a_run_are_a_band_with_their_kind_everywhere(transfer_curve: Make) -> None:
    frame = scored(transfer_curve, {1: -0.4, 2: 0.25, 3: 1.5, 4: 1.0})
    frame = with_intervals(frame, {1: (-0.5, -0.3), 2: (0.0, 0.5), 3: (1.25, 1.75), 4: (0.75, 1.25)})
    drawn = measures_by_depth(frame, metric="logme", scale=LOGME)
    band, mean, _ = drawn.figure.data
    assert list(band.x) == [1, 2, 3, 4, 4, 3, 2, 1, None]
    assert list(band.y) == [-0.3, 0.5, 1.75, 1.25, 0.75, 1.25, 0.0, -0.5, None]
    assert (band.fill, band.showlegend, band.legendgroup) == ("toself", False, mean.legendgroup)
    subtitle = drawn.figure.layout.title.subtitle.text.replace("<br>", " ")
    assert f"band: 95 &#37; interval of one run: {KIND}" in subtitle
    assert drawn.table[["run_low", "run_high"]].to_numpy().tolist() == [
        [-0.5, -0.3],
        [0.0, 0.5],
        [1.25, 1.75],
        [0.75, 1.25],
    ]
    assert set(drawn.table["run_interval"]) == {KIND}
    assert f"1.5 (1 seed; 95 % interval of one run 1.25 to 1.75, {KIND})" in drawn.reading
    assert "95 &#37; interval of one run 1.25 to 1.75" in mean.customdata[2][2].replace("<br>", " ")
    low, high = drawn.figure.layout.yaxis.autorangeoptions.include
    assert low < -0.5
    assert high > 1.75


def test_an_interval_that_stands_alone_is_a_bar_and_a_missing_one_has_its_reason(transfer_curve: Make) -> None:
    frame = scored(transfer_curve, {1: 0.5, 2: 0.25, 3: None, 4: 1.0})
    frame = with_intervals(frame, {1: "no interval: too few <b>images</b>", 2: (0.0, 0.5), 3: "", 4: (0.75, 1.25)})
    drawn = measures_by_depth(frame, metric="logme", scale=LOGME, dark=True)
    bars = drawn.figure.data[0]
    assert list(bars.x) == [2, 4]
    assert list(bars.y) == [0.25, 1.0]
    assert list(bars.error_y.array) == [0.25, 0.25]
    assert "No interval at unit 1: too few <b>images</b>." in drawn.reading
    assert "no interval where the table says why" in drawn.figure.layout.title.subtitle.text
    assert drawn.table["run_interval"].tolist() == ["no interval: too few <b>images</b>", KIND, "", KIND]


def test_of_several_runs_the_band_is_the_mean_of_their_intervals(transfer_curve: Make) -> None:
    frame = transfer_curve({("linear_probe", 4): {0: 0.4, 1: 0.5}})
    frame = frame.assign(low=frame["value"] - 0.1 * (frame["seed"] + 1), high=frame["value"] + 0.1, interval="Wilson")
    drawn = measures_by_depth(frame)
    first = drawn.table.iloc[0]
    # .41 and .51: ends .31 and .31, .51 and .61
    assert first[["mean_percent", "run_low", "run_high"]].tolist() == pytest.approx([46, 31, 56])
    assert (
        "band: 95 &#37; interval of one run (mean of the runs): Wilson"
        in drawn.figure.layout.title.subtitle.text.replace("<br>", " ")
    )
    assert measures_by_depth(frame.assign(interval="")).table.columns.tolist() == [
        name for name in drawn.table.columns if not name.startswith("run_")
    ]
