"""Generators that yield on the way and return something at the end."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any, TypeVar

Item, Other, Result = TypeVar("Item"), TypeVar("Other"), TypeVar("Result")


def drained(work: Generator[Item, None, Result], each: Callable[[Item], Any] = lambda item: None) -> Result:
    """Go through to the end, give every item to `each`, and return what the generator returns."""
    while True:
        try:
            each(next(work))
        except StopIteration as ended:
            return ended.value


def changed(
    work: Generator[Item, None, Result], change: Callable[[Item], Other | None]
) -> Generator[Other, None, Result]:
    """The items as `change` makes them, without those that it makes None; returns what the generator returns."""
    while True:
        try:
            item = change(next(work))
        except StopIteration as ended:
            return ended.value
        if item is not None:
            yield item
