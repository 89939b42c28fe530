from collections.abc import Callable

import pandas as pd
import plotly.graph_objects as go
import pytest

from dashboard.figures import accuracy_comparison

Make = Callable[..., pd.DataFrame]
Texts = Callable[[go.Figure], str]


def test_rows_are_sorted_by_mean_and_equal_the_table(transfer_curve: Make) -> None:
    drawn = accuracy_comparison(transfer_curve())
    assert drawn.table["strategy"].tolist() == [
        "partial_fine_tuning",
        "full_fine_tuning",
        "linear_probe",
        "from_scratch",
    ]
    assert drawn.table["mean_percent"].tolist() == pytest.approx([71, 62, 42, 35])
    means = {y: (x, plus, minus) for t in drawn.figure.data if t.error_x.array is not None
             for x, y, plus, minus in zip(t.x, t.y, t.error_x.array, t.error_x.arrayminus, strict=True)}  # fmt: skip
    for row, cell in drawn.table.iterrows():
        mean, plus, minus = means[row]
        assert (mean, mean + plus, mean - minus) == pytest.approx(
            (cell["mean_percent"], cell["high_percent"], cell["low_percent"])
        )
    labels = drawn.figure.layout.yaxis.ticktext
    assert labels[0].startswith("Frozen depth 2<br>")
    assert "n=3, t" in labels[0]
    assert "t: Student t over seeds" in drawn.figure.layout.title.subtitle.text


def test_every_seed_is_a_dot_on_its_row(transfer_curve: Make) -> None:
    figure = accuracy_comparison(transfer_curve()).figure
    dots = sorted((y, x) for t in figure.data if t.marker.size == 6 for x, y in zip(t.x, t.y, strict=True))
    assert [round(x, 6) for _, x in dots[:6]] == [70, 71, 72, 60, 62, 64]
    assert [y for y, _ in dots[:6]] == [0, 0, 0, 1, 1, 1]
    assert len(dots) == 12


def test_one_and_two_seeds_say_so(transfer_curve: Make) -> None:
    values = {("full_fine_tuning", 0): {0: 0.6, 1: 0.7}, ("linear_probe", 4): {0: 0.4}}
    drawn = accuracy_comparison(transfer_curve(values))
    first, second = drawn.figure.layout.yaxis.ticktext
    assert "n=2<" in first
    assert "n=1, Wilson" in second
    bars = [t.error_x.array[0] for t in drawn.figure.data if t.error_x.array is not None]
    assert bars == pytest.approx([0, 6.92], abs=0.01)  # of two seeds none, of one that over its images
    assert drawn.table["interval"].tolist() == ["Student t over seeds", "Wilson over images"]


def test_nothing_measured_says_what_will_appear(runs: Make) -> None:
    drawn = accuracy_comparison(pd.DataFrame(), runs=runs().assign(state="queued"), dark=True)
    assert drawn.figure.layout.annotations[0].text == "Nothing measured yet"
    assert drawn.title == "Test accuracy compared: 0 of 12 runs finished"
    assert "one row appears" in drawn.reading


def test_series_are_named_below_the_cell_and_escaped(transfer_curve: Make, nasty: str, texts: Texts) -> None:
    frame = pd.concat([transfer_curve(), transfer_curve(dataset=nasty)], ignore_index=True)
    drawn = accuracy_comparison(frame)
    assert len(drawn.table) == 8
    spec = texts(drawn.figure)
    assert "<b>my" not in spec
    assert "&lt;b&gt;my" in spec
    assert drawn.reading.startswith("Highest means: resnet on ")
    assert drawn.height > accuracy_comparison(transfer_curve()).height


def test_reading_is_the_paired_sentence_and_never_says_gain(transfer_curve: Make) -> None:
    drawn = accuracy_comparison(transfer_curve())
    assert drawn.reading.startswith("Freezing 2 of 4 units is ahead of the linear probe by 29.0 points")
    assert "gain" not in drawn.reading + drawn.alt


def test_identity_and_theme(transfer_curve: Make) -> None:
    frame = transfer_curve()
    part = accuracy_comparison(frame[frame["strategy"] != "linear_probe"], uirevision="k")
    whole = accuracy_comparison(frame, uirevision="k", dark=True)
    assert {t.uid for t in part.figure.data} < {t.uid for t in whole.figure.data}
    assert whole.figure.layout.uirevision == "k"
