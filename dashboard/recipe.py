"""An experiment as a link, a command, Python and TOML, and back from a link: pure text, every choice in it."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from engine import budgets, search_fields
from engine.budgets import Budget
from engine.errors import SpecError
from engine.forgetting import MEASURE
from engine.presets import PRESETS
from engine.spec import ALL_DEPTHS, MEASURES, ExperimentSpec, TrainSpec
from engine.strategies import STRATEGIES

START = dataclasses.replace(PRESETS["quick"].spec, name="", frozen_depths=(4,), train=TrainSpec())
"""What the Lab shows when a link says nothing: one depth, 12 short runs, and each strategy at its own rate: the one that makes
the preset quick would hold for whatever is added."""

NAMES = {"data": "datasets", "backbone": "backbones", "strategy": "strategies"}
NUMBERS = {"depths": "frozen_depths", "seeds": "seeds", "labels": "label_budgets"}
"""Lists of whole numbers; label budgets may be texts, too."""
_YES = {"keep": "keep_weights", "refused": "leave_out_refused"}
"""What is yes or no; `refused=yes` leaves out what a backbone refuses."""
_TRAIN = tuple(field.name for field in dataclasses.fields(TrainSpec))
KEYS = (
    *NAMES, *NUMBERS, "set", "split", "weights", "keep", "refused", "controls", "measure", "pooling", "panel", "source",
    "intervals", "search", *_TRAIN, "name",
)  # fmt: skip
"""The parameters of a link, in the order in which they are written."""

_EVERYTHING = {"frozen_depths": ALL_DEPTHS, "label_budgets": ()}
MAX_NUMBERS = 10_000
FILE = "experiment.toml"


def to_query(spec: ExperimentSpec) -> dict[str, list[str]]:
    """The parameters of a link, each with its values: what is asked always, how it is trained where it is not the default.

    `from_query` gives the same spec back.
    """
    query = {key: list(getattr(spec, field)) for key, field in NAMES.items()}
    for key, field in NUMBERS.items():
        value = getattr(spec, field)
        written = _budgets_to_text if field == "label_budgets" else numbers_to_text
        query[key] = ["all" if value == _EVERYTHING.get(field) else written(value)]
    if spec.settings:
        query["set"] = [f"{name}.{key}={one}" for name, given in spec.settings.items() for key, one in given.items()]
    if spec.class_splits:
        query["split"] = [str(split) for split in spec.class_splits]
    if spec.weights != "pretrained":
        query["weights"] = [spec.weights]
    if spec.keep_weights:
        query["keep"] = ["yes"]
    if spec.leave_out_refused:
        query["refused"] = ["yes"]
    if spec.controls is False:
        query["controls"] = ["no"]
    if spec.measures != MEASURES:
        query["measure"] = list(spec.measures) or ["none"]
    if spec.pooling:
        query["pooling"] = [spec.pooling]
    if spec.panel_epochs:
        query["panel"] = [panel_to_text(spec.panel_epochs)]
    if spec.source_data:
        query["source"] = [spec.source_data]
    if spec.score_intervals:
        query["intervals"] = [str(spec.score_intervals)]
    if spec.search:
        query["search"] = [search_fields.to_text(spec.search)]
    usual = TrainSpec()
    for name in _TRAIN:
        value = getattr(spec.train, name)
        if value != getattr(usual, name):
            query[name] = [str(value)]
    if spec.name:
        query["name"] = [spec.name]
    return query


def query_string(spec: ExperimentSpec) -> str:
    """The part of a link after the question mark."""
    return urlencode(to_query(spec), doseq=True, safe=",:/")


def from_query(query: Mapping[str, Sequence[str]], base: ExperimentSpec = START) -> tuple[ExperimentSpec, list[str]]:
    """The spec that a link asks for, and what in the link could not be used, in words.

    Args:
        query: parameter -> its values; parameters that are not in `KEYS` are left alone.
        base: where to take what the link does not say.
    """
    spec, problems = base, []
    for key in KEYS:
        if not query.get(key):
            continue
        try:
            spec = dataclasses.replace(spec, **_field(key, list(query[key]), spec))
        except SpecError as error:
            problems.append(str(error))
    return spec, problems


def _field(key: str, values: list[str], spec: ExperimentSpec) -> dict[str, Any]:
    last = values[-1]
    if key in NAMES:
        return {NAMES[key]: tuple(values)}
    if key in NUMBERS:
        field = NUMBERS[key]
        if last == "all" and field in _EVERYTHING:
            return {field: _EVERYTHING[field]}
        return {field: _budgets(last) if field == "label_budgets" else numbers_from_text(field, last)}
    if key == "set":
        return {"settings": _settings(values)}
    if key == "split":
        return {"class_splits": splits_from_texts(values)}
    if key in ("keep", "refused"):
        return {_YES[key]: last.lower() in ("yes", "true", "1")}
    if key == "controls":
        return {"controls": _controls(last)}
    if key == "measure":
        measures = () if values == ["none"] else tuple(values)
        return {"measures": measures} | ({} if MEASURE in measures else {"source_data": None})
    if key == "source":
        return {"source_data": last}
    if key == "panel":
        return {"panel_epochs": panel_from_text(last)}
    if key == "intervals":
        return {"score_intervals": int(last) if _whole(last) else last}
    if key == "search":
        return {"search": search_fields.from_text(last)}
    if key in _TRAIN:
        return {"train": dataclasses.replace(spec.train, **{key: _typed(key, last)})}
    return {key: last}


def _controls(text: str) -> bool:
    said = text.lower()
    if said not in ("yes", "true", "1", "no", "false", "0"):
        raise SpecError(f"controls is {text!r}; write controls=no to leave them out, and nothing to have them added.")
    return said in ("yes", "true", "1")


def splits_from_texts(texts: Sequence[str]) -> tuple[int | str, ...]:
    """Splits of the classes: "0" is the seed of a random one, "cat, dog" the names of half A's classes."""
    return tuple(int(text) if _whole(text) else text for text in texts)


def _settings(texts: list[str]) -> dict[str, dict[str, Any]]:
    """Settings of strategies from "lora.rank=4"; what cannot be is refused by the plan in its words."""
    found: dict[str, dict[str, Any]] = {}
    for text in texts:
        where, equals, value = text.partition("=")
        strategy, dot, name = where.partition(".")
        if not (equals and dot):
            raise SpecError(f"set is {text!r}; write for example lora.rank=4.")
        known = {one.name: one for one in STRATEGIES[strategy].settings} if strategy in STRATEGIES else {}
        usual = known[name].default if name in known else ""
        try:
            found.setdefault(strategy, {})[name] = type(usual)(value)
        except ValueError:
            found.setdefault(strategy, {})[name] = value
    return found


def _typed(name: str, text: str) -> int | float | str:
    """Text as the type of a field of TrainSpec; what is no number stays text, and the spec refuses it in its words."""
    kind = {"learning_rate": float, "epochs": int}.get(name) or type(getattr(TrainSpec(), name))
    try:
        return kind(text)
    except ValueError:
        return text


def panel_to_text(epochs: tuple[int, ...] | str | None) -> str:
    """Epochs of the panel as typed: "auto", "every 5", "0-2,7", or nothing."""
    return epochs if isinstance(epochs, str) else numbers_to_text(epochs or ())


def panel_from_text(text: str) -> tuple[int, ...] | str:
    """Epochs of the panel from what was typed. Raises SpecError."""
    return text if text.strip().lower().startswith(("every", "auto")) else numbers_from_text("panel_epochs", text)


def numbers_to_text(numbers: Sequence[int]) -> str:
    """Whole numbers with runs drawn together, order kept: (0, 1, 2, 7) -> "0-2,7"."""
    parts: list[list[int]] = []
    for number in numbers:
        if parts and number == parts[-1][-1] + 1:
            parts[-1].append(number)
        else:
            parts.append([number])
    return ",".join(_run(part) for part in parts)


def _run(part: list[int]) -> str:
    return f"{part[0]}-{part[-1]}" if len(part) > 2 else ",".join(map(str, part))


def numbers_from_text(name: str, text: str) -> tuple[int, ...]:
    """The numbers of "0-2, 7". Raises SpecError naming what is neither a number nor a range, or too many numbers."""
    found: list[int] = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        first, dash, last = part.partition("-")
        if not _whole(first) or (dash and not _whole(last)):
            raise SpecError(f"{name}: {part!r} is neither a whole number nor a range; write for example 0-2, 7.")
        low, high = int(first), int(last if dash else first)
        if high - low + len(found) >= MAX_NUMBERS or low > high:
            raise SpecError(f"{name}: {part!r} must rise, and at most {MAX_NUMBERS:,} numbers may be given.")
        found += range(low, high + 1)
    return tuple(found)


def _budgets(text: str) -> tuple[Budget, ...]:
    """Label budgets of a link, "50,100-102,5/class,10%"."""
    found: list[Budget] = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        worded = "/" in part or "%" in part or part.isalpha()
        found += [budgets.parse("label_budgets", part)] if worded else numbers_from_text("label_budgets", part)
    return tuple(found)


def _budgets_to_text(values: Sequence[Budget]) -> str:
    groups = (list(group) for _, group in itertools.groupby(values, key=lambda one: isinstance(one, str)))
    return ",".join(",".join(group) if isinstance(group[0], str) else numbers_to_text(group) for group in groups)


def _whole(text: str) -> bool:
    return text.strip().isascii() and text.strip().isdigit() and len(text.strip()) <= 10


def to_python(spec: ExperimentSpec) -> str:
    """A Python program that runs the experiment; every field is spelled out, so that defaults may change."""
    lines = [
        "import engine",
        "",
        "spec = engine.ExperimentSpec(",
        *_arguments(spec),
        ")",
        "experiment_id = engine.run(spec)",
        'print(engine.frame("runs", experiment=experiment_id))',
    ]
    return "\n".join(lines) + "\n"


def _arguments(spec: ExperimentSpec) -> Iterator[str]:
    for field in dataclasses.fields(spec):
        value = getattr(spec, field.name)
        if isinstance(value, TrainSpec):
            yield f"    {field.name}=engine.TrainSpec("
            yield from (f"        {name}={getattr(value, name)!r}," for name in _TRAIN)
            yield "    ),"
        else:
            yield f"    {field.name}={value!r},"


def to_cli(spec: ExperimentSpec) -> str:
    """Shell commands (sh, bash, zsh) that write the spec to a file and run it."""
    # No line of TOML can be the word that ends the here-document, and the quotes keep `$` and backticks as they are.
    return f"cat > {FILE} <<'SPEC'\n{spec.to_toml()}SPEC\npython -m engine run {FILE} --follow\n"
