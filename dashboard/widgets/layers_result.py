"""What the task `layers` found, as the frame that figures and advice read."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd


def as_frame(found: dict[str, Any], task_id: int) -> pd.DataFrame:
    """What the task found as rows of a `transfer_curve`: those of a linear probe, whose backbone is untouched."""
    units = {unit["unit"]: unit for unit in found["units"]}
    about = {
        **{
            "run_id": f"task {task_id}",
            "backbone": found["backbone"],
            "dataset": found["dataset"],
            "seed": found["seed"],
        },
        **{"strategy": "linear_probe", "frozen_depth": len(units), "n_units": len(units), "pooling": found["pooling"]},
        "budget": "all" if found["labels"] is None else str(found["labels"]),
    }
    rows = [
        about
        | {name: cell[name] for name in ("unit", "metric", "value", "reason", "n_images")}
        | {"unit_name": units[cell["unit"]]["name"], "n_features": units[cell["unit"]]["n_features"]}
        | {"detail": json.dumps(cell["detail"], sort_keys=True)}
        | {"low": cell.get("low"), "high": cell.get("high"), "interval": cell.get("interval", "")}
        for cell in found["cells"]
    ]
    columns = [*about, "unit", "metric", "value", "reason", "n_images", "unit_name", "n_features", "detail"]
    columns += ["low", "high", "interval"]
    return pd.DataFrame(rows, columns=columns).astype(dict.fromkeys(("value", "low", "high"), float))
