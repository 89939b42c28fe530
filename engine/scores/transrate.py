"""TransRate: the coding rate of all features minus that of each class, weighted by its share of the images.

    TrR = R(Z) - sum_c p_c R(Z_c),   R(Z) = 1/2 ln det(I + Z'Z / (n e)),   e = 1e-4

Z are the features (n_samples, n_features), centred over all classes together. The value depends on their scale, so the trace
is normalised first: the mean squared distance from the centre becomes 1. `normalise_trace=False` gives the raw value.
Range: from 0 (the log determinant is concave); grows with rank and with ln(1 / e).
Ignores: which classes are close to each other; a class of one image costs nothing.

Source: Huang et al. 2022 ("Frustratingly easy transferability estimation"), sections 3.2 and 3.3. Public implementations: some
weigh classes 1/C instead of p_c (67.5 instead of 31.6 on imbalanced digits); most do not normalise the scale.
"""

from __future__ import annotations

import numpy as np

from engine.scores import _linalg
from engine.scores._base import SCORES, Score
from engine.scores._statistics import Statistics

DISTORTION = 1e-4


def compute(statistics: Statistics, *, normalise_trace: bool = True, distortion: float = DISTORTION) -> float:
    """TransRate of features (n, d) with their classes, in nats."""
    moved, energy = statistics.centred, statistics.about_mean.energy
    n = len(moved)
    unit = (moved**2).sum() / n if normalise_trace else 1.0
    rate = 0.5 * float(np.log1p(energy / (unit * n * distortion)).sum())
    order = np.argsort(statistics.classes, kind="stable")
    for rows in np.split(moved[order], np.cumsum(statistics.counts)[:-1]):
        rate -= 0.5 * len(rows) / n * _linalg.log_det_plus_identity(rows, 1 / (unit * len(rows) * distortion))
    return max(0.0, rate)  # rounding alone takes it below


SCORES.register(
    Score(
        name="transrate",
        label="TransRate",
        formula="R(Z) - sum_c p_c R(Z_c), R(Z) = 1/2 ln det(I + Z'Z / (n e)), trace normalised, e = 1e-4",
        range=(0.0, np.inf),
        source="Huang et al. 2022, sections 3.2 and 3.3",
        compute=compute,
        shares=True,
        invariances=frozenset(
            "rotation column_order scale translation row_order class_ids duplicate_rows zero_column".split()
        )
        | {"constant_column"},
        ignores="which classes are close to each other",
        differs="class weights 1/C instead of p_c give 67.5 instead of 31.6 on imbalanced digits; the scale is often left in",
    )
)
