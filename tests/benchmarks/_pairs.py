"""How a comparison is made here: both sides in one run, alternating; the median of per-pair ratios with min and max."""

from __future__ import annotations

import statistics
from collections.abc import Callable


def alternate(first: Callable[[], float], second: Callable[[], float], pairs: int) -> list[tuple[float, float]]:
    """Measure both sides `pairs` times, changing which goes first; seconds each."""
    measured = []
    for pair in range(pairs):
        if pair % 2:
            b, a = second(), first()
        else:
            a, b = first(), second()
        measured.append((a, b))
        print(f"  pair {pair + 1} of {pairs}: {a:.2f} s and {b:.2f} s, ratio {b / a:.3f}", flush=True)
    return measured


def report(title: str, measured: list[tuple[float, float]]) -> float:
    """Print and return the median ratio second / first."""
    ratios = [b / a for a, b in measured]
    middle = statistics.median(ratios)
    a, b = (statistics.median(side) for side in zip(*measured, strict=True))
    print(
        f"{title}: median ratio {middle:.3f} (min {min(ratios):.3f}, max {max(ratios):.3f}, {len(ratios)} pairs);"
        f" medians {a:.2f} s and {b:.2f} s"
    )
    return middle
