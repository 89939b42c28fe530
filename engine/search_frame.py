"""The frame `search`: one row per setting that a run tried, in order; test images are read for the chosen one alone.

experiment_id, run_id, backbone, dataset, strategy, frozen_depth, seed, label_budget, budget, method (random, grid or halving),
trial (1-based), rung (0-based; halving only goes beyond 0), epochs (trained for this row), epochs_spent (in this run so far),
learning_rate, settings (of the strategy, where they differ from its defaults), validation_accuracy (0..1), validation_loss
(nats; both NA where it diverged), best_accuracy (the highest so far), chosen (whether this trial was taken in the end), flops,
seconds and energy_joules (of this row's training and validation; NA where not known: a trial that was resumed on its way, an
earlier version).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from engine import run_words
from engine.events import Event, SettingChosen, TrialEnded

COLUMNS = {
    **{"method": "str", "trial": "int64", "rung": "int64", "epochs": "int64", "epochs_spent": "int64"},
    **{"learning_rate": "float64", "settings": "str", "validation_accuracy": "float64", "validation_loss": "float64"},
    **{
        "best_accuracy": "float64",
        "chosen": "bool",
        "flops": "float64",
        "seconds": "float64",
        "energy_joules": "float64",
    },
}


def rows(cell: dict[str, Any], method: str, events: Iterable[Event]) -> Iterator[dict[str, Any]]:
    """Rows of one run."""
    events = list(events)
    taken = next((event.trial for event in events if isinstance(event, SettingChosen)), None)
    spent, best = 0, None
    for event in events:
        if isinstance(event, TrialEnded):
            spent += event.epochs
            best = max((one for one in (best, event.validation_accuracy) if one is not None), default=None)
            yield cell | {
                **{
                    "method": method,
                    "trial": event.trial,
                    "rung": event.rung,
                    "epochs": event.epochs,
                    "epochs_spent": spent,
                },
                **{"learning_rate": event.learning_rate, "settings": run_words.written(event.settings)},
                **{"validation_accuracy": event.validation_accuracy, "validation_loss": event.validation_loss},
                **{"best_accuracy": best, "chosen": event.trial == taken},
                **{"flops": event.flops, "seconds": event.seconds, "energy_joules": event.energy_joules},
            }
