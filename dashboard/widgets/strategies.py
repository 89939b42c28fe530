"""The strategies of the Lab: chosen group by group, with the few settings that matter, and why some cannot be used here."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from dashboard import choices, state
from dashboard.figures.learning_schedule import learning_schedule
from dashboard.widgets import download, draft, kept_runs
from dashboard.widgets.chart import chart
from dashboard.widgets.literal import literal
from dashboard.widgets.training import WORDS
from engine import mistakes
from engine.backbones import Card
from engine.course import schedule_table
from engine.errors import TransferscopeError
from engine.spec import ExperimentSpec
from engine.strategies import GROUPS, STRATEGIES, Setting, Strategy, settled

FIRST = next(iter(GROUPS))
HELP = "Every chosen strategy is trained on the same images with the same seeds, so that only the strategy differs."
SAMPLES = 61
STUDY = "layer transfer"
SPLITS = ("0", "1", "2", "3", "4", "5")


def strategies(card: Card | None) -> None:
    """Choose what is compared; `card` is the backbone, where it is known, and says what cannot be used."""
    order = draft.value("strategy-order")
    for group, title in GROUPS.items():
        if group == choices.MISTAKE:
            _mistakes(title, card)
            continue
        options = [name for name in order if choices.group_of(name) == group]
        if group == FIRST:
            _pills(group, title, options)
            continue
        # Open where something in it is chosen, so that nothing that runs is out of sight.
        with st.expander(title, expanded=bool(draft.start(f"strategies-{group}"))):
            _pills(group, title, options)
            _refused(card, options)
    chosen = [STRATEGIES[name] for name in choices.chosen(draft.values()) if name in STRATEGIES]
    said = (f"**{literal(one.label)}** · {literal(one.summary)} *{literal(one.source)}*" for one in chosen)
    st.caption("  \n".join(said))
    for one in chosen:
        if card is not None and draft.value("weights") == "pretrained":
            _beside(one, card, draft.values())
    if any(one.group == STUDY for one in chosen) or draft.start("splits"):
        _splits()
    for one in chosen:
        if card is not None and kept_runs.picks(one):
            kept_runs.pick(one, card, _data())
    chosen = [one for one in chosen if len(one.settings) > len(kept_runs.picks(one))]
    if chosen:
        with st.expander("Settings of the chosen strategies", icon=":material/tune:"):
            for one in chosen:
                _settings(one)


def _beside(strategy: Strategy, card: Card, values: Mapping[str, Any]) -> None:
    """The network that a strategy asks beside the backbone, with its size and licence before it is downloaded."""
    if refusal(strategy, card, values):
        return
    found = strategy.beside(card, settled(strategy, given(strategy, values)))
    if found is None:
        return
    st.caption(f":material/{'download' if found.download_bytes else 'check'}: {literal(found.words)}")
    if found.download_bytes:
        download.text_tower(card.name, found.download_bytes)


def _mistakes(title: str, card: Card | None) -> None:
    """A switch for each mistake: it adds a lesson, and no contestant."""
    for name in mistakes.names():
        one, key = STRATEGIES[name], choices.mistake_key(name)
        on = bool(draft.start(key))
        why = refusal(one, card, draft.values()) if card else None
        st.toggle(
            f"{title}: {one.label[:1].lower()}{one.label[1:]}", on, key=draft.key(key),
            disabled=bool(why) and not draft.value(key),
            help=f"{one.summary} Every chosen frozen depth is run twice, as it should be and with the mistake, and the Compare"
            " page shows the difference. It takes part in no other comparison.",
        )  # fmt: skip
        if why:
            st.caption(f":material/block: Cannot be shown here: {literal(why)}.")


def _splits() -> None:
    """How the classes are divided into two tasks; without it units come from the pretrained weights."""
    given = draft.start("splits")
    st.multiselect(
        "Class splits", list(dict.fromkeys([*SPLITS, *given])), given, key=draft.key("splits"), accept_new_options=True,
        placeholder="None: units come from the pretrained weights",
        help="Each divides the classes into two tasks: a whole number is the seed of a random split; or type the names of the"
        " first task's classes with commas between them. Base networks are trained on both tasks, and their units copied."
        " Four splits or more show how much of a difference is luck.",
    )  # fmt: skip


def _data() -> str:
    try:
        return choices.data_name(draft.values())
    except TransferscopeError:  # nothing is typed yet: said under Data
        return ""


def _pills(group: str, title: str, options: list[str]) -> None:
    labels = {name: STRATEGIES[name].label if name in STRATEGIES else name for name in options}
    name = f"strategies-{group}"
    st.pills(
        title, options, selection_mode="multi", format_func=labels.get, wrap=True, default=draft.start(name),
        key=draft.key(name), help=HELP if group == FIRST else None,
        label_visibility="visible" if group == FIRST else "collapsed",
    )  # fmt: skip


def _refused(card: Card | None, options: list[str]) -> None:
    """What of a group cannot be used with this backbone and these settings, with the reason."""
    if card is None:
        return
    reasons: dict[str, list[str]] = {}
    for name in options:
        if name in STRATEGIES and (why := refusal(STRATEGIES[name], card, draft.values())):
            reasons.setdefault(why, []).append(STRATEGIES[name].label)
    for why, labels in reasons.items():
        st.caption(f":material/block: **{literal(', '.join(labels))}** cannot be used here: {literal(why)}.")


def refusal(strategy: Strategy, card: Card, values: Mapping[str, Any]) -> str | None:
    """Why a strategy cannot be used with a backbone and the settings among these choices, or None."""
    try:
        return strategy.refuses(card, settled(strategy, given(strategy, values)))
    except TransferscopeError as error:
        return str(error).rstrip(".")


def given(strategy: Strategy, values: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a strategy among these choices."""
    return {one.name: choices.given_setting(values, strategy.name, one.name) for one in strategy.settings}


def _settings(strategy: Strategy) -> None:
    st.markdown(f"**{literal(strategy.label)}**")
    settings = [one for one in strategy.settings if one not in kept_runs.picks(strategy)]
    for column, setting in zip(st.columns(max(3, len(settings))), settings, strict=False):
        with column:
            _setting(strategy.name, setting)


def _setting(strategy: str, setting: Setting) -> None:
    name = choices.setting_key(strategy, setting.name)
    key, start = draft.key(name), draft.start(name)
    if setting.options:
        options = list(
            dict.fromkeys([*setting.options, start])
        )  # of a link: shown as it is, and refused with the reason
        st.selectbox(setting.label, options, options.index(start), key=key, help=setting.summary)
    elif isinstance(setting.default, str) or isinstance(start, str):
        st.text_input(setting.label, str(start), key=key, help=setting.summary)
    else:
        whole = isinstance(setting.default, int)
        low, high = (int(setting.low), int(setting.high)) if whole else (float(setting.low), float(setting.high))
        inside = min(max(start, low), high)
        step = 1 if whole else max(0.001, abs(setting.default) / 10)
        st.number_input(
            setting.label, low, high, int(inside) if whole else float(inside), step, "%d" if whole else "%g", key,
            setting.summary,
        )  # fmt: skip


def schedule(card: Card | None) -> None:
    """Draw which units learn when and at what rate, for one of the chosen strategies."""
    names = [name for name in choices.chosen(draft.values()) if name in STRATEGIES]
    if card is None or not names:
        return
    look = st.expander("When each unit learns, and at what rate", icon=":material/schedule:", on_change="rerun")
    if not look.open:
        return
    with look:
        name = st.selectbox(
            "Strategy", names, format_func=lambda one: STRATEGIES[one].label, key="lab-schedule",
            label_visibility="collapsed",
        )  # fmt: skip
        try:
            runs = state.laid_out(spec_of(ExperimentSpec(**choices.fields(draft.values())), name))
        except TransferscopeError as error:
            st.info(literal(error))
            return
        run = runs[0].run
        rows = pd.DataFrame([vars(row) for row in schedule_table(run, card, SAMPLES)])
        strategy = STRATEGIES[run.strategy]
        waits = strategy.on_plateau(settled(strategy, run.settings or {}))
        note = "when a group joins depends on the validation loss: drawn evenly" if waits else ""
        if not strategy.solves_head:
            rule = f"{WORDS[run.train.optimizer]}, peak rate {run.train.learning_rate:g}"
            note = f"{rule}; {note}" if note else rule
        drawn = state.chart("lab", learning_schedule, rows, label=strategy.label, note=note, uirevision=run.run_id)
        chart(drawn, key="lab-schedule-chart")


def spec_of(spec: ExperimentSpec, name: str) -> ExperimentSpec:
    """The same experiment with one strategy, one seed and one label budget."""
    mine = {name: spec.settings[name]} if spec.settings and name in spec.settings else None
    alone = dataclasses.replace(spec, strategies=(name,), settings=mine, controls=False, name="")
    return dataclasses.replace(alone, seeds=spec.seeds[:1], label_budgets=spec.label_budgets[:1])
