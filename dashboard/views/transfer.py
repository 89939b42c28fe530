"""Transfer study: which layers transfer, after Yosinski et al. 2014: the curves, and what each depth loses and why."""

from __future__ import annotations

from functools import partial

import pandas as pd
import streamlit as st

from dashboard import state
from dashboard.figures import layer_transfer, transfer_loss
from dashboard.figures._style import plain
from dashboard.widgets.chart import chart
from dashboard.widgets.experiments import choose
from dashboard.widgets.frames_of import is_study
from dashboard.widgets.offers import SMALL_STUDY, STUDY, offers
from dashboard.widgets.status import brief
from dashboard.widgets.terms import heading
from engine.layer_transfer import CURVES
from engine.layer_transfer_frame import SERIES
from engine.spec import ExperimentSpec

OFFERED = (STUDY, SMALL_STUDY)


def page() -> None:
    """Draw the page."""
    heading(
        "Transfer study", "Selffer (BnB)", "Transfer (AnB)", "Co-adaptation", "Specificity", "Unit", "95 % interval"
    )
    st.markdown(
        "Two networks learn one half of the classes each. The first *n* units of one are then put below new ones that learn the"
        " other half: **what do the copied units cost or bring, and why?**"
    )
    experiment = choose("transfer", offered=OFFERED, suits=_is_study)
    if experiment is not None:
        _study(experiment["experiment_id"])


@st.fragment(run_every=state.FED_TICK_SECONDS)
def _study(experiment_id: str) -> None:
    runs, frame = state.frame("runs", experiment_id), state.frame("layer_transfer", experiment_id)
    if not is_study(runs):
        _offer()
        return
    if not brief(experiment_id, runs, frame):
        return
    with st.container(horizontal=True, vertical_alignment="bottom", key="transfer-choices"):
        series = _series(frame)
        published = st.toggle(
            "Published curves", key="transfer-published", bind="query-params",
            help="Yosinski et al. 2014, on halves of ImageNet, from the authors' logs; shifted so that their base lies on this"
            " one.",
        )  # fmt: skip
    place = f"{experiment_id}/{series}"
    curves = state.fed(f"transfer-curves/{place}/{published}", partial(_curves, experiment_id, series, published))
    chart(curves, key="transfer-curves")
    chart(state.fed(f"transfer-loss/{place}", partial(_loss, experiment_id, series)), key="transfer-loss")


def _is_study(spec: ExperimentSpec) -> bool:
    return not CURVES.keys().isdisjoint(spec.strategies)


def _series(frame: pd.DataFrame) -> tuple | None:
    """The backbone, dataset and label budget to show, chosen where there are several; None while there is nothing."""
    found = [tuple(row) for row in frame[SERIES].drop_duplicates().astype(object).itertuples(index=False)]
    found = [tuple(None if pd.isna(value) else value for value in row) for row in found]
    if len(found) < 2:
        return found[0] if found else None
    return st.selectbox("Study", found, format_func=_words, key="transfer-series")


def _words(series: tuple) -> str:
    backbone, dataset, labels = series
    return f"{plain(backbone)} on {plain(dataset)}, {f'{labels} labels' if labels else 'all labels'}"


def _of(name: str, experiment_id: str, series: tuple | None) -> pd.DataFrame:
    frame = state.frame(name, experiment_id)
    for column, value in zip(SERIES, series or (), strict=False):
        frame = frame[frame[column].isna() if value is None else frame[column] == value]
    return frame


def _curves(experiment_id: str, series: tuple | None, published: bool) -> state.Chart:
    frame = _of("layer_transfer", experiment_id, series)
    return state.chart("transfer", layer_transfer, frame, published=published, uirevision=f"{experiment_id}-{series}")


def _loss(experiment_id: str, series: tuple | None) -> state.Chart:
    frame = _of("layer_losses", experiment_id, series)
    return state.chart("transfer", transfer_loss, frame, uirevision=f"{experiment_id}-{series}")


def _offer() -> None:
    """This experiment is no study: say what is, and offer one."""
    with st.container(border=True, key="transfer-offer"):
        st.markdown("**This experiment copies no units from one task to another.**")
        offers(OFFERED, key="transfer")
