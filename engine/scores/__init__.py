"""Scores: numbers from features and labels that say how well a depth transfers."""

from engine.scores._base import SCORES, FeatureSplit, Measured, Score

__all__ = ["SCORES", "FeatureSplit", "Measured", "Score"]
