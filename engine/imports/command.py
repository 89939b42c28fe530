"""`python -m engine import`: the import of one's own images from the command line, and its report in words."""

from __future__ import annotations

import argparse
import json
from typing import Any

CLASSES = 40
FILES = 20


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("path", metavar="PATH", help="a folder, a zip, or a CSV with the columns file and label")
    parser.add_argument("--name", default="", help="of the dataset (default: that of the folder or file)")
    parser.add_argument(
        "--csv", metavar="FILE", help="the table in the zip or folder (default: the only one at its top)"
    )
    parser.add_argument(
        "--group-pattern", metavar="RE", help="regular expression whose one group names what stays in one part, taken from"
        r" file names: 'patient(\d+)_'",
    )  # fmt: skip
    parser.add_argument(
        "--on-bad", choices=("skip", "stop"), default="skip", help="what to do about files that cannot be used"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the test part, where the source has none (default: 0)")
    parser.add_argument("--json", action="store_true", help="the report as JSON")


def run(args: argparse.Namespace) -> int:
    """Import in this process, with progress. Raises TransferscopeError."""
    from engine import home as homes
    from engine.follow_task import do_here

    keys = ("path", "name", "csv", "group_pattern", "on_bad", "seed")
    report = do_here("import", {key: getattr(args, key) for key in keys}, homes.resolve(args.home))
    print(json.dumps(report) if args.json else words(report))
    return 0


def words(report: dict[str, Any]) -> str:
    """A report as text."""
    parts = report["parts"]
    lines = [
        f"Imported {report['n_images']:,} images in {len(report['classes'])} classes from {report['source']}"
        f" ({report['layout']}) in {report['seconds']:.1f} s.",
        f"Train {parts['train']:,}, validation {parts['validation']:,}, test {parts['test']:,}. {report['split']}",
    ]
    for one in report["classes"][:CLASSES]:
        lines.append(f"  {one['train']:>7,} {one['validation']:>7,} {one['test']:>7,}  {one['name']}")
    if len(report["classes"]) > CLASSES:
        lines.append(f"  ... and {len(report['classes']) - CLASSES} more classes")
    lines += [f"Note: {note}" for note in notes(report)]
    for file in report["skipped"][:FILES]:
        lines.append(f"  left out {file}")
    lines.append(f"Use it as the dataset {report['dataset']!r}.")
    return "\n".join(lines)


def files(n: int) -> str:
    """`1 file was`, `7 files were`."""
    return f"{n:,} file was" if n == 1 else f"{n:,} files were"


def notes(report: dict[str, Any]) -> list[str]:
    """What one should know of an import, each in a sentence."""
    same = report["duplicates"]
    found = list(report["notes"])
    if report["n_skipped"]:
        found.append(f"{files(report['n_skipped'])} left out.")
    if report["n_ignored"]:
        found.append(f"{files(report['n_ignored'])} not looked at: no image by its name.")
    if report["n_groups"] is not None:
        found.append(f"{report['n_groups']:,} groups; the images of each lie in one part.")
    if same["n_copies"]:
        found.append(
            f"{files(same['n_copies'])} found to be a copy of another, for example {' and '.join(same['examples'][0])}."
        )
    if same["n_across_classes"]:
        example = " and ".join(same["across_classes"][0])
        found.append(
            f"Copied images that are in more than one class: {same['n_across_classes']:,}, for example {example}."
        )
    if same["n_across_parts"]:
        example = " and ".join(same["across_parts"][0])
        found.append(
            f"Copied images that lie in more than one part, so that what is trained on is tested on:"
            f" {same['n_across_parts']:,}, for example {example}."
        )
    if report["same_as"]:
        found.append(f"The same images are here already, as {', '.join(map(repr, report['same_as']))}.")
    return found
