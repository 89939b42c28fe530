"""The mixture in batched steps against scikit-learn's, which loops over components."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture

from engine.scores import _mixture


@pytest.mark.parametrize(("n", "k", "components"), [(200, 3, 5), (120, 1, 10), (90, 12, 20), (300, 6, 2)])
@pytest.mark.parametrize("seed", [0, 3])
def test_the_posterior_is_that_of_scikit_learn(n, k, components, seed):
    draws = np.random.default_rng(seed)
    rows = draws.normal(size=(n, k)) + draws.normal(size=(4, k))[draws.integers(0, 4, n)] * 2
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        wanted = GaussianMixture(components, random_state=seed).fit(rows).predict_proba(rows)
    found = _mixture.posterior(rows, components, seed)
    np.testing.assert_allclose(found, wanted, atol=1e-7)
    np.testing.assert_allclose(found.sum(axis=1), 1.0)


def test_in_pieces_it_is_the_same(monkeypatch):
    rows = np.random.default_rng(0).normal(size=(80, 4))
    whole = _mixture.posterior(rows, 6, 0)
    monkeypatch.setattr(_mixture, "CHUNK", 80 * 4 * 2)
    np.testing.assert_allclose(_mixture.posterior(rows, 6, 0), whole, atol=1e-12)
