"""Fields of specs that are more than a number or a choice: each is brought into the one form that an identity is made of."""

from __future__ import annotations

import re
from collections.abc import Sequence

from engine import budgets
from engine.budgets import Budget
from engine.checks import choice, one_of_each, text, whole
from engine.errors import SpecError

MEASURES = ("linear_probe", "knn", "logme")
"""Measures of a run that asks for none in particular: they cost less than the pass that reads the features."""
ALL_MEASURES = (
    "linear_probe", "knn", "ncc", "logme", "h_score", "h_score_regularised", "nleep", "transrate", "gbc", "silhouette",
    "leep", "nce", "cka_matrix", "forgetting",
)  # fmt: skip
"""Every score of labelled features; those of the source head (last unit only); the similarity of every pair of units; and what
is forgotten of other tasks."""
OF_A_RUN = ("cka_matrix", "forgetting")
"""Measures that compare a network before and after its training: no scores of features."""
POOLINGS = ("global_average", "adaptive_9k", "class_token", "patch_mean")
ALL_DEPTHS = "all"
LEAST_RESAMPLES, MOST_RESAMPLES = 20, 2_000
"""Of an interval."""


def label_budgets(values: object) -> tuple[Budget, ...]:
    """Budgets in their one form, each once. Raises SpecError."""
    if isinstance(values, str) or not isinstance(values, Sequence):
        raise SpecError(f"label_budgets is {values!r}; it must be a list, for example [100, '5/class'].")
    return tuple(dict.fromkeys(budgets.parse("label_budgets", value) for value in values))


def weights(value: object) -> None:
    """Raise SpecError where this names no weights."""
    text("weights", value)
    if value not in ("pretrained", "random") and not re.match(r"file:\s*\S|run:[0-9a-f]{16}$", str(value)):
        raise SpecError(
            f"weights is {value!r}; use 'pretrained', 'random', 'file:PATH' of a .safetensors file, or 'run:RUN_ID' of a"
            " run that kept its weights."
        )


def class_splits(values: object) -> tuple[int | str, ...] | None:
    """The splits, each once; None where there are none."""
    if values is None:
        return None
    if isinstance(values, str) or not isinstance(values, Sequence):
        raise SpecError(f"class_splits is {values!r}; it must be a list of seeds or of class names joined by commas.")
    for value in values:
        if isinstance(value, str):
            text("class_splits", value)
        else:
            whole("class_splits", value, 0, 2**31 - 1)
    return tuple(dict.fromkeys(values)) or None


def yes(name: str, value: object) -> bool | None:
    """True, or None for no: what is not asked for is no part of an identity."""
    _true_or_false(name, value)
    return value or None  # type: ignore[return-value]


def unless_no(name: str, value: object) -> bool | None:
    """False, or None for yes: what is done without being asked for is no part of an identity."""
    _true_or_false(name, value)
    return False if value is False else None


def _true_or_false(name: str, value: object) -> None:
    if value is not None and not isinstance(value, bool):
        raise SpecError(f"{name} is {value!r}; it must be true or false.")


def source_data(value: object, measures: tuple[str, ...]) -> None:
    """Raise SpecError where data of the source task are named and nothing asks for them."""
    if value is None:
        return
    text("source_data", value)
    if "forgetting" not in measures:
        raise SpecError(
            f"source_data is {value!r}, and nothing asks for it: add 'forgetting' to the measures, or leave it out."
        )


def pooling(value: object) -> str | None:
    """A name, or None for the usual one: what is not asked for is no part of an identity."""
    if value is None:
        return None
    choice("pooling", value, POOLINGS)
    return None if value == POOLINGS[0] else str(value)


def panel_epochs(value: object) -> tuple[int, ...] | str | None:
    """Epochs in ascending order, `every N`, `auto`, or None. Raises SpecError."""
    if value is None or value == () or value == []:
        return None
    if isinstance(value, str):
        if value.strip().lower() == "auto":
            return "auto"
        found = re.fullmatch(r"\s*every\s+(\d{1,5})\s*", value, re.ASCII | re.IGNORECASE)
        if not found or not 1 <= int(found[1]) <= 10_000:
            raise SpecError(
                f"panel_epochs is {value!r}; give a list of epochs, for example [0, 5, 10], 'every 5' or 'auto'."
            )
        return f"every {int(found[1])}"
    epochs = one_of_each("panel_epochs", value, kind=int)
    for epoch in epochs:
        whole("panel_epochs", epoch, 0, 10_000)
    return tuple(sorted(epochs))


def resamples(name: str, value: object) -> int | None:
    """How often a score is resampled, or None for never (0): what is not asked for is no part of an identity."""
    if value is None or (value == 0 and not isinstance(value, bool)):
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not LEAST_RESAMPLES <= value <= MOST_RESAMPLES:
        raise SpecError(
            f"{name} is {value!r}; it must be a whole number of resamples from {LEAST_RESAMPLES} to {MOST_RESAMPLES}, or 0."
        )
    return value
