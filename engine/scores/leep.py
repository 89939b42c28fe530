"""LEEP: log likelihood of the labels when they are predicted through the source model's own classes.

    LEEP = 1/N sum_i ln sum_z P(y_i | z) theta_z(x_i),   P(y, z) = 1/N sum over i with y_i = y of theta_z(x_i)

theta (n_samples, n_source_classes) is the softmax of the source head. Range: below 0, in nats; -H(y) for predictions that do
not depend on the image. It needs a source head, so it has no value at a hidden depth.
Ignores: the features themselves; what the source classes do not express.

Source: Nguyen et al. 2020 ("LEEP: a new measure to evaluate transferability of learned representations"), section 3. Public
implementations: some leave out the logarithm, or take it of the mean.
"""

from __future__ import annotations

import numpy as np

from engine.scores import _linalg
from engine.scores._base import SCORES, Score


def compute(theta: np.ndarray, classes: np.ndarray) -> float:
    """LEEP of source probabilities theta (n, n_source_classes) and class numbers (n,)."""
    joint, _ = _linalg.class_sums(theta, classes)  # (C, Z), N times P(y, z)
    mass = joint.sum(axis=0)
    given = np.divide(joint, mass, out=np.zeros_like(joint), where=mass > 0)  # P(y | z)
    # An image counts in P(y_i | z) itself, so every likelihood is positive.
    return float(np.log((given[classes] * theta).sum(axis=1)).mean())


SCORES.register(
    Score(
        name="leep",
        label="LEEP",
        formula="1/N sum_i ln sum_z P(y_i | z) theta_z(x_i), theta the source head's softmax",
        range=(-np.inf, 0.0),
        source="Nguyen et al. 2020, section 3",
        compute=compute,
        kind="source_head",
        invariances=frozenset("column_order row_order class_ids duplicate_rows zero_column".split()),
        ignores="the features; it has no meaning at a hidden depth",
        refuses="rows are not probabilities of source classes",
        differs="versions without the logarithm exist and are wrong",
    )
)
