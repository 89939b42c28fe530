"""Strategies: what is trained, from which weights. `STRATEGIES` carries data; the plan reads it without torch."""

from engine.strategies._base import GROUPS, STRATEGIES, Beside, Moves, Phase, Setting, Strategy, is_part, own, settled

__all__ = ["GROUPS", "STRATEGIES", "Beside", "Moves", "Phase", "Setting", "Strategy", "is_part", "own", "settled"]
