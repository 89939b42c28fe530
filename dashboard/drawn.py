"""Charts that are drawn once for all who look, and what follows from a frame, computed once. No Streamlit."""

from __future__ import annotations

import dataclasses
import hashlib
import threading
import time
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from dashboard.reader import keep

if TYPE_CHECKING:
    import pandas as pd

    from dashboard.figures import Drawn

KEPT_RESULTS, KEPT_CHARTS = 256, 64
PATIENCE = 4.0
"""A chart of growing data is not drawn again for this many times as long as drawing it took."""


@dataclass(frozen=True)
class Chart:
    """One figure for light and dark backgrounds, each built once per change of data; the dark one when it is asked for."""

    light: Drawn
    light_json: str
    draw_dark: Callable[[], Drawn] = dataclasses.field(repr=False)
    feed: str | None = None
    """Where the browser asks for newer data; None where the page itself brings them."""

    @cached_property
    def dark_json(self) -> str:
        """The specification for a dark background."""
        return self.draw_dark().spec()


_deriving = threading.Lock()
_derived: dict[tuple[int, Callable[..., Any]], tuple[Any, Any]] = {}


def derived(make: Callable[[pd.DataFrame], Any], source: pd.DataFrame) -> Any:
    """`make(source)`, computed once for as long as that very frame is in use."""
    key = (id(source), make)
    found = _derived.get(key)
    if found is None or found[0]() is not source:  # ids are used again, so the frame itself is compared
        found = (weakref.ref(source), make(source))
        with _deriving:
            keep(_derived, key, found, KEPT_RESULTS)
    return found[1]


_drawing = threading.Lock()
_charts: dict[str, Chart] = {}
_latest: dict[str, tuple[float, Chart]] = {}


def chart(name: str, make: Callable[..., Drawn], *frames: pd.DataFrame, **options: Any) -> Chart:
    """Draw a figure for both backgrounds, once per content of its frames and options, whoever looks.

    A chart that takes long to draw (one of 500 runs takes a second) is drawn at most a fifth of the time while its data
    grow: until then the one before it is given, so that watching does not slow the training down.

    Args:
        name: which home, and which place of which page this is; part of the key.
        make: a function of `dashboard.figures`, called as make(*frames, dark=..., **options).
        frames: what it draws.
        options: further arguments; a DataFrame may be among them.
    """
    import pandas as pd

    choices = sorted((key, repr(value)) for key, value in options.items() if not isinstance(value, pd.DataFrame))
    place = f"{name}/{make.__name__}/{choices}"
    digest = hashlib.blake2b(place.encode("utf-8", "replace"), digest_size=12)
    for part in (*frames, *(options[key] for key in sorted(options) if isinstance(options[key], pd.DataFrame))):
        digest.update(derived(_digest, part))
    with _drawing:  # one at a time: whoever waits for the same chart then finds it
        found = _charts.pop(digest.hexdigest(), None)
        if found is None:
            until, before = _latest.pop(place, (0.0, None))
            if before is not None and time.monotonic() < until:
                keep(_latest, place, (until, before), KEPT_CHARTS)
                return before
            began = time.monotonic()
            light = make(*frames, dark=False, **options)
            found = Chart(light, light.spec(), partial(make, *frames, dark=True, **options))
            ended = time.monotonic()
            keep(_latest, place, (ended + PATIENCE * (ended - began), found), KEPT_CHARTS)
        keep(_charts, digest.hexdigest(), found, KEPT_CHARTS)
        return found


def _digest(content: pd.DataFrame) -> bytes:
    import pandas as pd

    hashes = pd.util.hash_pandas_object(content, index=False).to_numpy().tobytes()
    return hashlib.blake2b(hashes + repr(list(content.columns)).encode(), digest_size=16).digest()
