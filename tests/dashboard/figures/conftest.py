"""Small hand-made frames: a network of four units, values chosen so that means are easy to see."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

import pandas as pd
import plotly.graph_objects as go
import pytest

Values = Mapping[tuple[str, int], Mapping[int, float]]

ACCURACIES: Values = {
    ("full_fine_tuning", 0): {0: 0.60, 1: 0.62, 2: 0.64},
    ("partial_fine_tuning", 2): {0: 0.70, 1: 0.71, 2: 0.72},
    ("linear_probe", 4): {0: 0.40, 1: 0.41, 2: 0.45},
    ("from_scratch", 0): {0: 0.30, 1: 0.35, 2: 0.40},
}
UNITS = 4
NAMES = {0: "input", 1: "stem", 2: "stage1", 3: "stage2", 4: "stage3"}


def _common(strategy: str, depth: int, seed: int, series: Mapping[str, object]) -> dict[str, object]:
    named = {"backbone": "resnet", "dataset": "digits", "label_budget": 100, **series}
    run = "-".join(map(str, [*named.values(), strategy, depth, seed]))
    about = {"strategy": strategy, "frozen_depth": depth, "n_units": UNITS, "seed": seed}
    return {"experiment_id": "e1", "run_id": run, **named, **about}


def _frame(rows: list[dict[str, object]]) -> pd.DataFrame:
    frame = pd.DataFrame(rows).astype({"label_budget": "Int64"})
    asked = frame["label_budget"].astype("str").where(frame["label_budget"].notna(), "all")
    return frame if "budget" in frame else frame.assign(budget=asked)


@pytest.fixture
def nasty() -> str:
    """A name as a person may type it: it must be drawn as it stands, everywhere."""
    return "<b>my</b> $x$ %{y} & co"


@pytest.fixture
def texts() -> Callable[[go.Figure], str]:
    """Return all that a figure sends to the browser, in one string, as the browser reads it."""
    # Plotly writes < > / as backslash escapes, in which no test would find a tag.
    return lambda figure: json.dumps(json.loads(figure.to_json()), ensure_ascii=False)


@pytest.fixture
def transfer_curve() -> Callable[..., pd.DataFrame]:
    """Make a `transfer_curve` with test accuracies and, at every unit, probe accuracies (test accuracy + unit / 100)."""

    def make(values: Values = ACCURACIES, **series: object) -> pd.DataFrame:
        rows = []
        for (strategy, depth), seeds in values.items():
            for seed, value in seeds.items():
                common = _common(strategy, depth, seed, series) | {"n_images": 200}
                points = [("test_accuracy", depth, value)]
                points += [("probe_accuracy", unit, value + unit / 100) for unit in range(1, UNITS + 1)]
                for metric, unit, measured in points:
                    where = {"unit": unit, "unit_name": NAMES.get(unit, f"unit{unit}"), "depth_fraction": unit / UNITS}
                    rows.append({**common, **where, "metric": metric, "value": measured})
        return _frame(rows)

    return make


@pytest.fixture
def learning_curve() -> Callable[..., pd.DataFrame]:
    """Make a `learning_curve` of three epochs: validation rises to the test accuracy, train is .1 above it."""

    def make(values: Values = ACCURACIES, **series: object) -> pd.DataFrame:
        rows = []
        for (strategy, depth), seeds in values.items():
            for seed, value in seeds.items():
                for epoch in (1, 2, 3):
                    for split, more in (("train", 0.1), ("validation", 0.0)):
                        about = _common(strategy, depth, seed, series) | {"epoch": epoch, "split": split}
                        accuracy = value * epoch / 3 + more
                        rows.append({**about, "metric": "accuracy", "value": accuracy})
                        rows.append({**about, "metric": "loss", "value": 1 - accuracy})
        return _frame(rows)

    return make


@pytest.fixture
def runs() -> Callable[..., pd.DataFrame]:
    """Make `runs`, all finished: ten seconds less for each frozen unit, one more for each seed."""

    def make(values: Values = ACCURACIES, **series: object) -> pd.DataFrame:
        rows = []
        for (strategy, depth), seeds in values.items():
            for seed, value in seeds.items():
                cost = {"seconds": 60.0 - 10 * depth + seed, "trainable_parameters": 10 ** (5 - depth)}
                done = {"state": "finished", "test_accuracy": value, "test_n": 200, "total_parameters": 10**5}
                rows.append({**_common(strategy, depth, seed, series), **cost, **done, "weights": "pretrained"})
        return _frame(rows)

    return make
