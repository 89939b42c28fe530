"""Bytes in words."""

from __future__ import annotations


def size(n_bytes: float) -> str:
    """Bytes in words: "300 kB", "46 MB", "1.2 GB"."""
    for unit, scale in (("GB", 1e9), ("MB", 1e6)):
        if n_bytes >= scale:
            return f"{n_bytes / scale:.1f} {unit}" if n_bytes < 10 * scale else f"{n_bytes / scale:,.0f} {unit}"
    return f"{max(1, round(n_bytes / 1e3))} kB"
