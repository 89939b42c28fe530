"""NCE: minus the conditional entropy of the labels given the class that the source model predicts.

    NCE = - H(Y | Z) = sum over y, z of P(y, z) ln P(y | z),   z_i = argmax of theta(x_i)

theta (n_samples, n_source_classes) is the softmax of the source head. Range -H(y)..0, in nats; equal to LEEP where every
prediction is certain. With few images per predicted class it is optimistic.
Ignores: how sure the source model is; the features.

Source: Tran et al. 2019 ("Transferability and hardness of supervised classification tasks"), section 3. Public implementations:
the first published one is NaN where two classes never meet, one call exchanges labels and predictions; others agree. Ties of the
largest probability go to the first source class here.
"""

from __future__ import annotations

import numpy as np

from engine.errors import ScoreNotDefined
from engine.scores._base import SCORES, Score


def compute(theta: np.ndarray, classes: np.ndarray) -> float:
    """NCE of source probabilities theta (n, n_source_classes) and class numbers (n,)."""
    source = np.unique(theta.argmax(axis=1), return_inverse=True)[1]
    if source.max() + 1 == len(source):
        raise ScoreNotDefined("nce", f"all {len(source)} images are predicted as different classes: any labels score 0")
    pairs, together = np.unique(np.stack([source, classes], axis=1), axis=0, return_counts=True)
    return float((together * np.log(together / np.bincount(source)[pairs[:, 0]])).sum() / len(classes))


SCORES.register(
    Score(
        name="nce",
        label="NCE",
        formula="sum over y, z of P(y, z) ln P(y | z), z the source head's most probable class",
        range=(-np.inf, 0.0),
        source="Tran et al. 2019, section 3",
        compute=compute,
        kind="source_head",
        invariances=frozenset("column_order row_order class_ids duplicate_rows zero_column".split()),
        ignores="how sure the source model is, and the features",
        refuses="rows are not probabilities of source classes, or no two images are predicted as the same one",
        differs="exchanged arguments give -H(Z | Y); the first published code is NaN where two classes never meet",
    )
)
