"""The task `import`: one's own images, from a zip, a folder or a table on this machine, as `imported:NAME`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from engine import home as homes
from engine.errors import DatasetError
from engine.tasks._base import TASKS, TaskContext, TaskKind

ON_BAD = ("skip", "stop")


def prepare(payload: dict[str, Any], home: Path | None) -> dict[str, Any]:
    """Keys: path, and name, csv, group_pattern, on_bad (skip or stop), seed, uploaded. Raises DatasetError on mistakes."""
    from engine.datasets import _library
    from engine.imports.layout import compiled

    given = str(payload.get("path") or "").strip()
    if not given or "\0" in given:
        raise DatasetError("Give the path of a zip, a folder or a CSV on this machine.")
    path = Path(os.path.abspath(os.path.expanduser(given)))
    if not path.exists():
        raise DatasetError(f"There is no folder, zip or CSV {path}. Check the path.")
    name = str(payload.get("name") or "").strip()
    if name:
        name = _library.checked_name(name)
    pattern = str(payload.get("group_pattern") or "").strip() or None
    if pattern:
        compiled(pattern)
    on_bad = payload.get("on_bad") or "skip"
    if on_bad not in ON_BAD:
        raise DatasetError(f"on_bad is {on_bad!r}; it must be skip or stop.")
    seed = payload.get("seed") or 0
    if not isinstance(seed, int) or not 0 <= seed < 2**31:
        raise DatasetError(f"The seed is {seed!r}; it must be a whole number from 0 to {2**31 - 1}.")
    return {
        "path": str(path),
        "name": name,
        "csv": str(payload.get("csv") or "").strip() or None,
        "group_pattern": pattern,
        "on_bad": on_bad,
        "seed": seed,
        "uploaded": bool(payload.get("uploaded")),
    }


def run(context: TaskContext) -> dict[str, Any]:
    """Import; returns the report of `engine.imports.build`. An uploaded file is removed afterwards."""
    from engine.imports.build import Request, build

    asked = context.payload
    path = Path(asked["path"])
    request = Request(
        path, asked["name"], asked["csv"], asked["group_pattern"], asked["on_bad"] == "stop", asked["seed"]
    )
    home = context.home if context.home is not None else homes.resolve()
    report = build(request, home, context)
    if asked["uploaded"]:
        from engine.imports.uploads import discard

        discard(home, path)
    return report


TASKS.register(
    TaskKind(
        name="import",
        label="Import images",
        summary="Checks a zip, a folder or a table of images, copies them into the home and splits them.",
        run=run,
        needs_torch=False,
        prepare=prepare,
        title=lambda payload: f"Import {Path(payload.get('path', '')).name}",
    )
)
