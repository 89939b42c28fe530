"""The choices of the Lab, one by one, and the experiment that they stand for: pure, in both directions."""

from __future__ import annotations

import dataclasses
import difflib
import re
from collections.abc import Mapping
from typing import Any

from dashboard import recipe
from engine import budgets, mistakes, search_fields
from engine.backbones import BACKBONES
from engine.errors import SpecError
from engine.forgetting import MEASURE
from engine.layer_intervals import RESAMPLES
from engine.spec import ALL_DEPTHS, AUTO, POOLINGS, ExperimentSpec, TrainSpec
from engine.strategies import GROUPS, STRATEGIES

FOLDER = "folder:"
ONE, SEVERAL, EVERY = "one", "several", "every"
MISTAKE = "mistake"
"""The group of strategies that have a switch each instead of a place among those to choose from."""
OR_AUTO = ("learning_rate", "epochs")
"""Fields of TrainSpec that are a number or `auto`."""
MAX_SEEDS = 20
MAX_NAME = 200
_NOT_A_NAME = re.compile(r"[\x00-\x1f\x7f]")


def of_spec(spec: ExperimentSpec) -> dict[str, Any]:
    """The choices that stand for `spec`, by name (its first dataset and backbone)."""
    data, depths = spec.datasets[0], spec.frozen_depths
    own, file = data.startswith(FOLDER), spec.weights.startswith("file:")
    plain_seeds = spec.seeds == tuple(range(len(spec.seeds))) and len(spec.seeds) <= MAX_SEEDS
    picked = [] if depths == ALL_DEPTHS else list(depths)
    return {
        "data": FOLDER if own else data,
        "folder": data.removeprefix(FOLDER) if own else "",
        "backbone": spec.backbones[0],
        "weights": "file" if file else spec.weights,
        "weights-file": spec.weights.removeprefix("file:") if file else "",
        **{
            _group(group): [name for name in spec.strategies if group_of(name) == group]
            for group in GROUPS
            if group != MISTAKE
        },
        **{mistake_key(name): name in spec.strategies for name in mistakes.names()},
        **{
            setting_key(one.name, setting.name): (spec.settings or {})
            .get(one.name, {})
            .get(setting.name, setting.default)
            for one in STRATEGIES
            for setting in one.settings
        },
        "strategy-order": list(dict.fromkeys([*spec.strategies, *STRATEGIES.names()])),
        "depth-mode": EVERY if depths == ALL_DEPTHS else ONE if len(picked) == 1 else SEVERAL,
        "depth": picked[len(picked) // 2] if picked else recipe.START.frozen_depths[0],
        "depths": picked,
        "seeds": min(len(spec.seeds), MAX_SEEDS),
        "seed-list": "" if plain_seeds else recipe.numbers_to_text(spec.seeds),
        "labels": [str(budget) for budget in spec.label_budgets],
        "splits": [str(split) for split in spec.class_splits or ()],
        "keep": bool(spec.keep_weights),
        "refused": bool(spec.leave_out_refused),  # no widget: of a preset or a link
        "controls": spec.controls is not False,
        "measures": list(spec.measures),
        "pooling": spec.pooling or POOLINGS[0],
        "panel": recipe.panel_to_text(spec.panel_epochs),
        "source-data": spec.source_data or "",
        "intervals": bool(spec.score_intervals),
        "resamples": spec.score_intervals or RESAMPLES,
        "search": (spec.search or {}).get("method", ""),
        **{f"search-{name}": (spec.search or {}).get(name, usual) for name, usual in search_fields.DEFAULTS.items()},
        "name": spec.name,
        **{field.name: getattr(spec.train, field.name) for field in dataclasses.fields(TrainSpec)},
        # A box for numbers holds no word: empty means automatic.
        **{name: None if getattr(spec.train, name) == AUTO else getattr(spec.train, name) for name in OR_AUTO},
    }


def fields(value: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of an ExperimentSpec, from choices as `of_spec` gives them. Raises SpecError."""
    order = value["strategy-order"]  # of the link or preset: the order is part of an experiment's identity
    return {
        "datasets": (data_name(value),),
        "backbones": (backbone_name(value),),
        "weights": _weights(value),
        "strategies": tuple(sorted(_some(chosen(value)), key=order.index)),
        "settings": _settings(value) or None,
        "frozen_depths": _depths(value),
        "seeds": recipe.numbers_from_text("seeds", value["seed-list"]) or tuple(range(value["seeds"])),
        "label_budgets": tuple(sorted(map(_budget, value["labels"]), key=budgets.order)),
        "class_splits": recipe.splits_from_texts(value["splits"]) or None,
        "keep_weights": value["keep"],
        "leave_out_refused": value["refused"],
        "controls": value["controls"],
        "measures": tuple(value["measures"]),
        "pooling": value["pooling"],
        "panel_epochs": recipe.panel_from_text(value["panel"]),
        "source_data": (value["source-data"].strip() or None) if MEASURE in value["measures"] else None,
        "score_intervals": value["resamples"] if value["intervals"] else None,
        "search": _search(value),
        "name": value["name"].strip(),
        "train": TrainSpec(
            **{field.name: value[field.name] for field in dataclasses.fields(TrainSpec)}
            | {name: AUTO if value[name] is None else value[name] for name in OR_AUTO}
        ),
    }


def chosen(value: Mapping[str, Any]) -> list[str]:
    """The strategies that are chosen, group by group."""
    contestants = [name for group in GROUPS if group != MISTAKE for name in value[_group(group)]]
    return contestants + [name for name in mistakes.names() if value[mistake_key(name)]]


def group_of(strategy: str) -> str:
    """The group of a strategy; one that nobody knows is shown with the first."""
    return STRATEGIES[strategy].group if strategy in STRATEGIES else next(iter(GROUPS))


def _group(group: str) -> str:
    return f"strategies-{group}"


def mistake_key(name: str) -> str:
    """The name of the switch that adds a mistake to what is compared."""
    return f"mistake-{name}"


def setting_key(strategy: str, setting: str) -> str:
    """The name of the choice that holds a strategy's setting."""
    return f"set-{strategy}-{setting}"


def given_setting(value: Mapping[str, Any], strategy: str, setting: str) -> Any:
    """A strategy's setting among the choices; several that were picked from a list are one text with commas."""
    given = value[setting_key(strategy, setting)]
    return ", ".join(given) if isinstance(given, list | tuple) else given


def _settings(value: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Settings of the chosen strategies that differ from their defaults."""
    found: dict[str, dict[str, Any]] = {}
    for name in chosen(value):
        for setting in STRATEGIES[name].settings if name in STRATEGIES else ():
            given = given_setting(value, name, setting.name)
            if given != setting.default:
                found.setdefault(name, {})[setting.name] = given
    return found


def _search(value: Mapping[str, Any]) -> dict[str, Any] | None:
    if not value["search"]:
        return None
    return {"method": value["search"], **{name: value[f"search-{name}"] for name in search_fields.DEFAULTS}}


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
    depths = (value["depth"],) if value["depth-mode"] == ONE else tuple(sorted(value["depths"]))
    if not depths and "partial_fine_tuning" in chosen(value):
        raise SpecError("No depth is chosen: add one to the network, or take every depth.")
    return depths


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
