"""What comparing implementations found, in sentences: for the command line and for cards."""

from __future__ import annotations

from typing import Any


def words(compared: dict[str, Any], variant: dict[str, Any]) -> list[str]:
    """Sentences about one variant, each to be read after its label.

    Args:
        compared: one entry of what `engine.implementations.compare` returns.
        variant: one of its variants.
    """
    said = [f"{variant['differs']}. Found in: {variant['found']}.", order(compared, variant)]
    for key, begin in (("wrong", "has no meaning"), ("reasons", "has no value")):
        units: dict[str, list[str]] = {}
        for unit, reason in variant[key].items():
            units.setdefault(reason, []).append(unit)
        said += [f"{begin} at unit {', '.join(at)}: {reason}." for reason, at in units.items()]
    return [one for one in said if one]


def order(compared: dict[str, Any], variant: dict[str, Any]) -> str:
    """Whether a variant orders the depths as ours does, in a sentence; empty where there is nothing to order."""
    if variant["tau"] is None:
        return "" if variant["n"] < 2 else f"gives no order of the {variant['n']} depths to compare."
    tau = f"Kendall tau {variant['tau']:.2f} over {variant['n']} depths"
    best = variant["best"] if variant["best"] != compared["best"] else None
    if variant["tau"] == 1.0:
        return f"orders the depths as ours does ({tau})."
    return f"changes the order of depths ({tau})" + (
        f"; best is unit {best} instead of {compared['best']}." if best else "."
    )
