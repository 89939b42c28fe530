"""Progress bars in a terminal, plain lines elsewhere, until an experiment's runs have ended."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from typing import Any

from engine.budgets import words
from engine.service import ENDED, wait
from engine.spec import RunSpec
from engine.store import Store


def follow(store: Store, experiment_id: str) -> int:
    """Show an experiment until it ends. Returns 0 when every run finished, 1 otherwise."""
    runs = _bars(store, experiment_id) if sys.stdout.isatty() else _lines(store, experiment_id)
    lost = [run for run in runs if run["state"] != "finished"]
    for run in lost:
        print(f"{run['run_id']}  {title(run)}: {run['state']}. {run['message']}")
    print(f"{len(runs) - len(lost)} of {len(runs)} runs finished. Experiment {experiment_id}")
    if runs and len(lost) < len(runs):
        print(f"Table: python -m engine export {experiment_id} --frame transfer_curve --format csv")
    return 1 if lost else 0


def title(run: dict[str, Any]) -> str:
    """A run in a few words."""
    spec = RunSpec.from_json(run["spec"])
    budget = f", {words(spec.label_budget)}" if spec.label_budget else ""
    return f"{spec.strategy} frozen {spec.frozen_depth}/{run['n_units']}, {spec.dataset}{budget}, seed {spec.seed}"


def _lines(store: Store, experiment_id: str) -> list[dict[str, Any]]:
    said: set[str] = set()
    runs: list[dict[str, Any]] = []
    for runs in wait(store, experiment_id):
        for run in runs:
            if run["state"] in ENDED and run["run_id"] not in said:
                said.add(run["run_id"])
                print(f"[{len(said)}/{len(runs)}] {run['state']:<9} {title(run)} ({run['seconds']:.1f} s)", flush=True)
    return runs


def _bars(store: Store, experiment_id: str) -> list[dict[str, Any]]:
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    runs: list[dict[str, Any]] = []
    # No markup: names of folders are data and may hold brackets.
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TextColumn("{task.fields[count]}"))
    with Progress(*columns, TimeElapsedColumn(), TextColumn("ETA"), TimeRemainingColumn(compact=True)) as bars:
        everything = bars.add_task("all runs", total=1.0, count="")
        current = bars.add_task("starting the worker", total=1.0, count="")
        for runs in wait(store, experiment_id, every=0.25):
            done = sum(1.0 if run["state"] in ENDED else run["progress"].get("done", 0.0) for run in runs)
            ended = sum(run["state"] in ENDED for run in runs)
            bars.update(everything, completed=done / max(len(runs), 1), count=f"{ended} of {len(runs)}")
            for run in runs:
                if run["state"] == "running":
                    progress = run["progress"]
                    words = f"{title(run)}: {progress.get('phase', 'starting')}"
                    bars.update(current, description=words, completed=progress.get("done", 0.0), count="")
        bars.update(current, visible=False)
    return runs


@contextlib.contextmanager
def telling() -> Iterator[Callable[[str, float], None]]:
    """A bar on the terminal for work in this process, told (phase, share done); nothing where there is no terminal."""
    if not sys.stderr.isatty():
        yield lambda phase, share: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TaskProgressColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        bar = bars.add_task("starting", total=1.0)
        yield lambda phase, share: bars.update(bar, description=phase, completed=share)
