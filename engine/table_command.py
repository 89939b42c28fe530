"""The command `table`: an experiment as one row per strategy, on standard output."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

FORMATS = ("markdown", "csv")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `python -m engine table`."""
    parser.add_argument("experiment", help="id, beginning of an id, or name")
    parser.add_argument("--format", choices=FORMATS, default=FORMATS[0])


def run(args: argparse.Namespace) -> int:
    """Print the table; what did not finish is told on standard error. Returns 1 where that is so, else 0."""
    from engine import service
    from engine.frames import Frames
    from engine.strategy_table import markdown, strategy_table

    store = service.open_store(args.home)
    runs = Frames(store).frame("runs", store.experiment(args.experiment))
    table = strategy_table(runs)
    if args.format == "csv":
        table.to_csv(sys.stdout, index=False)
    else:
        print(markdown(table))
    missing = runs[runs["state"] != "finished"]
    for state, rows in missing.groupby("state", sort=False):
        print(f"Not in the table: {_listed(rows)} ({state}).", file=sys.stderr)
    return int(not missing.empty)


def _listed(rows: pd.DataFrame) -> str:
    cells = [f"{one.backbone} {one.strategy} seed {one.seed}" for one in rows.itertuples()]
    return ", ".join(cells[:10]) + (f" and {len(cells) - 10} more" if len(cells) > 10 else "")
