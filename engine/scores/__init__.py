"""Scores: numbers from features and labels that say how well a depth transfers."""

from engine.scores._base import SCORES, FeatureSplit, Measured, Score
from engine.scores._intervals import ScoreInterval

__all__ = ["SCORES", "FeatureSplit", "Measured", "Score", "ScoreInterval"]
