"""Checks on values of a spec; each failure says what was given and what is allowed."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from engine.errors import SpecError


def unknown_keys(owner: str, given: Iterable[str], known: Sequence[str]) -> None:
    """Refuse keys that `owner` does not have, naming the near matches."""
    for key in given:
        if key not in known:
            near = difflib.get_close_matches(str(key), known, n=2)
            meant = f" Did you mean {' or '.join(repr(name) for name in near)}?" if near else ""
            raise SpecError(f"{owner} has no key {key!r}.{meant} Its keys are: {', '.join(known)}.")


def whole(name: str, value: object, low: int, high: int, *, or_word: str = "") -> None:
    """Refuse what is not a whole number in low..high (True and False are none); `or_word` is what else the owner takes."""
    other = f", or {or_word!r}" if or_word else ""
    if isinstance(value, bool) or not isinstance(value, int):
        raise SpecError(f"{name} is {value!r}; it must be a whole number from {low} to {high}{other}.")
    if not low <= value <= high:
        raise SpecError(f"{name} is {_short(value)}; it must be from {low} to {high}{other}.")


def number(name: str, value: object, low: float, high: float, *, open_below: bool = False, or_word: str = "") -> None:
    """Refuse what is not a finite number in low..high (above low where `open_below`); `or_word` is what else the owner takes."""
    allowed = f"a number {'above' if open_below else 'from'} {low:g} {'and at most' if open_below else 'to'} {high:g}"
    allowed += f", or {or_word!r}" if or_word else ""
    # Compared before isfinite, which overflows on whole numbers too large for a float.
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > 1e300 or not math.isfinite(value):
        raise SpecError(f"{name} is {_short(value)}; it must be {allowed}.")
    if value > high or value < low or (open_below and value == low):
        raise SpecError(f"{name} is {value:g}; it must be {allowed}.")


def choice(name: str, value: object, allowed: Sequence[str]) -> None:
    """Refuse what is not one of `allowed`."""
    if value not in allowed:
        near = difflib.get_close_matches(str(value), allowed, n=1)
        meant = f" Did you mean {near[0]!r}?" if near else ""
        raise SpecError(f"{name} is {value!r}.{meant} It must be one of: {', '.join(allowed)}.")


def text(name: str, value: object) -> None:
    """Refuse what is not a non-empty string."""
    if not isinstance(value, str) or not value.strip() or not storable(value):
        raise SpecError(f"{name} is {value!r}; it must be a name.")


def storable(value: str) -> bool:
    """Whether text can be stored and shown: JSON may hold halves of surrogate pairs, which no encoding takes."""
    return not any("\ud800" <= character <= "\udfff" for character in value)


def _short(value: object) -> str:
    if isinstance(value, int) and abs(value) >= 10**30:
        return "a whole number of more than 30 digits"
    return repr(value)


def one_of_each(
    name: str, values: Any, allowed: Sequence[str] | None = None, *, kind: type = str, empty: bool = False
) -> tuple[Any, ...]:
    """Return `values` as a tuple without repeats, order kept; refuse wrong types, and an empty list unless `empty`."""
    if isinstance(values, str) or not isinstance(values, Sequence):
        raise SpecError(
            f"{name} is {values!r}; it must be a list, for example [{'1, 2' if kind is int else repr('a')}]."
        )
    for value in values:
        if isinstance(value, bool) or not isinstance(value, kind):
            raise SpecError(
                f"{name} holds {value!r}; every entry must be a {'whole number' if kind is int else 'name'}."
            )
        if allowed is not None:
            choice(name, value, allowed)
        elif kind is str:
            text(name, value)
    if not values and not empty:
        raise SpecError(f"{name} is empty; give at least one.")
    return tuple(dict.fromkeys(values))


class Table(dict):
    """Settings as a dictionary that can be hashed; never changed once a spec holds it."""

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(frozenset(self.items()))


def table(name: str, value: Any) -> Table:
    """Names to numbers or text, in alphabetical order. Raises SpecError for anything else."""
    if not isinstance(value, Mapping):
        raise SpecError(f"{name} is {_short(value)}; it must be a table, for example {{rank = 8}}.")
    for key, item in value.items():
        text(f"a key of {name}", key)
        if isinstance(item, bool) or not isinstance(item, int | float | str):
            raise SpecError(f"{name}.{key} is {_short(item)}; it must be a number or text.")
    return Table(sorted(value.items()))


def tables(name: str, value: Any) -> Table:
    """Names to such tables; empty ones are left out."""
    if not isinstance(value, Mapping):
        raise SpecError(f"{name} is {_short(value)}; it must hold a table for each strategy, as lora = {{rank = 8}}.")
    for key in value:
        text(f"a key of {name}", key)
    return Table((key, table(f"{name}.{key}", value[key])) for key in sorted(value) if value[key] != {})
