"""Rows of the frames that are about depths: `transfer_curve`, `panel` and `similarity` (documented in `engine.frames`)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from engine.events import DepthMeasured, Event, PanelCost, PanelMeasured, SimilarityMeasured, Started, Tested

Row = dict[str, Any]

_DEPTH = {"unit": "int64", "unit_name": "str", "depth_fraction": "float64", "n_units": "int64"}
COLUMNS: dict[str, dict[str, str]] = {
    "transfer_curve": {
        **_DEPTH,
        "metric": "str",
        "value": "float64",
        "n_images": "Int64",
        "n_features": "Int64",
        "reason": "str",
        "pooling": "str",
        "detail": "str",
        "low": "float64",
        "high": "float64",
        "interval": "str",
    },
    "panel": {
        **_DEPTH,
        "epoch": "int64",
        "metric": "str",
        "value": "float64",
        "n_images": "Int64",
        "reason": "str",
        "pooling": "str",
    },
    "similarity": {
        "unit_a": "int64",
        "unit_a_name": "str",
        "unit_b": "int64",
        "unit_b_name": "str",
        "value": "float64",
        "n_images": "Int64",
        "reason": "str",
        "pooling": "str",
    },
}
"""Of each frame, without the columns that say which run a row is of."""


def _place(unit: int, name: str, n_units: int) -> Row:
    return {"unit": unit, "unit_name": name, "depth_fraction": unit / n_units, "n_units": n_units}


def _started(events: list[Event]) -> Started | None:
    return next((event for event in reversed(events) if isinstance(event, Started)), None)


def transfer_rows(cell: Row, n_units: int, pooling: str, events: list[Event]) -> Iterator[Row]:
    """Of the trained network, and of its features after every unit."""
    started = _started(events)
    whole = cell | {
        "n_features": None,
        "reason": "",
        "pooling": "",
        "detail": "{}",
        "low": None,
        "high": None,
        "interval": "",
    }
    for event in events:
        if isinstance(event, DepthMeasured):
            detail = {name: value for name, value in event.detail.items() if name != "reason"}
            yield (
                cell
                | _place(event.unit, event.unit_name, n_units)
                | {
                    "metric": event.metric,
                    "value": event.value,
                    "n_images": event.n_images,
                    "n_features": event.n_features,
                    "reason": str(event.detail.get("reason", "")),
                    "pooling": pooling,
                    "detail": json.dumps(detail, sort_keys=True),
                    **{"low": event.low, "high": event.high, "interval": event.interval},
                }
            )
        if isinstance(event, Tested):
            depth = cell["frozen_depth"]
            place = whole | _place(depth, started.unit_names[depth - 1] if started and depth else "none", n_units)
            yield place | {"metric": "test_accuracy", "value": event.accuracy, "n_images": event.n_images}
            if event.validation_accuracy is not None:
                value = {"metric": "val_accuracy", "value": event.validation_accuracy}
                yield place | value | {"n_images": started.n_validation if started else None}


def panel_rows(cell: Row, n_units: int, pooling: str, events: list[Event]) -> Iterator[Row]:
    """Of every chosen epoch and unit; what it cost at unit 0."""
    for event in events:
        if isinstance(event, PanelMeasured):
            place = cell | _place(event.unit, event.unit_name, n_units) | {"epoch": event.epoch, "pooling": pooling}
            for metric, value in event.values.items():
                reason = event.reasons.get(metric, "")
                yield place | {"metric": metric, "value": value, "n_images": event.n_images, "reason": reason}
        if isinstance(event, PanelCost):
            place = cell | _place(0, "none", n_units) | {"epoch": event.epoch, "pooling": pooling, "reason": ""}
            yield place | {"metric": "cost_seconds", "value": event.seconds, "n_images": event.n_images}
            if event.epoch_seconds:
                share = event.seconds / event.epoch_seconds
                yield place | {"metric": "cost_share", "value": share, "n_images": event.n_images}


def similarity_rows(cell: Row, n_units: int, pooling: str, events: list[Event]) -> Iterator[Row]:
    """Of every pair of units, before and after training."""
    for event in events:
        if isinstance(event, SimilarityMeasured):
            for a, values in enumerate(event.values):
                for b, value in enumerate(values):
                    yield cell | {
                        "unit_a": a + 1,
                        "unit_a_name": event.unit_names[a],
                        "unit_b": b + 1,
                        "unit_b_name": event.unit_names[b],
                        "value": value,
                        "n_images": event.n_images,
                        "reason": event.reasons.get(f"{a + 1},{b + 1}", ""),
                        "pooling": pooling,
                    }
