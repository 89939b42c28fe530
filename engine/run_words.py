"""What was asked for beyond a cell, as text: only what differs from the defaults, in the order of the spec."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from engine import search_fields
from engine.spec import ExperimentSpec, TrainSpec

_USUAL = TrainSpec()


def training(spec: ExperimentSpec) -> str:
    """How its runs are trained: "epochs=15, learning_rate=0.005, search=random:8"; "" for the defaults."""
    given = {field.name: getattr(spec.train, field.name) for field in dataclasses.fields(TrainSpec)}
    said = written({name: value for name, value in given.items() if value != getattr(_USUAL, name)})
    searched = f"search={search_fields.to_text(spec.search)}" if spec.search else ""
    return ", ".join(filter(None, (said, searched)))


def written(values: Mapping[str, Any]) -> str:
    """Names and values: "rank=4, where=attention"."""
    return ", ".join(
        f"{name}={value:g}" if isinstance(value, float) else f"{name}={value}" for name, value in values.items()
    )
