"""The experiment that the Lab's widgets stand for: kept in the URL, in the session, and back in the widgets."""

from __future__ import annotations

import dataclasses
import difflib
import re
from collections.abc import Mapping
from typing import Any

import streamlit as st

from dashboard import recipe, state
from engine.backbones import BACKBONES
from engine.errors import SpecError, TransferscopeError
from engine.presets import PRESETS
from engine.spec import ALL_DEPTHS, ExperimentSpec, TrainSpec
from engine.strategies import STRATEGIES

PREFIX = "lab-"
FOLDER = "folder:"
ONE, SEVERAL, EVERY = "one", "several", "every"
MAX_SEEDS = 20
MAX_NAME = 200
_SOURCES = ("preset", "from")
"""Parameters that name a whole experiment: a preset, or one in the store by id or name."""
_NOT_A_NAME = re.compile(r"[\x00-\x1f\x7f]")


def open_draft() -> list[str]:
    """Fill the widgets where the URL asks for another experiment; returns what could not be used, in words.

    A rerun carries the browser's URL, which may be older than a click that came just before: what was clicked wins.
    """
    asked = {key: st.query_params.get_all(key) for key in (*_SOURCES, *recipe.KEYS) if key in st.query_params}
    shown = st.session_state.get("lab-shown")
    gone = shown is not None and "lab-seeds" not in st.session_state  # widgets of a page that was left are forgotten
    if shown is None or gone or (asked != st.session_state.get("lab-asked") and values() == shown and not _pressed()):
        base = st.session_state.get("lab-spec", recipe.START) if gone and not asked else recipe.START
        spec, problems = _asked_for(asked, base)
        st.session_state.update(to_widgets(spec))
        st.session_state.update({"lab-problems": [*problems, *_left_out(spec)], "lab-asked": asked})
    elif values() != shown:
        st.session_state["lab-problems"] = []
    st.session_state["lab-shown"] = values()
    return st.session_state["lab-problems"]


def close_draft() -> ExperimentSpec:
    """The experiment of the widgets, now also in the URL. Raises SpecError where they hold none."""
    spec = ExperimentSpec(**fields(values()))
    query = recipe.to_query(spec)
    # Compared with what the browser had when this run began; other pages' parameters stay.
    others = {key: st.query_params.get_all(key) for key in st.query_params if key not in (*_SOURCES, *recipe.KEYS)}
    if {key: st.query_params.get_all(key) for key in st.query_params} != others | query:
        st.query_params.from_dict(others | query)
    st.session_state["lab-spec"], st.session_state["lab-asked"] = spec, query
    return spec


def start_over() -> None:
    """Forget every choice of the Lab."""
    st.session_state.update(to_widgets(recipe.START))
    st.session_state["lab-problems"] = []


def to_widgets(spec: ExperimentSpec) -> dict[str, Any]:
    """The session keys of the Lab with the values that stand for `spec` (its first dataset and backbone)."""
    data, depths = spec.datasets[0], spec.frozen_depths
    own, file = data.startswith(FOLDER), spec.weights.startswith("file:")
    plain_seeds = spec.seeds == tuple(range(len(spec.seeds))) and len(spec.seeds) <= MAX_SEEDS
    chosen = [] if depths == ALL_DEPTHS else list(depths)
    values = {
        "data": FOLDER if own else data,
        "folder": data.removeprefix(FOLDER) if own else "",
        "backbone": spec.backbones[0],
        "weights": "file" if file else spec.weights,
        "weights-file": spec.weights.removeprefix("file:") if file else "",
        "strategies": list(spec.strategies),
        "strategy-order": list(dict.fromkeys([*spec.strategies, *STRATEGIES.names()])),
        "depth-mode": EVERY if depths == ALL_DEPTHS else ONE if len(chosen) == 1 else SEVERAL,
        "depth": chosen[len(chosen) // 2] if chosen else recipe.START.frozen_depths[0],
        "depths": chosen,
        "seeds": min(len(spec.seeds), MAX_SEEDS),
        "seed-list": "" if plain_seeds else recipe.numbers_to_text(spec.seeds),
        "labels": [str(budget) for budget in spec.label_budgets],
        "measures": list(spec.measures),
        "name": spec.name,
        **{field.name: getattr(spec.train, field.name) for field in dataclasses.fields(TrainSpec)},
    }
    return {PREFIX + key: value for key, value in values.items()}


def fields(widgets: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of an ExperimentSpec, from session keys as `to_widgets` gives them. Raises SpecError."""
    value = {key.removeprefix(PREFIX): content for key, content in widgets.items()}
    order = value["strategy-order"]  # of the link or preset: the order is part of an experiment's identity
    return {
        "datasets": (data_name(widgets),),
        "backbones": (backbone_name(widgets),),
        "weights": _weights(value),
        "strategies": tuple(sorted(_some(value["strategies"]), key=order.index)),
        "frozen_depths": _depths(value),
        "seeds": recipe.numbers_from_text("seeds", value["seed-list"]) or tuple(range(value["seeds"])),
        "label_budgets": tuple(sorted(_budget(text) for text in value["labels"])),
        "measures": tuple(value["measures"]),
        "name": value["name"].strip(),
        "train": TrainSpec(**{field.name: value[field.name] for field in dataclasses.fields(TrainSpec)}),
    }


def data_name(widgets: Mapping[str, Any]) -> str:
    """The dataset of the widgets. Raises SpecError while nothing is typed."""
    if widgets["lab-data"] != FOLDER:
        return _named("data", widgets["lab-data"], "Choose a dataset.")
    return FOLDER + _named("folder", widgets["lab-folder"], "Type the path of your folder of images under Data.")


def backbone_name(widgets: Mapping[str, Any]) -> str:
    """The backbone of the widgets; a name without a family is one of timm's. Raises SpecError while nothing is typed."""
    name = _named("backbone", widgets["lab-backbone"], "Choose a backbone, or type the name of a timm model.")
    if ":" in name or any(family.accepts(name) for family in BACKBONES):
        return name
    ours = [one for family in BACKBONES for one in family.names() if ":" not in one]
    # What people type is the name that timm's own pages show, unless it is nearly one of ours: then that is suggested.
    return name if difflib.get_close_matches(name, ours, cutoff=0.8) else f"timm:{name}"


def _some(strategies: list[str]) -> list[str]:
    if not strategies:
        raise SpecError("No strategy is chosen: choose at least one way to train.")
    return strategies


def _weights(value: dict[str, Any]) -> str:
    if value["weights"] != "file":
        return value["weights"]
    return "file:" + _named("weights", value["weights-file"], "Type the path of your .safetensors file under Backbone.")


def _depths(value: dict[str, Any]) -> tuple[int, ...] | str:
    if value["depth-mode"] == EVERY:
        return ALL_DEPTHS
    chosen = (value["depth"],) if value["depth-mode"] == ONE else tuple(sorted(value["depths"]))
    if not chosen and "partial_fine_tuning" in value["strategies"]:
        raise SpecError("No depth is chosen: add one to the network, or take every depth.")
    return chosen


def _named(field: str, text: str | None, empty: str) -> str:
    text = (text or "").strip()
    if not text:
        raise SpecError(empty)
    if len(text) > (MAX_NAME if field == "backbone" else 4096) or _NOT_A_NAME.search(text):
        raise SpecError(f"The {field} is too long or holds characters that cannot be typed.")
    return text


def _budget(text: str) -> int:
    digits = str(text).strip().replace(",", "").replace(" ", "")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 10):
        raise SpecError(f"The label budget {text!r} is not a whole number of images; type for example 100.")
    return int(digits)


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
    return [
        f"The Lab takes one {what} at a time; this experiment has {len(names)}, and {names[0]} is shown."
        for what, names in (("dataset", spec.datasets), ("backbone", spec.backbones))
        if len(names) > 1
    ]


def values() -> dict[str, Any]:
    """The choices of the Lab as they stand, by session key."""
    known = to_widgets(recipe.START)
    # A widget that is hidden (the path of a folder) has no value; the one it would start with stands for it.
    return {key: st.session_state.get(key, usual) for key, usual in known.items()}


def _pressed() -> bool:
    return bool(st.session_state.get("lab-run"))
