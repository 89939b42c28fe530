import colorsys
import importlib
import json

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import plotly.io as pio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.figures import _style
from dashboard.figures._looks import STUDY
from engine.strategies import STRATEGIES

KNOWN = ["full_fine_tuning", "partial_fine_tuning", "linear_probe", "from_scratch"]


def luminance(colour: str) -> float:
    """Relative luminance, WCAG 2.2."""
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return float(np.dot(linear, [0.2126, 0.7152, 0.0722]))


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("dark", [False, True])
def test_every_strategy_has_its_own_readable_look(dark: bool) -> None:
    looks = _style.looks([*KNOWN, "a", "b", "c", "d"], dark)
    for field in ("colour", "marker", "dash"):
        assert len({getattr(look, field) for look in looks.values()}) == len(looks)
    looks = _style.looks(STRATEGIES.names(), dark)
    assert looks.keys() == set(STRATEGIES.names())
    pairs = [{(look.colour, look.marker), (look.colour, look.dash)} for look in looks.values()]
    assert len(set().union(*pairs)) == 2 * len(looks)  # each told apart by colour and marker, and by colour and dash
    for colour in [*(look.colour for look in looks.values()), *_style.SERIES_COLOURS[dark]]:
        assert contrast(colour, _style.PAPER[dark]) >= 3


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize(
    "matrix",
    [
        # Protanopia, deuteranopia and tritanopia at full severity, on linear RGB: Machado, Oliveira and Fernandes 2009, table 1.
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
    ],
    ids=["protanopia", "deuteranopia", "tritanopia"],
)
def test_strategies_stay_apart_for_colour_blind_readers(dark: bool, matrix: list[list[float]]) -> None:
    seen = []
    for look in _style.looks(KNOWN, dark).values():
        channels = np.array([int(look.colour[at : at + 2], 16) / 255 for at in (1, 3, 5)])
        linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
        seen.append(np.clip(np.array(matrix) @ linear, 0, 1) ** (1 / 2.4))
    apart = [np.linalg.norm(one - other) for place, one in enumerate(seen) for other in seen[:place]]
    assert min(apart) > 0.2  # of sRGB, where black and white are 1.73 apart


def test_strategies_are_called_as_in_the_engine_and_a_group_has_one_hue() -> None:
    hues: dict[str, list[float]] = {}
    for name, look in _style.looks(STRATEGIES.names()).items():
        assert _style.strategy_label(name) == STRATEGIES[name].label
        channels = (int(look.colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
        # Curves of a layer-transfer study stand beside each other alone, and are told apart by hue.
        if not STRATEGIES[name].control and not name.endswith("fine_tuning") and name not in STUDY:
            hues.setdefault(STRATEGIES[name].group, []).append(colorsys.rgb_to_hls(*channels)[0])
    for group, found in hues.items():
        assert max(found) - min(found) < 0.06, group


def test_looks_keep_their_order_and_unknown_ones_do_not_depend_on_order() -> None:
    assert list(_style.looks(reversed(KNOWN))) == KNOWN
    assert _style.looks(["b", "a"]) == _style.looks(["a", "b"])
    assert _style.looks(["a"])["a"].colour != _style.looks(KNOWN)["linear_probe"].colour


@pytest.mark.parametrize(
    ("strategy", "depth", "label", "phrase"),
    [
        ("full_fine_tuning", 0, "Full fine-tuning", "full fine-tuning"),
        ("partial_fine_tuning", 4, "Frozen depth 4", "freezing 4 of 10 units"),
        ("linear_probe", 10, "Linear probe", "the linear probe"),
        ("from_scratch", 0, "From scratch", "training from scratch"),
        ("gradual_unfreezing", 0, "Gradual unfreezing", "gradual unfreezing"),
        ("surgical", 1, "Surgical fine-tuning", "surgical fine-tuning"),
        ("lora", 0, "LoRA", "LoRA"),
        ("my_way", 2, "My way, frozen depth 2", "my way, frozen depth 2"),
    ],
)
def test_people_read_words(strategy: str, depth: int, label: str, phrase: str) -> None:
    assert _style.cell_label(strategy, depth) == label
    assert _style.cell_phrase(strategy, depth, 10) == phrase


@given(st.text(alphabet=st.characters(codec=None), max_size=80))
def test_escaped_text_holds_no_markup_and_is_one_short_line(name: str) -> None:
    escaped = _style.escape(name)
    assert not {*"<>$%{"} & {*escaped}
    assert "\n" not in escaped
    assert len(_style.plain(name)) <= 56
    escaped.encode("utf-8")


def test_escaped_text_reads_as_given() -> None:
    assert _style.escape("<b>a</b> & $b$") == "&lt;b&gt;a&lt;/b&gt; &amp; &#36;b&#36;"
    assert _style.plain("a\u202eb\nc\t d") == "ab c d"
    assert _style.escape("naïve 数字") == "naïve 数字"


def test_figures_keep_their_template_whatever_streamlit_sets() -> None:
    before = pio.templates.default
    figures = {dark: _style.finish([], title="t", notes=[], dark=dark, uirevision="k") for dark in (False, True)}
    importlib.import_module("streamlit.elements.plotly_chart")  # sets placeholder colours as Plotly's default
    try:
        later = _style.finish([], title="t", notes=[], dark=False, uirevision="k")
    finally:
        pio.templates.default = before
    assert later.to_plotly_json() == figures[False].to_plotly_json()
    for dark, figure in figures.items():
        assert figure.layout.template.layout.paper_bgcolor == _style.PAPER[dark]
        assert figure.layout.template.layout.font.color == _style.INK[dark]
    assert pio.templates[_style.LIGHT] != pio.templates[_style.DARK]


def test_importing_the_figures_leaves_plotly_s_default_alone() -> None:
    assert pio.templates.default not in (_style.LIGHT, _style.DARK)


def test_notes_are_packed_whole_into_phone_width() -> None:
    figure = _style.finish([], title="t", notes=["a" * 30, "", "b" * 20, "c" * 20], dark=False, uirevision="k")
    assert figure.layout.title.subtitle.text == f"{'a' * 30} · {'b' * 20}<br>{'c' * 20}"


def test_accuracy_axis_holds_its_values_and_stays_near_0_to_100() -> None:
    axis = _style.accuracy_axis(values=[50, 60, float("nan")])
    assert axis["autorangeoptions"] == {"include": [48.5, 61.5], "clipmin": -2, "clipmax": 102}
    assert "range" not in axis  # one that changes with the data would take a reader's zoom away
    assert "autorange" not in _style.accuracy_axis()


def test_depth_axis_names_few_units_and_thins_many() -> None:
    names = {1: "stem", 2: "<i>"}
    assert _style.depth_axis("t", 2, names)["ticktext"] == ["0", "stem", "&lt;i&gt;"]
    many = _style.depth_axis("t", 50, {1: "stem"})
    assert len(many["tickvals"]) <= 14
    assert many["ticktext"] == [str(tick) for tick in many["tickvals"]]


def test_fade_and_shade_are_colours() -> None:
    assert _style.fade("#0a1420", 0.5) == "rgba(10,20,32,0.5)"
    assert _style.shade("#804020", 0, dark=False) == "#804020"
    assert (
        colorsys.rgb_to_hls(*(int(_style.shade("#804020", 1, dark=True)[at : at + 2], 16) for at in (1, 3, 5)))[1] > 80
    )


def test_uid_is_stable_and_tells_parts_apart() -> None:
    assert _style.uid("a", None, 1) == _style.uid("a", None, 1)
    assert _style.uid("a", "bc") != _style.uid("ab", "c")
    assert _style.uid("<b> .main-svg").isalnum()


def test_spec_keeps_the_uids_by_which_the_browser_finds_hidden_traces() -> None:
    figure = _style.finish([{"type": "scatter", "uid": "a1"}], title="t", notes=[], dark=False, uirevision="k")
    spec = json.loads(_style.Drawn(figure, "t", "a", "r", pd.DataFrame()).spec())
    assert spec["data"][0]["uid"] == "a1"
    assert spec["layout"]["uirevision"] == "k"


def test_empty_says_so_in_the_figure() -> None:
    drawn = _style.empty("Title", "A point appears.", ["a"], dark=True, uirevision="k", notes=["0 of 2 runs finished"])
    assert isinstance(drawn.figure, go.Figure)
    assert drawn.figure.layout.annotations[0].text == "Nothing measured yet"
    assert (drawn.title, drawn.reading) == ("Title: 0 of 2 runs finished", "A point appears.")
    assert drawn.table.columns.tolist() == ["a"]
