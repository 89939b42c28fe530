"""Pure figures: a tidy frame goes in, a `Drawn` (figure, words, table twin) comes out; nothing here knows the screen."""

from dashboard.figures._style import Drawn
from dashboard.figures.accuracy_by_depth import accuracy_by_depth
from dashboard.figures.accuracy_comparison import accuracy_comparison
from dashboard.figures.accuracy_cost import accuracy_cost
from dashboard.figures.advice_map import advice_map
from dashboard.figures.label_budgets import label_budgets
from dashboard.figures.layer_transfer import layer_transfer
from dashboard.figures.learning_curves import learning_curves
from dashboard.figures.mean_curves import mean_curves
from dashboard.figures.measures_by_depth import measures_by_depth
from dashboard.figures.mistake_effect import mistake_effect
from dashboard.figures.named import named
from dashboard.figures.paired_differences import paired_differences
from dashboard.figures.panel_by_depth import panel_by_depth
from dashboard.figures.score_agreement import score_agreement
from dashboard.figures.search_progress import search_progress
from dashboard.figures.similarity_map import similarity_map
from dashboard.figures.transfer_loss import transfer_loss
from dashboard.figures.weight_interpolation import weight_interpolation

__all__ = [
    "Drawn",
    "accuracy_by_depth",
    "accuracy_comparison",
    "accuracy_cost",
    "advice_map",
    "label_budgets",
    "layer_transfer",
    "learning_curves",
    "mean_curves",
    "measures_by_depth",
    "mistake_effect",
    "named",
    "paired_differences",
    "panel_by_depth",
    "score_agreement",
    "search_progress",
    "similarity_map",
    "transfer_loss",
    "weight_interpolation",
]
