"""What a spec says of a search: `[search]`, `method = "random"`, `settings = 8`; and the same in a link, "random:8"."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.checks import Table, choice, number, unknown_keys, whole
from engine.errors import SpecError

METHODS = ("random", "grid", "halving")
DEFAULTS: dict[str, int | float] = {"settings": 8, "span": 10.0, "reduction": 3}
"""settings: tried for every strategy, 2..200. span: numbers are drawn from default / span to default x span, above 1 and at most
1000. reduction: of halving, one setting in so many goes on to so many times the epochs, 2..10."""


def parse(value: object) -> Table | None:
    """The search as it is kept in a spec: method and settings, the others where they differ from the defaults; None for none.

    Raises:
        SpecError: a key is unknown, or a value is not allowed.
    """
    if value is None or value == {}:
        return None
    if not isinstance(value, Mapping):
        raise SpecError(f"search is {value!r}; it must be a table, for example {{method = 'random', settings = 8}}.")
    unknown_keys("search", value, ["method", *DEFAULTS])
    choice("search.method", value.get("method", METHODS[0]), METHODS)
    given = DEFAULTS | {name: one for name, one in value.items() if name != "method"}
    whole("search.settings", given["settings"], 2, 200)
    number("search.span", given["span"], 1, 1_000, open_below=True)
    whole("search.reduction", given["reduction"], 2, 10)
    method = value.get("method", METHODS[0])
    kept: dict[str, Any] = {"method": method, "settings": given["settings"]}
    if given["span"] != DEFAULTS["span"]:
        kept["span"] = float(given["span"])
    if method == "halving" and given["reduction"] != DEFAULTS["reduction"]:
        kept["reduction"] = given["reduction"]
    return Table(sorted(kept.items()))


def to_text(search: Mapping[str, Any] | None) -> str:
    """As in a link: "random:8" or "halving:9:reduction=2"; "" for none."""
    if not search:
        return ""
    rest = [f"{name}={search[name]:g}" for name in ("span", "reduction") if name in search]
    return ":".join([search["method"], str(search["settings"]), *rest])


def from_text(text: str) -> Table | None:
    """What `to_text` wrote. Raises SpecError."""
    method, *rest = text.strip().split(":")
    if not method:
        return None
    values: dict[str, Any] = {"method": method}
    for place, part in enumerate(rest):
        name, equals, one = part.partition("=")
        name, one = (name, one) if equals else ("settings" if place == 0 else part, name)
        try:
            values[name] = float(one) if name == "span" else int(one)
        except ValueError:
            raise SpecError(f"search is {text!r}; write for example random:8 or halving:9:reduction=3.") from None
    return parse(values)
