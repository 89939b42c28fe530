"""Layers page, part Similarity: every unit after training against every unit before, and one backbone against another."""

from __future__ import annotations

import dataclasses
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from dashboard import recipe, state
from dashboard.figures import similarity_map
from dashboard.figures._style import plain
from dashboard.widgets import implementations, task_choices
from dashboard.widgets.cells import Cell, cells, of_cell, words
from dashboard.widgets.chart import chart
from dashboard.widgets.go import link
from dashboard.widgets.kept_tasks import begin, kept
from dashboard.widgets.literal import literal
from dashboard.widgets.score_card import score_card
from dashboard.widgets.status import brief
from engine.errors import TransferscopeError

KIND = "similarity"
MEASURE = "cka_matrix"


@st.fragment(run_every=state.FED_TICK_SECONDS)
def before_after(experiment: dict[str, Any]) -> None:
    """Draw the map of one network of an experiment, before against after its training."""
    experiment_id = experiment["experiment_id"]
    if MEASURE not in experiment["spec"].measures:
        with st.container(border=True, key="similarity-offer"):
            st.markdown("**This experiment did not compare its units before and after training.**")
            st.caption(
                'In the Lab it is "Similarity of units (CKA)" among the measures under Training settings. The link fills the Lab'
                " with these choices and this measure."
            )
            compared = dataclasses.replace(experiment["spec"], measures=(*experiment["spec"].measures, MEASURE))
            link("lab", "The same in the Lab, compared", ":material/science:", **recipe.to_query(compared))
        return
    frame, runs = state.frame("similarity", experiment_id), state.frame("runs", experiment_id)
    if not brief(experiment_id, runs, frame):
        return
    every = state.derived(cells, runs)
    cell = st.selectbox(
        "Trained network", every, format_func=partial(words, every), key=f"similarity-cell-{experiment_id}"
    )
    _card(implementations.untouched(experiment["spec"]), key="similarity-card")
    place = f"layers-similarity/{experiment_id}/{cell}"
    chart(state.fed(place, partial(_drawn, experiment_id, cell, words(every, cell))), key="layers-similarity")


def _card(untouched: dict[str, Any], *, key: str) -> None:
    """The "?" of CKA, with what other implementations give on the untouched backbone."""
    score_card("cka", key=key, more=partial(implementations.of_cell, untouched, "cka", key=f"{key}-others"))


def _drawn(experiment_id: str, cell: Cell, name: str) -> state.Chart:
    frame = of_cell(state.frame("similarity", experiment_id), cell)
    return state.chart("layers", similarity_map, frame, note=name, uirevision=experiment_id)


def backbones() -> None:
    """Draw the form that compares two backbones, and what was found."""
    st.subheader("Two backbones")
    with st.container(border=True, key="similarity-form"):
        columns = st.columns(2)
        with columns[0]:
            first = task_choices.backbone("First network", key="similarity-first", start=recipe.START.backbones[0])
        with columns[1]:
            second = task_choices.backbone("Second network", key="similarity-second")
        with columns[0]:
            data = task_choices.dataset(key="similarity-data")
        with columns[1]:
            pooling = task_choices.pooling(key="similarity-pooling")
        payload, problem = _payload(first, second, data, pooling)
        st.button(
            "Compare their units", type="primary", icon=":material/compare:", key="similarity-run", on_click=begin,
            args=[KIND, payload], disabled=bool(problem),
        )  # fmt: skip
        st.caption(literal(problem) or "Both see the same images, each prepared as it is used to. Nothing is trained.")
    _results()


def _payload(first: str | None, second: str | None, data: str, pooling: str) -> tuple[dict[str, Any], str]:
    try:
        names = {"first": task_choices.named(first), "second": task_choices.named(second)}
        return names | {"dataset": data, "pooling": pooling}, ""
    except TransferscopeError as error:
        return {}, str(error)


@st.fragment(run_every=state.TICK_SECONDS)
def _results() -> None:
    task = kept(
        KIND, key="similarity", nothing="Nothing compared yet: a map of every pair of units appears here, and stays."
    )
    if task is None or task.result is None:
        return
    first, second = map(plain, task.result["backbones"])
    built = state.chart(
        "layers", similarity_map, as_frame(task.result), title="Units of two backbones", rows_are=first,
        columns_are=f"{second} (second)" if first == second else second, note=f"on {plain(task.result['dataset'])}",
        uirevision=str(task.task_id),
    )  # fmt: skip
    about = {name: task.payload.get(name) for name in ("dataset", "pooling", "weights", "seed")}
    _card({"backbone": task.result["backbones"][0], "labels": None, **about}, key="backbones-card")
    chart(built, key="layers-backbones")


def as_frame(found: dict[str, Any]) -> pd.DataFrame:
    """What the task found as rows of the frame `similarity`."""
    rows_named, columns_named = found["unit_names"]
    return pd.DataFrame(
        [
            {
                "run_id": "task", "seed": found["seed"], "unit_a": a, "unit_a_name": rows_named[a - 1], "unit_b": b,
                "unit_b_name": columns_named[b - 1], "value": value, "n_images": found["n_images"],
                "reason": found["reasons"].get(f"{a},{b}", ""), "pooling": found["pooling"],
            }
            for a, row in enumerate(found["values"], start=1)
            for b, value in enumerate(row, start=1)
        ]
    ).astype({"value": float})  # fmt: skip
