"""Early-layer features: a linear probe for every depth; the one that validates best becomes the head."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engine.scores import FeatureSplit
from engine.scores.linear_probe import solve
from engine.tuning import _base


class Tuning(_base.Tuning):
    """Chooses the depth by validation accuracy, then by lower validation loss, then the later one."""

    def solve(self, depths: Sequence[FeatureSplit]) -> _base.Solved:
        probes = [solve(split, self.setup.step) for split in depths]
        chosen = max(
            range(len(probes)), key=lambda at: (probes[at].validation_accuracy, -probes[at].validation_loss, at)
        )
        best = probes[chosen]
        # The head reads all depths in a row; what the chosen one does not hold weighs nothing.
        weight = np.zeros((len(best.bias), sum(split.train.shape[1] for split in depths)))
        begin = sum(split.train.shape[1] for split in depths[:chosen])
        weight[:, begin : begin + best.weight.shape[1]] = best.weight
        units = [unit for unit in self.setup.card.units if unit.n_features]
        notice = f"the probe of unit {units[chosen].name!r} validates best and is the head"
        return _base.Solved(weight, best.bias, best.validation_accuracy, best.validation_loss, notice)
