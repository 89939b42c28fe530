"""Zero-shot: the rows of the source head that the target's classes are called by; no label is used but to say how good it is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engine.backbones._source_head import source_head
from engine.errors import StrategyError
from engine.scores import FeatureSplit
from engine.source_classes import rows_of, source_classes
from engine.tuning import _base


class Tuning(_base.Tuning):
    """Takes the head from the file that the weights came from."""

    def solve(self, depths: Sequence[FeatureSplit]) -> _base.Solved:
        setup, card = self.setup, self.setup.card
        names = source_classes(card.source_data)
        rows = rows_of(names, setup.class_names)
        head = source_head(self.network, card.name, "pretrained", setup.home)
        if rows is None or len(head.bias) != len(names):
            raise StrategyError(f"The head of {card.name} does not name these classes: {', '.join(setup.class_names)}.")
        weight, bias = head.weight[rows], head.bias[rows]
        # What the head reads is the last depth in the network's usual pooling.
        logits = depths[-1].validation @ weight.T + bias
        logits -= logits.max(axis=1, keepdims=True)
        chosen = logits[np.arange(len(logits)), depths[-1].validation_labels]
        return _base.Solved(
            weight,
            bias,
            float(np.mean(logits.argmax(axis=1) == depths[-1].validation_labels)),
            float(np.mean(np.log(np.exp(logits).sum(axis=1)) - chosen)),
            f"each class is answered by the row of the source head that is called {', '.join(names[row] for row in rows)}",
        )
