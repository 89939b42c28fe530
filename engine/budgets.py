"""Label budgets: how many labelled target images are used, as a number or as one of three texts.

`100`: 100 images, training and validation together; about a fifth validates. `"5/class"`: 5 training images of every class
and, beside them, a quarter as many (at least one) to validate. `"10%"`: that share of the images outside the test part,
class-balanced like the shares of labels in Chen et al. 2020 (SimCLR). `"vtab"`: 800 to train and 200 to validate, the
VTAB-1k protocol (Zhai et al. 2019, "A Large-scale Study of Representation Learning with VTAB").

All four cut one order of the images (`datasets._splits`), so that of two budgets the larger contains the smaller, of one
kind always, across kinds wherever classes are of equal size.
"""

from __future__ import annotations

import re
from fractions import Fraction

from engine.checks import whole
from engine.errors import SpecError

Budget = int | str
"""Canonical: a whole number, "K/class", "P%" or "vtab"."""

VTAB = "vtab"
VTAB_TRAIN, VTAB_VALIDATION = 800, 200
LOWEST, HIGHEST = 2, 10**9
ALLOWED = (
    'a whole number of images (100), "5/class" (training images per class), "10%" (of the images outside the test part)'
    ' or "vtab" (1,000 labels: 800 to train, 200 to validate)'
)
VALIDATION_SHARE = 0.2
MAX_VALIDATION = 5_000
"""Beyond this, more validation images would only take training images away (He et al. 2016 hold out 5,000 of 50,000)."""

_SHOTS = re.compile(r"(\d{1,9})\s*/\s*class", re.ASCII)
_SHARE = re.compile(r"(\d{1,3}(?:\.\d{1,6})?)\s*%", re.ASCII)
_NUMBER = re.compile(r"\d{1,10}|\d{1,3}(?:[ ,]\d{3})+", re.ASCII)


def parse(name: str, value: object) -> Budget:
    """The canonical form of a budget; `name` is the field that an error is about.

    Raises:
        SpecError: it is none of the four forms, or out of range.
    """
    if not isinstance(value, str):
        whole(name, value, LOWEST, HIGHEST)
        return value  # type: ignore[return-value]
    given = value.strip().lower()
    if given == VTAB:
        return VTAB
    if found := _SHOTS.fullmatch(given):
        whole(f"{name}: images per class", int(found[1]), 1, HIGHEST)
        return f"{int(found[1])}/class"
    if found := _SHARE.fullmatch(given):
        share = Fraction(found[1])
        if not 0 < share <= 100:
            raise SpecError(f"{name} is {value!r}; a share must be above 0% and at most 100%.")
        return f"{float(share):.6f}".rstrip("0").rstrip(".") + "%"
    if _NUMBER.fullmatch(given):
        return parse(name, int(re.sub(r"[ ,]", "", given)))
    raise SpecError(f"{name} is {value[:60]!r}; it must be {ALLOWED}.")


def n_train(budget: Budget | None, n_classes: int, n_pool: int) -> int:
    """Images to learn from that a budget leaves after validation."""
    labelled = n_images(budget, n_classes, n_pool)
    return labelled - n_validation(budget, n_classes, labelled)


def shots(budget: Budget | None) -> int | None:
    """K of "K/class"; None for the other kinds."""
    return int(budget.partition("/")[0]) if isinstance(budget, str) and budget.endswith("/class") else None


def shots_validation(k: int) -> int:
    """Images per class that validate beside k that train: a quarter, at least one."""
    return max(1, round(k / 4))


def n_images(budget: Budget | None, n_classes: int, n_pool: int) -> int:
    """Labelled images that a budget uses of a dataset, training and validation together; `n_pool` for None (all labels)."""
    if budget is None:
        return n_pool
    if isinstance(budget, int):
        return budget
    if budget == VTAB:
        return VTAB_TRAIN + VTAB_VALIDATION
    if k := shots(budget):
        return n_classes * (k + shots_validation(k))
    return round(Fraction(budget.rstrip("%")) * n_pool / 100)


def n_validation(budget: Budget | None, n_classes: int, n_labelled: int) -> int:
    """How many of the labelled images validate, before rounding within classes."""
    if budget == VTAB:
        return VTAB_VALIDATION
    if k := shots(budget):
        return n_classes * shots_validation(k)
    return min(round(VALIDATION_SHARE * n_labelled), MAX_VALIDATION)


def refusal(budget: Budget, name: str, n_classes: int, n_pool: int, smallest: int = 0) -> str:
    """Why a dataset cannot give a budget, in words with what it can give; "" where it can.

    Args:
        budget: canonical.
        name: the dataset's.
        n_classes: its classes.
        n_pool: its images outside the test part.
        smallest: those of the class that has fewest; 0 where that is not known.
    """
    asked, lowest = n_images(budget, n_classes, n_pool), 2 * n_classes
    given = f"A label budget of {budget} was given"
    if k := shots(budget):
        each = k + shots_validation(k)
        most = smallest or n_pool // n_classes
        if each > most:
            has = "Its smallest class has" if smallest else "On average a class has"
            instead = f"at most {_most_shots(most)}/class, or " if most >= 2 else ""
            return (
                f"{given}: {each} images of each class ({k} to train on, {shots_validation(k)} to validate). {has}"
                f" {most:,} outside the test part of {name}. Choose {instead}a number of images."
            )
        return ""
    if budget == VTAB:
        if asked > n_pool or n_classes > VTAB_TRAIN:
            return (
                f"The budget vtab needs 1,000 images outside the test part and at most {VTAB_TRAIN} classes; {name} has"
                f" {n_pool:,} images in {n_classes:,} classes. Choose a number of images, K/class or P%."
            )
        return ""
    if not lowest <= asked <= n_pool:
        of = f" ({asked:,} images)" if isinstance(budget, str) else ""
        return (
            f"{given}{of}; {name} allows {lowest} (two images for each of its {n_classes} classes: one to train on, one to"
            f" validate) to {n_pool} (all outside the test part); or write 5/class for 5 images of each class to train on."
        )
    return ""


def _most_shots(n_members: int) -> int:
    k = n_members
    while k > 1 and k + shots_validation(k) > n_members:
        k -= max(1, (k + shots_validation(k) - n_members) // 2)
    return k


def words(budget: Budget | None) -> str:
    """A budget for a reader: "100 labels", "5 per class", "10% of the labels", "1,000 labels (VTAB)", "all labels"."""
    if budget is None or budget == "all":
        return "all labels"
    if budget == VTAB:
        return "1,000 labels (VTAB)"
    if k := shots(budget):
        return f"{k} per class"
    return f"{budget} of the labels" if isinstance(budget, str) and budget.endswith("%") else f"{budget} labels"


def order(budget: Budget | None) -> tuple[int, float]:
    """Sorts budgets: numbers by size (vtab is 1,000), then shots, then shares, then all labels."""
    if budget is None or budget == "all":
        return 3, 0.0
    if k := shots(budget):
        return 1, float(k)
    if isinstance(budget, str) and budget.endswith("%"):
        return 2, float(budget[:-1])
    return 0, 1_000.5 if budget == VTAB else float(budget)
