"""The choices of the Lab, one by one, and the experiment that they stand for: pure, in both directions."""

from __future__ import annotations

import dataclasses
import difflib
import re
from collections.abc import Mapping
from typing import Any

from dashboard import recipe
from engine import budgets
from engine.backbones import BACKBONES
from engine.errors import SpecError
from engine.spec import ALL_DEPTHS, POOLINGS, ExperimentSpec, TrainSpec
from engine.strategies import STRATEGIES

FOLDER = "folder:"
ONE, SEVERAL, EVERY = "one", "several", "every"
MAX_SEEDS = 20
MAX_NAME = 200
_NOT_A_NAME = re.compile(r"[\x00-\x1f\x7f]")


def of_spec(spec: ExperimentSpec) -> dict[str, Any]:
    """The choices that stand for `spec`, by name (its first dataset and backbone)."""
    data, depths = spec.datasets[0], spec.frozen_depths
    own, file = data.startswith(FOLDER), spec.weights.startswith("file:")
    plain_seeds = spec.seeds == tuple(range(len(spec.seeds))) and len(spec.seeds) <= MAX_SEEDS
    chosen = [] if depths == ALL_DEPTHS else list(depths)
    return {
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
        "pooling": spec.pooling or POOLINGS[0],
        "panel": recipe.panel_to_text(spec.panel_epochs),
        "name": spec.name,
        **{field.name: getattr(spec.train, field.name) for field in dataclasses.fields(TrainSpec)},
    }


def fields(value: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of an ExperimentSpec, from choices as `of_spec` gives them. Raises SpecError."""
    order = value["strategy-order"]  # of the link or preset: the order is part of an experiment's identity
    return {
        "datasets": (data_name(value),),
        "backbones": (backbone_name(value),),
        "weights": _weights(value),
        "strategies": tuple(sorted(_some(value["strategies"]), key=order.index)),
        "frozen_depths": _depths(value),
        "seeds": recipe.numbers_from_text("seeds", value["seed-list"]) or tuple(range(value["seeds"])),
        "label_budgets": tuple(sorted(map(_budget, value["labels"]), key=budgets.order)),
        "measures": tuple(value["measures"]),
        "pooling": value["pooling"],
        "panel_epochs": recipe.panel_from_text(value["panel"]),
        "name": value["name"].strip(),
        "train": TrainSpec(**{field.name: value[field.name] for field in dataclasses.fields(TrainSpec)}),
    }


def data_name(value: Mapping[str, Any]) -> str:
    """The dataset that is chosen. Raises SpecError while nothing is typed."""
    if value["data"] != FOLDER:
        return _named("data", value["data"], "Choose a dataset.")
    return FOLDER + _named("folder", value["folder"], "Type the path of your folder of images under Data.")


def backbone_name(value: Mapping[str, Any]) -> str:
    """The backbone that is chosen; a name without a family is one of timm's. Raises SpecError while nothing is typed."""
    name = _named("backbone", value["backbone"], "Choose a backbone, or type the name of a timm model.")
    if ":" in name or any(family.accepts(name) for family in BACKBONES):
        return name
    ours = [one for family in BACKBONES for one in family.names() if ":" not in one]
    # What people type is the name that timm's own pages show, unless it is nearly one of ours: then that is suggested.
    return name if difflib.get_close_matches(name, ours, cutoff=0.8) else f"timm:{name}"


def _some(strategies: list[str]) -> list[str]:
    if not strategies:
        raise SpecError("No strategy is chosen: choose at least one way to train.")
    return strategies


def _weights(value: Mapping[str, Any]) -> str:
    if value["weights"] != "file":
        return value["weights"]
    return "file:" + _named("weights", value["weights-file"], "Type the path of your .safetensors file under Backbone.")


def _depths(value: Mapping[str, Any]) -> tuple[int, ...] | str:
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


def _budget(text: str) -> budgets.Budget:
    try:
        return budgets.parse("label_budgets", str(text))
    except SpecError as error:
        raise SpecError(f"The label budget {str(text)[:40]!r} cannot be used. {error}") from error
