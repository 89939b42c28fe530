"""Strategies: what is trained, from which weights. `STRATEGIES` carries data; the plan reads it without torch."""

from engine.strategies._base import STRATEGIES, Strategy

__all__ = ["STRATEGIES", "Strategy"]
