"""In the card of a score: what other implementations give on these features, or the button that computes it."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from dashboard import state
from dashboard.widgets.kept_tasks import begin
from dashboard.widgets.literal import literal
from dashboard.widgets.score_words import by_metric
from dashboard.widgets.table import table
from engine import implementation_words, task_queue
from engine.scores import _variants
from engine.spec import ExperimentSpec
from engine.tasks.layers import SCORED

KIND = "layers"
MEANINGLESS = "no meaning"
"""The column that names the implementations whose number means nothing on these features."""
QUICK = [name for name in SCORED if name != "nleep"]


def varied(metric: str) -> bool:
    """Whether public implementations of a measure are known to give something else."""
    score = by_metric().get(metric)
    return score is not None and bool(_variants.of(score.name))


def compared(found: dict[str, Any], metric: str) -> dict[str, Any] | None:
    """The comparison of one measure in what the task `layers` found; None where it was not asked for or there is none."""
    return next((one for one in found.get("implementations", ()) if one["metric"] == metric), None)


def show(found: dict[str, Any], payload: dict[str, Any], metric: str, *, key: str) -> None:
    """Draw the comparison of a measure, or the button that queues it.

    Args:
        found: what the task `layers` found.
        payload: what it was given; the button asks for the same and the comparison.
        metric: the measure.
        key: unique on the page.
    """
    one = compared(found, metric)
    if one is not None:
        st.markdown(f"**Implementations compared**: {literal(one['of'])}.")
        table(as_table(one), key=key, name=f"{metric} implementations")
        for variant in one["variants"]:
            lines = " ".join(_capital(said) for said in implementation_words.words(one, variant))
            st.caption(f"**{literal(variant['label'])}.** {literal(lines)}")
    elif not found.get("implementations"):
        ask(payload, key=key)


def untouched(spec: ExperimentSpec) -> dict[str, Any]:
    """What the task `layers` is given to measure an experiment's first backbone, data and budget before any training."""
    return {
        "backbone": spec.backbones[0],
        "dataset": spec.datasets[0],
        "labels": next(iter(spec.label_budgets), None),
        "pooling": spec.pooling,
        "weights": spec.weights,
        "seed": spec.seeds[0],
    }


def of_cell(cell: dict[str, Any], metric: str, *, key: str) -> None:
    """The same for an experiment: from the newest comparison of this backbone, data, labels and pooling, if there is one.

    Args:
        cell: the payload of the task `layers` that measures the same untouched backbone.
        metric: the measure.
        key: unique on the page.
    """
    for task in task_queue.list(state.store(), KIND, limit=100):
        same = all((task.payload.get(name) or None) == (value or None) for name, value in cell.items())
        if same and task.state == "finished" and task.result and compared(task.result, metric):
            show(task.result, task.payload, metric, key=key)
            return
    ask({**cell, "scores": QUICK}, key=key)


def ask(payload: dict[str, Any], *, key: str) -> None:
    """Draw the button that computes what other implementations give; while that runs, say so."""
    if any(not task.ended and task.payload.get("variants") for task in task_queue.list(state.store(), KIND, limit=10)):
        st.caption("Comparing implementations: their numbers appear here when it is done.")
        return
    labels = f" on {payload['labels']} labels" if payload.get("labels") else ""
    st.button(
        "Compare implementations", key=f"{key}-compare", icon=":material/balance:", on_click=begin,
        args=[KIND, {**payload, "variants": True}],
        help=f"What public code computes instead, on the features of {payload['backbone']} of {payload['dataset']}{labels}:"
        " one pass, some seconds, nothing is trained.",
    )  # fmt: skip


def as_table(one: dict[str, Any]) -> pd.DataFrame:
    """One row per unit: N, D, rank, our value, that of every variant, and which of them have no meaning there."""
    labels = [variant["label"] for variant in one["variants"]]
    rows = [
        {"unit": row["unit"], "N": row["n"], "D": row["d"], "rank": row["rank"], "ours": _rounded(row["ours"])}
        | dict(zip(labels, map(_rounded, row["values"]), strict=True))
        | {MEANINGLESS: ", ".join(v["label"] for v in one["variants"] if str(row["unit"]) in v["wrong"])}
        for row in one["rows"]
    ]
    return pd.DataFrame(rows).astype(
        dict.fromkeys(("N", "D", "rank"), "Int64") | dict.fromkeys(("ours", *labels), "float64")
    )


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.4g}")


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
