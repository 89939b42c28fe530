"""Any figure with the name of what it is of in its title: one network of several, say."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pandas as pd

from dashboard.figures._style import Drawn, escape

ONE_LINE = 40
"""Characters of a title that a phone shows in one line."""
_LINE = 20  # pixels


def named(*frames: pd.DataFrame, figure: Callable[..., Drawn], where: str, dark: bool = False, **options: Any) -> Drawn:
    """Draw a figure and write what it is of behind its title; on a line of its own where both are too long for a phone.

    Args:
        frames: what the figure draws.
        figure: a function of `dashboard.figures`, called as figure(*frames, dark=dark, **options).
        where: plain words, such as "resnet20_cifar10"; "" leaves the figure as it is.
        dark: draw for a dark background.
        options: further arguments of `figure`.
    """
    drawn = figure(*frames, dark=dark, **options)
    if not where:
        return drawn
    heading = drawn.figure.layout.title
    title, _, end = heading.text.rpartition("</b>")
    long = len(title) - len("<b>") + len(where) > ONE_LINE
    heading.text = f"{title}{':<br>' if long else ': '}{escape(where)}</b>{end}"
    if long:
        drawn.figure.layout.margin.t += _LINE
    return dataclasses.replace(
        drawn,
        title=f"{drawn.title} ({where})",
        alt=f"{where}: {drawn.alt}",
        height=drawn.height + (_LINE if long else 0),
    )
