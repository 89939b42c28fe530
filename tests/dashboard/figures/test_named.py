"""The name of what a figure is of, in its title."""

from __future__ import annotations

import pandas as pd

from dashboard.figures import accuracy_comparison, named
from dashboard.figures._style import MOST_ROWS, Drawn, finish, height


def _short(frame: pd.DataFrame, *, dark: bool = False) -> Drawn:
    figure = finish([], title="Gain over training from scratch", notes=["6 pairs"], dark=dark, uirevision="one")
    return Drawn(figure, "Gain: 3 of 4 runs", "A chart.", "It says.", frame, 400)


def test_a_long_title_gets_a_second_line_and_the_room_for_it() -> None:
    frame = pd.DataFrame()
    plain, drawn = _short(frame), named(frame, figure=_short, where="resnet20_cifar10")
    assert drawn.figure.layout.title.text == "<b>Gain over training from scratch:<br>resnet20_cifar10</b>"
    assert (drawn.title, drawn.alt) == ("Gain: 3 of 4 runs (resnet20_cifar10)", "resnet20_cifar10: A chart.")
    assert drawn.figure.layout.margin.t - plain.figure.layout.margin.t == drawn.height - plain.height == 20


def test_a_short_one_stays_on_its_line_and_names_are_never_markup() -> None:
    drawn = named(pd.DataFrame(), figure=accuracy_comparison, where="<i>vit</i>")
    assert drawn.figure.layout.title.text == "<b>Test accuracy compared: &lt;i&gt;vit&lt;/i&gt;</b>"


def test_without_a_name_the_figure_is_as_it_is() -> None:
    plain, drawn = _short(pd.DataFrame()), named(pd.DataFrame(), figure=_short, where="")
    assert (drawn.spec(), drawn.title, drawn.height) == (plain.spec(), plain.title, plain.height)


def test_a_legend_stands_on_the_bottom_of_the_figure_and_scrolls_beyond_its_share() -> None:
    template = _short(pd.DataFrame()).figure.layout.template.layout.legend
    assert (template.yref, template.y, template.yanchor) == ("container", 0, "bottom")
    assert template.maxheight == 26 * MOST_ROWS
    assert [height(4), height(5), height(MOST_ROWS), height(200)] == [420, 446, 628, 628]
