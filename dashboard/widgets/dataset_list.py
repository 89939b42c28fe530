"""Every dataset in one list: one's own, those that are here, those that can be downloaded."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dashboard import state
from dashboard.widgets import dataset_words
from dashboard.widgets.literal import literal
from dashboard.widgets.size import size
from dashboard.widgets.table import table
from engine.datasets import _library as imported
from engine.errors import TransferscopeError

PARAMETER = "data"


def choose() -> str | None:
    """A box to choose a dataset, kept in the URL; one that a link names is offered too, whatever it is."""
    names = dataset_words.grouped(state.dataset_names(), state.info)
    asked = st.query_params.get(PARAMETER)
    if asked and asked not in names:
        names[asked] = asked
    options = sorted(names, key=lambda name: not name.startswith(imported.PREFIX))
    if "data-chosen" in st.session_state:
        asked = st.session_state.pop("data-chosen")
    elif asked == st.session_state.get("data-asked"):
        asked = st.session_state.get("data-pick", asked)
    st.session_state["data-pick"] = asked if asked in options else options[0]
    chosen = st.selectbox("Dataset", options, key="data-pick", format_func=lambda name: _words(name, names))
    st.query_params[PARAMETER] = st.session_state["data-asked"] = chosen
    return chosen


def _words(name: str, names: dict[str, str]) -> str:
    return f"{names.get(name, name)} · yours" if name.startswith(imported.PREFIX) else names.get(name, name)


def every() -> None:
    """The whole list as a table, drawn when it is opened."""
    opened = st.expander("All datasets", icon=":material/list:", key="data-list", on_change="rerun")
    if opened.open:
        with opened:
            frame, problems = _frame()
            table(frame, key="data-list-table", name="datasets")
            for problem in problems:
                st.caption(f":material/warning: {literal(problem)}")


def _frame() -> tuple[pd.DataFrame, list[str]]:
    rows, problems = [], []
    for name, label in state.dataset_names().items():
        try:
            info = state.info(name)
        except TransferscopeError as error:
            problems.append(str(error))
            continue
        rows.append(
            {
                "dataset": label,
                "name": name,
                "classes": info.n_classes,
                "to learn from": info.n_pool,
                "to test on": info.n_test,
                "download": size(info.download_bytes) if info.download_bytes else "none",
                "licence": info.licence,
                "source": info.source,
            }
        )
    return pd.DataFrame(rows), problems
