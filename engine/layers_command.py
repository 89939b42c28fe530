"""`python -m engine layers` and `similarity`: tables of the units of frozen backbones, in a terminal or as JSON."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from typing import Any

from engine import implementation_words, stats
from engine.errors import SpecError
from engine.layer_intervals import RESAMPLES
from engine.spec import ALL_MEASURES, OF_A_RUN, POOLINGS

SCORED = tuple(name for name in ALL_MEASURES if name not in OF_A_RUN)
NO_VALUE = "-"
WRONG = "!"
"""After a number that has no meaning."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `layers`."""
    parser.add_argument("backbone")
    parser.add_argument("dataset")
    parser.add_argument(
        "--scores", metavar="NAMES", default="",
        help=f"divided by commas, or 'all'; known are {', '.join(SCORED)} (default: all but nleep)",
    )  # fmt: skip
    parser.add_argument(
        "--labels", metavar="N", help="labelled images used: a number, 5/class, 10%% or vtab (default: all)"
    )
    parser.add_argument(
        "--variants", action="store_true", help="also what other implementations of these scores give on these features"
    )
    parser.add_argument(
        "--intervals", type=int, nargs="?", const=RESAMPLES, default=0, metavar="RESAMPLES",
        help=f"95 %% intervals: Wilson for accuracies, resampled for other scores (default: {RESAMPLES} resamples each)",
    )  # fmt: skip
    _shared(parser)


def similarity_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `similarity`."""
    parser.add_argument("first", help="a backbone; its units are the rows")
    parser.add_argument("second", help="a backbone; its units are the columns")
    parser.add_argument("dataset")
    parser.add_argument(
        "--images", type=int, default=1_024, help="at most so many, of the training part (default: 1024)"
    )
    _shared(parser)


def _shared(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--pooling", choices=POOLINGS, help="how a unit's output becomes features (default: global_average)"
    )
    parser.add_argument("--weights", default="pretrained", help="pretrained, random, file:PATH or run:RUN_ID")
    parser.add_argument("--seed", type=int, default=0, help="of the choice of images (default: 0)")
    parser.add_argument("--json", action="store_true", help="everything that was measured, as JSON")


def run(args: argparse.Namespace) -> int:
    """Measure in this process and print. Raises TransferscopeError."""
    from engine import home as homes
    from engine.follow_task import do_here

    keys = ("backbone", "dataset", "labels", "pooling", "weights", "seed", "variants", "intervals")
    payload = {key: getattr(args, key) for key in keys} | {"scores": names(args.scores)}
    found = do_here("layers", payload, homes.resolve(args.home))
    print(json.dumps(found) if args.json else words(found))
    return 0


def run_similarity(args: argparse.Namespace) -> int:
    """Compare in this process and print. Raises TransferscopeError."""
    from engine import home as homes
    from engine.follow_task import do_here

    keys = ("first", "second", "dataset", "images", "pooling", "weights", "seed")
    found = do_here("similarity", {key: getattr(args, key) for key in keys}, homes.resolve(args.home))
    print(json.dumps(found) if args.json else similarity_words(found))
    return 0


def names(text: str) -> list[str]:
    """Names of scores from what was typed; none for the usual ones. Raises SpecError."""
    if text.strip() == "all":
        return list(SCORED)
    found = [name.strip() for name in text.split(",") if name.strip()]
    if unknown := [name for name in found if name not in SCORED]:
        raise SpecError(f"{', '.join(unknown)}: no such score; known are {', '.join(SCORED)}.")
    return found


def words(found: dict[str, Any]) -> str:
    """The table of units and scores, with what was measured above and the reasons of missing values below."""
    scores, cells = found["scores"], {(cell["unit"], cell["metric"]): cell for cell in found["cells"]}
    head = ["unit", "D", *(score["name"] for score in scores)]
    rows = [
        [f"{unit['unit']} {unit['name']}", str(unit["n_features"])]
        + [_with_interval(cells.get((unit["unit"], score["metric"]), {})) for score in scores]
        for unit in found["units"]
    ]
    labels = "all labels" if found["labels"] is None else f"labels {found['labels']}"
    seconds = found["seconds"]
    above = [
        f"{found['backbone']} ({found['weights']}) on {found['dataset']}, {labels}, seed {found['seed']}, pooling"
        f" {found['pooling']}.",
        f"Scores of {found['n_train']:,} training images; linear_probe and knn: also {found['n_validation']:,} to validate,"
        f" tested on {found['n_test']:,}. {found['classes']} classes.",
        f"One pass {seconds['pass']:.1f} s, scores {seconds['scores']:.1f} s.",
    ]
    ranges, _ = stats.kinds([cell.get("interval", "") for cell in found["cells"]])
    above += [f"In brackets 95 % intervals: {'; '.join(ranges)} ({seconds['intervals']:.1f} s)."] if ranges else []
    return "\n".join([*above, "", *_table(head, rows), *_reasons(found), *_without(found), *compared_words(found)])


def compared_words(found: dict[str, Any]) -> list[str]:
    """What other implementations give, a table per score; empty where they were not computed."""
    lines: list[str] = []
    for one in found.get("implementations", []):
        variants = one["variants"]
        head = ["unit", "N", "D", "rank", "ours", *(variant["label"] for variant in variants)]
        rows = [
            [str(row["unit"]), *("" if row[key] is None else str(row[key]) for key in ("n", "d", "rank"))]
            + [_number(row["ours"])]
            + [
                _number(value) + (WRONG if str(row["unit"]) in variant["wrong"] else "")
                for value, variant in zip(row["values"], variants, strict=True)
            ]
            for row in one["rows"]
        ]
        lines += ["", f"{one['label']}: implementations compared ({one['of']}).", *_table(head, rows)]
        lines += [
            f"  {variant['label']} {said}" for variant in variants for said in implementation_words.words(one, variant)
        ]
    return lines


def _with_interval(cell: dict[str, Any]) -> str:
    value = _number(cell.get("value"))
    return value if cell.get("low") is None else f"{value} [{_number(cell['low'])}, {_number(cell['high'])}]"


def _reasons(found: dict[str, Any]) -> list[str]:
    names_of = {score["metric"]: score["name"] for score in found["scores"]}
    units: dict[tuple[str, str], list[int]] = {}
    for cell in found["cells"]:
        if cell["value"] is None:
            units.setdefault((names_of[cell["metric"]], cell["reason"]), []).append(cell["unit"])
    lines = [f"{name}, unit {', '.join(map(str, at))}: {reason}." for (name, reason), at in units.items()]
    hidden = [score["name"] for score in found["scores"] if score["name"] in ("leep", "nce")]
    if hidden:
        lines.append(f"{' and '.join(hidden)}: of the source classifier, which reads the last unit only.")
    return ["", f"{NO_VALUE} has no value:", *(f"  {line}" for line in lines)] if lines else []


def _without(found: dict[str, Any]) -> list[str]:
    """Which values have no interval, and why."""
    names_of = {score["metric"]: score["name"] for score in found["scores"]}
    units: dict[tuple[str, str], list[int]] = {}
    for cell in found["cells"]:
        _, reasons = stats.kinds([cell.get("interval", "")])
        for reason in reasons:
            units.setdefault((names_of[cell["metric"]], reason), []).append(cell["unit"])
    lines = [f"  {name}, unit {', '.join(map(str, at))}: {reason}." for (name, reason), at in units.items()]
    return ["", "No interval:", *lines] if lines else []


def similarity_words(found: dict[str, Any]) -> str:
    """The matrix of two backbones."""
    rows_of, columns_of = found["unit_names"]
    head = [f"{found['backbones'][0]} \\ {found['backbones'][1]}", *(str(n + 1) for n in range(len(columns_of)))]
    rows = [
        [f"{n} {name}", *map(_number, values)]
        for n, (name, values) in enumerate(zip(rows_of, found["values"], strict=True), start=1)
    ]
    about = f"Unbiased linear CKA on {found['n_images']:,} training images of {found['dataset']}, pooling {found['pooling']}."
    columns = [f"  column {n}: {name}" for n, name in enumerate(columns_of, start=1)]
    missing = sorted({f"  {NO_VALUE} {reason}" for reason in found["reasons"].values()})
    return "\n".join([about, "", *_table(head, rows), "", *columns, *missing])


def _number(value: float | None) -> str:
    return NO_VALUE if value is None else f"{value:.4g}" if abs(value) < 1e-3 and value else f"{value:.4f}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[place]) for row in (head, *rows)) for place in range(len(head))]
    return [
        "  ".join(
            cell.ljust(width) if place == 0 else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in (head, *rows)
    ]
