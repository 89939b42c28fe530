"""The classic mistake on the Compare page: what moved in the frozen units, by name, and what that did to the accuracy."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dashboard import state
from dashboard.figures import mistake_effect
from dashboard.figures._style import cell_label
from dashboard.widgets.chart import chart
from dashboard.widgets.literal import literal
from dashboard.widgets.part import Part
from engine import mistakes

NAMED = 400
"""Tensors that are listed."""


def mistake(experiment_id: str, runs: pd.DataFrame, transfer: pd.DataFrame, shown: Part) -> None:
    """Draw the section; nothing where the experiment shows no mistake.

    Args:
        experiment_id: which experiment.
        runs: its `runs`, mistakes included.
        transfer: its `transfer_curve`, mistakes included.
        shown: the part of it that both frames are of.
    """
    if runs[runs["strategy"].isin(mistakes.names())].empty:
        return
    st.subheader("The classic mistake")
    st.markdown(
        "Frozen units whose normalisation is left in training mode: their weights stay, and their **running statistics go on"
        " moving** towards the new images. Each depth was run both ways with the same seeds. The mistake takes part in no other"
        " chart, table or claim of this page."
    )
    drawn = shown.chart(
        "compare", mistake_effect, transfer, pairs=mistakes.pairs(), uirevision=f"{experiment_id}-mistake"
    )
    chart(drawn, key="compare-mistake")
    table = state.derived(changed, runs)
    if len(table):
        moved = int(table["tensors changed"].max())
        st.badge(f"Freeze proof: up to {moved} frozen tensors CHANGED", icon=":material/error:", color="red")
        with st.expander("What changed, by name", icon=":material/fingerprint:", type="compact"):
            for row in table.itertuples(index=False):
                st.markdown(f"**{literal(row.cell)}** · {row[1]} tensors in each of {row[2]} runs")
                st.caption(literal(row[3]))


def changed(runs: pd.DataFrame) -> pd.DataFrame:
    """One row per mistaken cell that has its freeze proof: cell, tensors changed, runs, names (with commas)."""
    rows = []
    proved = runs[runs["freeze_proof"] == "mistake"]
    for (strategy, depth), cell in proved.groupby(["strategy", "frozen_depth"], sort=True):
        names = list(dict.fromkeys(name for text in cell["freeze_changed"] for name in text.split(", ") if name))
        more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
        rows.append((cell_label(strategy, depth), len(names), len(cell), ", ".join(names[:NAMED]) + more))
    return pd.DataFrame(rows, columns=["cell", "tensors changed", "runs", "names"])
