"""What accuracy is drawn against: costs of a run, and what it has forgotten; less of each is better."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Cost:
    """One horizontal axis of the chart of accuracy against cost."""

    title: str
    axis: str
    """Title of the axis, with the unit."""
    unit: str
    least: str = "cheapest"
    """What the cell with the smallest value is."""
    less: str = "cheaper"
    """What a cell with a smaller value is."""
    more: str = "costs more"
    """What a cell with a greater value does."""
    log: bool = True
    """Whether a wide range may be drawn on a logarithmic axis."""


COSTS = {
    "seconds": Cost("Test accuracy by time", "Time of a run (s)", "s"),
    "trainable_parameters": Cost("Test accuracy by trained parameters", "Trained parameters", "parameters"),
    "total_parameters": Cost("Test accuracy by size", "Parameters in all", "parameters"),
    "flops": Cost("Test accuracy by operations", "Floating-point operations of a run", "operations"),
    "peak_memory_bytes": Cost("Test accuracy by peak memory", "Peak memory of a run (bytes)", "bytes"),
    "energy_joules": Cost("Test accuracy by energy", "Energy of a run (J)", "J"),
    "source_lost": Cost(
        "Test accuracy by what the source task lost", "Source accuracy lost (points)", "points lost",
        "least forgetful", "less forgetful", "forgets more", False,
    ),
    "held_lost": Cost(
        "Test accuracy by what held tasks lost", "Probe accuracy lost on held tasks (points)", "points lost",
        "least forgetful", "less forgetful", "forgets more", False,
    ),
    "drift": Cost(
        "Test accuracy by drift", "Drift of the features (1 - CKA, mean over units)", "drift",
        "least changed", "less changed", "drifts more", False,
    ),
}  # fmt: skip
"""By column of the runs; the last three are of `engine.forgetting.with_forgetting`."""
SEARCHED = {name: f"search_{name}" for name in ("seconds", "flops", "energy_joules")}
"""Costs to which the trials of a search add, and the column of the runs that says how much of them these are."""
FORGETTING = ("source_lost", "held_lost", "drift")


def amount(value: float) -> str:
    """Return a cost as people read it: three digits, or k, M, G from ten thousand on."""
    for size, letter in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e4, "k")):
        if value >= size:
            return f"{value / (1e3 if letter == 'k' else size):.3g} {letter}".strip()
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
