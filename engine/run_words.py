"""What a run was asked for beyond its cell, as text: only what differs from the defaults, in the order of the spec."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from engine.spec import RunSpec, TrainSpec

_USUAL = TrainSpec()


def training(run: RunSpec) -> str:
    """How it was trained: "epochs=15, learning_rate=0.005"; "" for the defaults."""
    given = {field.name: getattr(run.train, field.name) for field in dataclasses.fields(TrainSpec)}
    return written({name: value for name, value in given.items() if value != getattr(_USUAL, name)})


def written(values: Mapping[str, Any]) -> str:
    """Names and values: "rank=4, where=attention"."""
    return ", ".join(
        f"{name}={value:g}" if isinstance(value, float) else f"{name}={value}" for name, value in values.items()
    )
