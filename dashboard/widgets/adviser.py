"""The adviser: where a task lies before training, what that speaks for, and always how such advice fared in this home."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from dashboard import state
from dashboard.figures import advice_map
from dashboard.figures._style import plain, strategy_label
from dashboard.figures.advice_map import HERE, TAKEN
from dashboard.widgets import source_distance
from dashboard.widgets.chart import chart
from dashboard.widgets.kept_tasks import begin
from dashboard.widgets.literal import literal
from dashboard.widgets.part import Part
from dashboard.widgets.task_status import task_status
from engine import adviser_grades, budgets, service, task_queue
from engine.advise_command import NO_SOURCE, placed, recommended
from engine.adviser import CAPACITY, METRIC, VERY_STRONG, Place
from engine.strategies import STRATEGIES
from engine.task_queue import Task

KIND = "layers"
MOST = 3
"""Label budgets that are placed at once."""


def before_training(backbone: str, dataset: str, asked: tuple[budgets.Budget | None, ...]) -> None:
    """Draw the advice for each of some label budgets (None = all labels), or the button that measures."""
    dataset = service.absolute(dataset)
    tasks = task_queue.list(state.store(), KIND, limit=100)
    found = {one: _newest(tasks, backbone, dataset, one) for one in asked[:MOST]}
    if pending := [task.task_id for task in found.values() if task is not None and not task.ended]:
        _wait(pending)
    for one, task in found.items():
        if task is not None and task.result:
            _advice(one, task, several=len(found) > 1)
    missing = [one for one, task in found.items() if task is None or (task.ended and not task.result)]
    if missing:
        many = f"with {budgets.words(missing[0])}" if len(missing) == 1 else f"for {len(missing)} label budgets"
        st.button(
            f"Advise me: measure before training, {many}", icon=":material/lightbulb:", key="lab-adviser-measure",
            on_click=_measure, args=[backbone, dataset, missing],
            help="One pass of the frozen backbone over the labelled images and LogME after every unit: seconds. It says whether"
            " the task has little or much data and is near or far from what the network learned, and what that speaks for.",
        )  # fmt: skip
    here = {one: placed(task.result) for one, task in found.items() if task is not None and task.result}
    if here and st.toggle("Show where it lies among the tasks of this home", key="lab-adviser-map"):
        rows = [
            row_of(_task_words(backbone, dataset, one), where)
            for one, where in here.items()
            if not isinstance(where, str)
        ]
        _map(pd.concat([past(state.frame("advice")), pd.DataFrame(rows)], ignore_index=True), key="lab-adviser-chart")


@st.fragment(run_every=state.TICK_SECONDS)
def _wait(pending: list[int]) -> None:
    """Draw tasks that are not done; once all are, draw the whole page again, and this is gone."""
    tasks = [task_queue.get(state.store(), one) for one in pending]
    if all(task.ended for task in tasks):
        st.rerun()
    for task in tasks:
        if not task.ended:
            task_status(task, key="lab-adviser")


def graded(experiment_id: str, shown: Part) -> None:
    """Draw how advice fared in the part of an experiment that is shown, among all tasks of this home; nothing without a task."""
    here = shown.frame("advice", experiment_id)
    if here.empty:
        return
    everything = state.frame("advice")
    st.subheader("What the adviser would have said")
    for row in here.head(MOST).itertuples():
        st.text(_graded_words(row))
    known = adviser_grades.record(everything)
    st.text(" ".join(filter(None, (known.sentence(_spoken()), known.warning()))))
    with st.expander("All tasks of this home", icon=":material/lightbulb:", key="compare-adviser", type="compact"):
        _map(past(everything), key="compare-adviser-chart")


def past(advice: pd.DataFrame) -> pd.DataFrame:
    """Rows of the frame `advice` as the chart takes them."""
    rows = [
        row_of(_task_words(row["backbone"], row["dataset"], row["budget"], row["training"]), row)
        for row in advice.to_dict("records")
    ]
    return pd.DataFrame(rows, columns=list(TAKEN))


def row_of(task: str, where: Place | dict[str, Any]) -> dict[str, Any]:
    """A place, or a row of the frame `advice`, as a row of the chart."""
    get = where.get if isinstance(where, dict) else lambda name: getattr(where, name, None)
    strategy = where["strategy"] if isinstance(where, dict) else where.rule.strategy
    depth = where["frozen_depth"] if isinstance(where, dict) else where.depth
    names = ("n_train", "n_classes", "n_features", "labels_per_feature", "evidence", "best_unit", "n_units", "quadrant")
    advice = f"freeze {depth}" if strategy == "partial_fine_tuning" else strategy_label(strategy).lower()
    graded = {"verdict": where["verdict"], "regret": where["regret"]} if isinstance(where, dict) else {}
    return {
        "task": task,
        **{name: get(name) for name in names},
        "advice": advice,
        "verdict": HERE,
        "regret": None,
    } | graded


def _newest(tasks: list[Task], backbone: str, dataset: str, labels: budgets.Budget | None) -> Task | None:
    """The newest measuring of exactly this that waits, runs or has LogME; else the newest that ended otherwise."""
    wanted = (backbone, dataset, labels, "pretrained")
    same = [
        task for task in tasks
        if tuple(task.payload.get(name) for name in ("backbone", "dataset", "labels", "weights")) == wanted
        and not task.payload.get("pooling") and METRIC in (task.payload.get("scores") or [METRIC])
    ]  # fmt: skip
    return next((task for task in same if task.result or not task.ended), next(iter(same), None))


def _measure(backbone: str, dataset: str, missing: list[budgets.Budget | None]) -> None:
    for one in missing:
        begin(KIND, {"backbone": backbone, "dataset": dataset, "labels": one, "scores": [METRIC]})


def _advice(labels: budgets.Budget | None, task: Task, *, several: bool) -> None:
    where = placed(task.result or {})
    if isinstance(where, str):
        st.caption(f":material/lightbulb: {literal(f'No advice with {budgets.words(labels)}: {where}.')}")
        return
    known = adviser_grades.record(state.frame("advice"))
    rule = where.rule
    with st.container(border=True, key=f"lab-adviser-{task.task_id}"):
        about = f"With {budgets.words(labels)}, before" if several else "Before"
        st.markdown(
            f":material/lightbulb: **{about} training: {literal(where.quadrant)}.** {literal(where.measured())}\n\n"
            f"**{literal(_upper(recommended(where)))}**: {literal(rule.reason)} ({literal(rule.source)}).\n\n"
            f"{literal(known.sentence(_spoken()))} {literal(known.warning())}"
        )
        st.caption(literal(source_distance.measured(task.payload["backbone"], task.payload["dataset"]) or NO_SOURCE))


def _map(points: pd.DataFrame, *, key: str) -> None:
    chart(state.chart("adviser", advice_map, points, little=CAPACITY, far=VERY_STRONG, uirevision=key), key=key)


def _graded_words(row: Any) -> str:
    """One graded task in a sentence."""
    labels = _spoken()
    advice = (
        f"freezing {row.frozen_depth} of {row.n_units}"
        if row.strategy == "partial_fine_tuning"
        else labels[row.strategy]
    )
    said = f"{_task_words(row.backbone, row.dataset, row.budget, row.training)}: {row.quadrant}, so {advice}."
    if row.verdict == "not run":
        return f"{said} That was not run here."
    ran = f"frozen depth {row.run_depth}" if row.run_strategy == "partial_fine_tuning" else labels[row.run_strategy]
    cost = f"{_upper(ran)} came {row.regret * 100:.1f} points below the best of {row.cells} cells"
    if row.verdict == "undecided":
        return f"{said} {cost}; the seeds tell none from the best ({row.seeds} of a cell)."
    tied = "among the best" if row.verdict == "right" else "not among the best"
    return f"{said} {cost}: {tied} ({row.tied} tied, {row.seeds} seeds)."


def _task_words(backbone: str, dataset: str, budget: object, training: str = "") -> str:
    words = f"{plain(backbone)} on {plain(dataset)}, {budgets.words(budget)}"
    return f"{words} ({plain(training)})" if training else words


def _spoken() -> dict[str, str]:
    """What strategies are called within a sentence: "full fine-tuning", "LoRA"."""
    labels = {one.name: one.label for one in STRATEGIES}
    return {name: label if label[1:] != label[1:].lower() else label.lower() for name, label in labels.items()}


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]
