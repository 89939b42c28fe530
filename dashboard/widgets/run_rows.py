"""The runs of one experiment as rows that can be chosen, stopped, resumed and run again."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dashboard import state
from dashboard.widgets.overview import WORDS, run_name
from dashboard.widgets.status import button
from dashboard.widgets.table import escaped

SHOWN = {
    "run": "Run",
    "state": "State",
    "test (%)": "Test accuracy (%)",
    "seconds": "Time (s)",
    "freeze_proof": "Frozen units",
    "message": "Message",
    "run_id": "Id",
}
_PROOF = {"held": "unchanged", "broken": "CHANGED", "mistake": "CHANGED, on purpose", "": ""}


def rows_of(runs: pd.DataFrame) -> pd.DataFrame:
    """One row per run, as shown."""
    frozen = runs["frozen_depth"] > 0
    return pd.DataFrame(
        {
            "run": [run_name(row) for _, row in runs.iterrows()],
            "state": runs["state"].replace(WORDS).tolist(),
            "test (%)": (runs["test_accuracy"] * 100).round(2).tolist(),
            "seconds": runs["seconds"].round(1).tolist(),
            "freeze_proof": runs["freeze_proof"].map(_PROOF).where(frozen, "none frozen").tolist(),
            "message": runs["message"].tolist(),
            "run_id": runs["run_id"].tolist(),
        }
    )


def run_rows(runs: pd.DataFrame, *, key: str) -> None:
    """Draw the rows; buttons act on the chosen ones."""
    rows = state.derived(rows_of, runs)
    chosen = st.dataframe(
        escaped(rows), hide_index=True, key=f"{key}-rows", on_select="rerun", selection_mode="multi-row",
        column_config=SHOWN, alt=f"{len(rows)} runs with state, test accuracy and time",
    )  # fmt: skip
    ids = rows["run_id"].iloc[[place for place in chosen.selection.rows if place < len(rows)]].tolist()
    if not ids:
        st.caption("Choose rows to stop, resume or run single runs again.")
        return
    store = state.store()
    with st.container(horizontal=True, key=f"{key}-buttons"):
        button(f"Stop ({len(ids)})", ":material/stop_circle:", store.cancel, ids, key=key)
        button(f"Resume ({len(ids)})", ":material/resume:", store.resume, ids, key=key)
        button(f"Run again ({len(ids)})", ":material/replay:", store.run_again, ids, key=key)
