import json
from collections.abc import Callable
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import pytest

from dashboard.figures import _style, accuracy_by_depth

Make = Callable[..., pd.DataFrame]
Texts = Callable[[go.Figure], str]


def named(figure: go.Figure, name: str, mode: str = "markers") -> Any:
    """Return the one trace that stands in the legend under this name."""
    (trace,) = [t for t in figure.data if t.name == name and t.showlegend and t.mode == mode]
    return trace


def test_traces_hold_the_means_of_the_seeds(transfer_curve: Make) -> None:
    figure = accuracy_by_depth(transfer_curve()).figure
    for name, depth, mean in [
        ("Full fine-tuning", 0, 62),
        ("Partial fine-tuning", 2, 71),
        ("Linear probe", 4, 42),
    ]:
        trace = named(figure, name)
        assert list(trace.x) == [depth]
        assert list(trace.y) == pytest.approx([mean])
    control = named(figure, "From scratch", "lines")
    assert list(control.x) == [0, 4]
    assert list(control.y) == pytest.approx([35, 35])
    (curve,) = [t for t in figure.data if t.mode == "lines" and not t.fill and not t.showlegend]
    assert list(curve.x) == [0, 2, 4]
    assert list(curve.y) == pytest.approx([62, 71, 42])


def test_every_seed_is_a_dot(transfer_curve: Make) -> None:
    figure = accuracy_by_depth(transfer_curve()).figure
    dots = [(x, round(y, 6)) for t in figure.data if t.marker.size == 6 for x, y in zip(t.x, t.y, strict=True)]
    full, partial, probe = [(0, 60), (0, 62), (0, 64)], [(2, 70), (2, 71), (2, 72)], [(4, 40), (4, 41), (4, 45)]
    assert sorted(dots) == sorted([*full, *partial, *probe, (0, 30), (0, 35), (0, 40)])


def test_table_twin_equals_the_traces(transfer_curve: Make) -> None:
    drawn = accuracy_by_depth(transfer_curve())
    table = drawn.table
    assert table["frozen_depth"].tolist() == [0, 2, 4, 0]
    assert table["strategy"].iloc[-1] == "from_scratch"
    means = [
        y for name in ("Full fine-tuning", "Partial fine-tuning", "Linear probe") for y in named(drawn.figure, name).y
    ]
    assert table["mean_percent"].tolist()[:3] == means
    band = next(t for t in drawn.figure.data if t.fill == "toself" and len(t.x) > 5)
    assert list(band.y) == [*table["high_percent"][:3], *table["low_percent"][2::-1], None]
    assert table["interval"].unique().tolist() == ["Student t over seeds"]
    assert table["unit_name"].tolist() == ["input", "stage1", "stage3", "input"]


def test_nothing_measured_says_what_will_appear(transfer_curve: Make, runs: Make) -> None:
    waiting = runs().assign(state="queued")
    for frame in (transfer_curve().iloc[:0], pd.DataFrame()):
        drawn = accuracy_by_depth(frame, runs=waiting)
        assert drawn.figure.layout.annotations[0].text == "Nothing measured yet"
        assert drawn.title == "Test accuracy by frozen depth: 0 of 12 runs finished"
        assert "a point appears for each frozen depth" in drawn.reading
        assert drawn.table.empty
    assert drawn.table.columns.tolist() == accuracy_by_depth(transfer_curve()).table.columns.tolist()


def test_one_seed_is_hollow_and_makes_no_claim(transfer_curve: Make) -> None:
    values = {("full_fine_tuning", 0): {0: 0.60}, ("linear_probe", 4): {0: 0.40}}
    drawn = accuracy_by_depth(transfer_curve(values))
    assert "1 seed: exploring (hollow)" in drawn.figure.layout.title.subtitle.text
    trace = named(drawn.figure, "Linear probe")
    assert list(trace.marker.color) == [_style.PAPER[False]]
    # Wilson with 80 of 200: 33.46 to 46.92
    assert trace.error_y.array[0] == pytest.approx(6.92, abs=0.01)
    assert trace.error_y.arrayminus[0] == pytest.approx(6.54, abs=0.01)
    assert drawn.reading.endswith("exploring: no claim from 1 pair.")


def test_unfinished_experiments_show_what_is_there(transfer_curve: Make, runs: Make) -> None:
    frame, states = transfer_curve(), runs()
    states["state"] = ["finished"] * 3 + ["running"] + ["queued"] * 8
    drawn = accuracy_by_depth(frame[frame["strategy"] == "full_fine_tuning"], runs=states)
    assert drawn.title == "Test accuracy by frozen depth: 3 of 12 runs finished"
    assert drawn.figure.layout.title.subtitle.text.startswith("3 of 12 runs finished")
    assert drawn.reading == "So far only full fine-tuning is measured: 62.0 % (3 seeds); nothing to compare."
    assert list(drawn.figure.layout.xaxis.tickvals) == [0, 1, 2, 3, 4]


def test_several_strategies_without_any_control_are_not_said_to_be_one(transfer_curve: Make) -> None:
    values = {("cutmix", 0): {0: 0.9}, ("lora", 0): {0: 0.8}, ("bitfit", 0): {0: 0.7}}
    drawn = accuracy_by_depth(transfer_curve(values))
    assert drawn.reading == "The highest of 3 means so far is CutMix, 90.0 % (1 seed); no control is measured yet."


def test_only_the_control_so_far(transfer_curve: Make) -> None:
    drawn = accuracy_by_depth(transfer_curve({("from_scratch", 0): {0: 0.3}}))
    assert list(named(drawn.figure, "From scratch", "lines").y) == [30, 30]


def test_reading_compares_the_best_with_the_probe(transfer_curve: Make) -> None:
    # differences .30 .30 .27: mean .29, sd .0173205, half width 4.302653 * .0173205 / sqrt(3) = .0430
    assert accuracy_by_depth(transfer_curve()).reading == (
        "Freezing 2 of 4 units is ahead of the linear probe by 29.0 points (95 % interval 24.7 to 33.3, 3 pairs, "
        "Student t); exploring: no claim with fewer than 6 pairs."
    )


def test_reading_widens_the_interval_for_the_choice_of_the_best(transfer_curve: Make) -> None:
    six = {cell: {seed: base + 0.01 * (seed % 3) for seed in range(6)} for cell, base in [
        (("full_fine_tuning", 0), 0.6), (("partial_fine_tuning", 2), 0.7), (("linear_probe", 4), 0.4)]}  # fmt: skip
    six["linear_probe", 4][0] += 0.02
    reading = accuracy_by_depth(transfer_curve(six)).reading
    assert reading.startswith("Freezing 2 of 4 units beats the linear probe by 29.7 points")
    assert reading.endswith("6 pairs, Student t, corrected for 2 comparisons).")


def test_alt_text_tells_the_numbers(transfer_curve: Make) -> None:
    alt = accuracy_by_depth(transfer_curve()).alt
    assert (
        "resnet on digits, 100 labels: full fine-tuning 62.0 % (3 seeds); freezing 2 of 4 units 71.0 % (3 seeds)" in alt
    )
    assert "training from scratch 35.0 %" in alt


def test_series_get_colours_of_their_own_and_one_legend_entry_each(transfer_curve: Make) -> None:
    frame = pd.concat([transfer_curve(), transfer_curve(label_budget=None)], ignore_index=True)
    drawn = accuracy_by_depth(frame)
    entries = [t for t in drawn.figure.data if t.showlegend]
    assert [t.name for t in entries] == ["100 labels", "all labels"]
    assert len({t.line.color for t in entries}) == 2
    assert drawn.figure.layout.title.subtitle.text.startswith("resnet on digits")
    assert drawn.reading.startswith("Highest means: resnet on digits, 100 labels: freezing 2 of 4 units, 71.0 %")
    groups = {t.legendgroup for t in drawn.figure.data}
    assert len(groups) == 2


def test_backbones_of_different_length_share_an_axis_of_fractions(transfer_curve: Make) -> None:
    long = transfer_curve(backbone="long").assign(n_units=8)
    figure = accuracy_by_depth(pd.concat([transfer_curve(), long], ignore_index=True)).figure
    assert "share" in figure.layout.xaxis.title.text
    lines = {t.name: list(t.x) for t in figure.data if t.showlegend}
    assert lines == {"long": [0, 0.25, 0.5], "resnet": [0, 0.5, 1]}


def test_an_unknown_strategy_is_not_averaged_into_the_curve(transfer_curve: Make) -> None:
    values = {("full_fine_tuning", 0): {0: 0.6, 1: 0.6}, ("gradual_unfreezing", 0): {0: 0.8, 1: 0.8}}
    figure = accuracy_by_depth(transfer_curve(values)).figure
    assert list(named(figure, "Full fine-tuning").y) == [60]
    assert list(named(figure, "Gradual unfreezing").y) == [80]


def test_names_are_never_markup(transfer_curve: Make, nasty: str, texts: Texts) -> None:
    frame = pd.concat([transfer_curve(dataset=nasty), transfer_curve(backbone=nasty)], ignore_index=True)
    drawn = accuracy_by_depth(frame)
    spec = texts(drawn.figure)
    assert "<b>my" not in spec
    assert "$x$" not in spec
    assert "%{y} &" not in spec
    assert "&lt;b&gt;my&lt;/b&gt; &#36;x&#36; &#37;&#123;y} &amp; co" in spec
    assert nasty in drawn.alt  # words outside the figure are plain text
    assert nasty in drawn.table["dataset"].tolist()


def test_light_and_dark_show_the_same_data(transfer_curve: Make) -> None:
    light, dark = (accuracy_by_depth(transfer_curve(), dark=dark) for dark in (False, True))
    assert light.alt == dark.alt
    assert [(t.uid, t.y) for t in light.figure.data] == [(t.uid, t.y) for t in dark.figure.data]
    colours = [named(d.figure, "Linear probe").marker.color[0] for d in (light, dark)]
    assert colours == [_style.looks(["linear_probe"], dark)["linear_probe"].colour for dark in (False, True)]


def test_traces_keep_their_identity_while_data_grow(transfer_curve: Make) -> None:
    frame = transfer_curve()
    part = accuracy_by_depth(frame[frame["strategy"] != "linear_probe"], uirevision="chart").figure
    whole = accuracy_by_depth(frame, uirevision="chart").figure
    uids = [t.uid for t in whole.data]
    assert len(set(uids)) == len(uids)
    assert {t.uid for t in part.data} <= set(uids)
    assert part.layout.uirevision == whole.layout.uirevision == "chart"
    json.loads(whole.to_json(validate=False))


def test_dozens_of_strategies_leave_room_for_the_curve(transfer_curve: Make) -> None:
    many = {(f"idea{number}", 0): {0: 0.9} for number in range(13)}
    sweep = {("full_fine_tuning", 0): {0: 0.6}, ("partial_fine_tuning", 2): {0: 0.7}, ("from_scratch", 0): {0: 0.3}}
    drawn = accuracy_by_depth(transfer_curve({**sweep, **many}))
    named = [trace.name for trace in drawn.figure.data if trace.showlegend]
    assert not any("Idea" in name for name in named)
    assert "13 more strategies in the table" in drawn.figure.layout.title.subtitle.text
    assert set(many) <= set(zip(drawn.table["strategy"], drawn.table["frozen_depth"], strict=True))
    few = accuracy_by_depth(transfer_curve({**sweep, **dict(list(many.items())[:12])}))
    assert sum("Idea" in (trace.name or "") and bool(trace.showlegend) for trace in few.figure.data) == 12
    assert "more strategies" not in few.figure.layout.title.subtitle.text
    alone = accuracy_by_depth(transfer_curve(many))  # without a sweep they are all there is
    assert sum(bool(trace.showlegend) for trace in alone.figure.data) == 13
