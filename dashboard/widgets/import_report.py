"""What an import found: counts, what was left out and why, the split, copies."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from dashboard.widgets.go import link
from dashboard.widgets.literal import literal
from dashboard.widgets.table import table
from engine.imports.command import notes

SHOWN = 100


def import_report(report: dict[str, Any], *, key: str) -> None:
    """Draw a report of `engine.imports.build`."""
    with st.container(border=True, key=f"{key}-report"):
        n, classes, parts = report["n_images"], report["classes"], report["parts"]
        st.markdown(
            f":material/check_circle: **{literal(report['name'])}**: {n:,} images in {len(classes)} classes, from"
            f" {literal(report['source'])} ({literal(report['layout'])})"
        )
        st.caption(
            f"Train {parts['train']:,} · validation {parts['validation']:,} · test {parts['test']:,} · {report['seconds']:.1f} s."
            f" {literal(report['split'])}"
        )
        for note in notes(report):
            st.caption(f":material/info: {literal(note)}")
        with st.container(horizontal=True, vertical_alignment="center", key=f"{key}-report-row"):
            link("lab", "Use in the Lab", ":material/science:", data=report["dataset"])
        if report["skipped"]:
            with st.expander(f"Left out: {report['n_skipped']:,}", icon=":material/block:", key=f"{key}-skipped"):
                for file in report["skipped"][:SHOWN]:
                    st.text(file)
                if report["n_skipped"] > SHOWN:
                    st.caption(f"and {report['n_skipped'] - SHOWN:,} more")
        with st.expander("Images per class", icon=":material/table_rows:", key=f"{key}-classes"):
            table(counts(report["classes"]), key=f"{key}-counts", name=f"{report['name']} classes")


def counts(classes: list[dict[str, Any]]) -> pd.DataFrame:
    """Images of each class by part; parts that no class has are left out."""
    frame = pd.DataFrame(classes).rename(columns={"name": "class"})
    empty = [part for part in ("train", "validation", "test") if part in frame and not frame[part].any()]
    return frame.drop(columns=empty)
