"""The experiment that the Lab's widgets stand for: kept in the URL, in the session, and back in the widgets."""

from __future__ import annotations

from typing import Any

import streamlit as st

from dashboard import choices, recipe, state
from engine import added_controls
from engine.errors import TransferscopeError
from engine.presets import PRESETS
from engine.spec import ExperimentSpec

_SOURCES = ("preset", "from")
"""Parameters that name a whole experiment: a preset, or one in the store by id or name."""


def open_draft() -> list[str]:
    """Take over the experiment that the URL asks for, where it is another one; returns what could not be used, in words.

    A rerun carries the browser's URL, which may be older than a click that came just before: what was clicked wins.
    """
    asked = {key: st.query_params.get_all(key) for key in (*_SOURCES, *recipe.KEYS) if key in st.query_params}
    shown = st.session_state.get("lab-shown")
    # Widgets of a page that was left are forgotten; the first one tells.
    gone = shown is not None and key("data") not in st.session_state and not st.session_state.pop("lab-over", False)
    moved = st.session_state.pop("lab-moved", False)
    clicked = moved or shown != values() or st.session_state.get("lab-run")
    if shown is None or gone or (not clicked and asked != st.session_state["lab-asked"]):
        base = st.session_state.get("lab-spec", recipe.START) if gone and not asked else recipe.START
        take_over(*_asked_for(asked, base))
        st.session_state["lab-asked"] = asked
    elif clicked:
        st.session_state["lab-problems"] = []
    st.session_state["lab-shown"] = values()
    return st.session_state["lab-problems"]


def close_draft() -> ExperimentSpec:
    """The experiment of the widgets, now also in the URL. Raises SpecError where they hold none."""
    spec = ExperimentSpec(**choices.fields(values()))
    query = recipe.to_query(spec)
    st.session_state.update({"lab-spec": spec, "lab-asked": query})
    there = {key: st.query_params.get_all(key) for key in st.query_params}
    wanted = {key: there[key] for key in there if key not in (*_SOURCES, *recipe.KEYS)} | query
    if there != wanted:
        st.query_params.from_dict(wanted)
    return spec


def take_over(spec: ExperimentSpec, problems: list[str]) -> None:
    """Begin anew with this experiment.

    Widgets get new keys and these values as their defaults. Set through the session, a value would reach the browser
    once only, and a widget that is still loading when the next run comes would begin with the default of its kind.
    """
    st.session_state["lab-generation"] = st.session_state.get("lab-generation", 0) + 1
    st.session_state["lab-start"] = choices.of_spec(spec)
    st.session_state["lab-problems"] = [*problems, *_left_out(spec)]


def start_over() -> None:
    """Forget every choice: for the button, before the page is drawn."""
    take_over(recipe.START, [])
    st.session_state["lab-over"] = True


def key(name: str) -> str:
    """The session key of a choice."""
    return f"lab-{name}-{st.session_state.get('lab-generation', 0)}"


def start(name: str) -> Any:
    """What a choice begins with."""
    return st.session_state["lab-start"][name]


def value(name: str) -> Any:
    """A choice as it stands; where its widget is hidden (the path of a folder), what it would begin with."""
    return st.session_state.get(key(name), start(name))


def values() -> dict[str, Any]:
    """Every choice as it stands, as `choices.fields` takes them."""
    return {name: value(name) for name in st.session_state.get("lab-start", ())}


def _asked_for(asked: dict[str, list[str]], base: ExperimentSpec) -> tuple[ExperimentSpec, list[str]]:
    problems = []
    try:
        if "preset" in asked:
            base = PRESETS[asked["preset"][-1]].spec
        elif "from" in asked:
            experiment_id = state.store().experiment(asked["from"][-1])
            every = [*state.experiments(), *state.experiments(trashed=True)]
            base = next(one["spec"] for one in every if one["experiment_id"] == experiment_id)
    except TransferscopeError as error:
        problems.append(str(error))
    spec, more = recipe.from_query(asked, base)
    return spec, problems + more


def _left_out(spec: ExperimentSpec) -> list[str]:
    """What the widgets cannot hold of a spec."""
    unnamed = [name for name in spec.settings or {} if name not in spec.strategies and name in added_controls.NAMES]
    return [
        *(
            f"Settings of {name} are left out: the Lab holds those of chosen strategies, so choose it."
            for name in unnamed
        ),
        *_several(spec),
    ]


def _several(spec: ExperimentSpec) -> list[str]:
    return [
        f"The Lab takes one {what} at a time; this experiment has {len(names)}, and {names[0]} is shown."
        for what, names in (("dataset", spec.datasets), ("backbone", spec.backbones))
        if len(names) > 1
    ]
