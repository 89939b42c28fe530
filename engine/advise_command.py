"""`python -m engine advise`: where a task lies, what that speaks for, and how such advice has fared in this home."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from typing import Any

from engine import adviser, adviser_grades, distance_words
from engine.adviser import METRIC, Place, Record
from engine.errors import ScoreNotDefined
from engine.strategies import STRATEGIES

NO_SOURCE = (
    "The source's own images were not compared with these: shipped and downloaded backbones come without them (the command"
    " distance compares them with data that you name). What is said of near and far is what the frozen features show on these"
    " data."
)


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `advise`."""
    parser.add_argument("backbone")
    parser.add_argument("dataset")
    parser.add_argument(
        "--labels", metavar="N", help="labelled images used: a number, 5/class, 10%% or vtab (default: all)"
    )
    parser.add_argument("--weights", default="pretrained", help="pretrained, file:PATH or run:RUN_ID")
    parser.add_argument("--seed", type=int, default=0, help="of the choice of images (default: 0)")
    parser.add_argument("--json", action="store_true", help="the numbers, as JSON")


def run(args: argparse.Namespace) -> int:
    """Measure in this process, place the task and print the advice with its record. Raises TransferscopeError."""
    from engine import service
    from engine.follow_task import do_here
    from engine.frames import Frames

    store = service.open_store(args.home)
    payload = {key: getattr(args, key) for key in ("backbone", "dataset", "labels", "weights", "seed")}
    where = placed(do_here("layers", payload | {"scores": [METRIC]}, store.home))
    if isinstance(where, str):
        raise ScoreNotDefined(METRIC, where)
    known = adviser_grades.record(Frames(store).frame("advice"))
    found = distance_words.newest(store, args.backbone, args.dataset) if args.weights == "pretrained" else None
    distance = distance_words.sentence(found) if found else NO_SOURCE
    print(json.dumps(numbers(where, known)) if args.json else f"{words(where, known)}\n{distance}")
    return 0


def placed(found: Mapping[str, Any]) -> Place | str:
    """The place of what the task `layers` found, or why it has none."""
    import pandas as pd

    units = {unit["unit"]: unit for unit in found["units"]}
    columns = ["unit", "metric", "value", "reason", "n_images"]
    rows = pd.DataFrame([{name: cell[name] for name in columns} for cell in found["cells"]], columns=columns)
    rows["value"] = rows["value"].astype(float)
    rows["n_features"] = [units[unit]["n_features"] for unit in rows["unit"]]
    return adviser.place(rows, found["classes"], found.get("parameters"), len(units))


def words(where: Place, known: Record) -> str:
    """The advice, its reasons and its record, for people."""
    rule, labels = where.rule, {one.name: one.label.lower() for one in STRATEGIES}
    lines = [
        f"{where.quadrant.capitalize()}. {where.measured()}",
        f"Recommended: {recommended(where)}. Why: {rule.reason} ({rule.source}).",
        " ".join(filter(None, (known.sentence(labels), known.warning()))),
    ]
    return "\n".join(lines)


def recommended(where: Place) -> str:
    """The strategy and depth in a few words."""
    if where.rule.strategy == "partial_fine_tuning":
        first = "first of" if where.depth == 1 else f"first {where.depth} of"
        return f"partial fine-tuning with the {first} {where.n_units} units frozen"
    label = STRATEGIES[where.rule.strategy].label.lower()
    return f"{label} ({'everything frozen' if where.depth else 'nothing frozen'})"


def numbers(where: Place, known: Record) -> dict[str, Any]:
    """The same as plain values."""
    import dataclasses

    return {
        **dataclasses.asdict(where),
        "labels_per_feature": where.labels_per_feature,
        "quadrant": where.quadrant,
        "strategy": where.rule.strategy,
        "frozen_depth": where.depth,
        "reason": where.rule.reason,
        "source": where.rule.source,
        "record": {**dataclasses.asdict(known), "regret": known.regret if known.graded else None},
    }
