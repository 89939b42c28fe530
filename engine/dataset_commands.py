"""`python -m engine datasets` and `fetch`: what there is, with size and licence first, and getting one."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from engine import datasets
from engine import home as homes
from engine.errors import DatasetError, TransferscopeError


def list_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `datasets`."""
    parser.add_argument("search", nargs="?", default="", help="words that its name, group, summary or classes hold")
    parser.add_argument("--json", action="store_true", help="one JSON object per dataset, with everything known of it")


def fetch_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `fetch`."""
    parser.add_argument("dataset", help="its name, see `datasets`")


def show(args: argparse.Namespace) -> int:
    """List datasets. Raises DatasetError where nothing is found."""
    found = list(search(args.search, homes.resolve(args.home)))
    if args.json:
        for row in found:
            print(json.dumps(row, ensure_ascii=False))
        return 0
    if not found:
        raise DatasetError(
            f"No dataset has {args.search!r} in its name, group, summary or classes. All: python -m engine datasets"
        )
    group = None
    for row in found:
        if row["group"] != group:
            group = row["group"]
            print(f"{group}:")
        counts = f"{row['n_pool']:>8,} + {row['n_test']:>6,} test, {row['n_classes']:>5,} classes"
        print(f"  {row['name']:<16} {_where(row):<17} {counts}, {row['size']}; licence: {row['licence']}")
    print("\nGet one: python -m engine fetch NAME. A run that needs one gets it first, too.")
    return 0


def search(words: str, home: Path | None) -> Iterator[dict[str, Any]]:
    """What is known of every dataset that holds all of the words, group by group."""
    rows = []
    for name in datasets.names(home):
        try:
            info = datasets.describe(name, home)
        except TransferscopeError:  # an import that was damaged or removed: it is no dataset any more
            continue
        about = " ".join((name, info.label, info.group, info.summary, *info.class_names)).lower()
        if all(word in about for word in words.lower().split()):
            rows.append(_row(info))
    groups = list(dict.fromkeys(row["group"] for row in rows))
    yield from sorted(rows, key=lambda row: groups.index(row["group"]))


def _row(info: datasets.DatasetInfo) -> dict[str, Any]:
    keys = "name label summary size n_classes n_pool n_test licence page download_bytes augmentation".split()
    return {key: getattr(info, key) for key in keys} | {
        "group": info.group or "Ready here",
        "citation": info.source,
        "on_this_machine": not info.download_bytes,
        "class_names": list(info.class_names),
        "notes": list(info.notes),
    }


def _where(row: dict[str, Any]) -> str:
    n_bytes = row["download_bytes"]
    if not n_bytes:
        return "on this machine"
    return f"{n_bytes / 1e9:,.1f} GB to get" if n_bytes >= 1e9 else f"{n_bytes / 1e6:,.0f} MB to get"


def fetch(args: argparse.Namespace) -> int:
    """Download a dataset in this process, with its card first. Raises TransferscopeError."""
    from engine.follow_task import do_here

    home = homes.resolve(args.home)
    info = datasets.describe(args.dataset, home)
    if not info.download_bytes:
        print(f"{info.label} is on this machine already: nothing to download.")
        return 0
    print(f"{info.label}: {_where(_row(info))}. Licence: {info.licence}.\n{info.source}. {info.page}", flush=True)
    result = do_here("download", {"dataset": args.dataset}, home)
    print(
        f"{info.label} is ready: {result['n_pool']:,} images to learn from and {result['n_test']:,} to test on, in"
        f" {result['n_classes']:,} classes. Use it as the dataset {args.dataset!r}."
    )
    return 0
