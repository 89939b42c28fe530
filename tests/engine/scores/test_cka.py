"""CKA against the definition, and the bias that the unbiased estimator takes away."""

from __future__ import annotations

import numpy as np
import pytest

from engine.errors import ScoreNotDefined
from engine.scores import SCORES

cka = SCORES["cka"]


def hsic(x: np.ndarray, y: np.ndarray) -> float:
    """HSIC_1 written out (Song et al. 2012, equation 5)."""
    n, one = len(x), np.ones(len(x))
    k, m = x @ x.T, y @ y.T
    np.fill_diagonal(k, 0)
    np.fill_diagonal(m, 0)
    inner = np.trace(k @ m) + one @ k @ one * (one @ m @ one) / ((n - 1) * (n - 2)) - 2 / (n - 2) * one @ k @ m @ one
    return inner / (n * (n - 3))


@pytest.mark.parametrize(("n", "p", "q"), [(4, 3, 2), (12, 30, 40), (50, 6, 80), (80, 5, 3)])
def test_as_the_definition(n, p, q):
    draws = np.random.default_rng(n)
    x = draws.normal(size=(n, p))
    y = x @ draws.normal(size=(p, q)) + draws.normal(size=(n, q)) + 2
    assert cka(x, y) == pytest.approx(hsic(x, y) / np.sqrt(hsic(x, x) * hsic(y, y)), rel=1e-9)


def test_batches_average_the_parts_and_then_divide():
    draws = np.random.default_rng(0)
    x = draws.normal(size=(62, 7))
    y = x[:, :4] + draws.normal(size=(62, 4))
    cuts = [slice(start, start + 20) for start in (0, 20, 40)]  # two rows are left
    across, one, other = (np.mean([hsic(a[c], b[c]) for c in cuts]) for a, b in ((x, y), (x, x), (y, y)))
    assert cka(x, y, batch=20) == pytest.approx(across / np.sqrt(one * other), rel=1e-9)
    assert cka(x, y, batch=62) == pytest.approx(cka(x, y), rel=1e-12)


def test_the_biased_form_calls_random_features_alike():
    draws = np.random.default_rng(0)
    x, y = draws.normal(size=(50, 500)), draws.normal(size=(50, 500))
    centred = [rows - rows.mean(axis=0) for rows in (x, y)]
    k, m = (rows @ rows.T for rows in centred)
    plain = (k * m).sum() / np.sqrt((k * k).sum() * (m * m).sum())
    assert cka(x, y, estimator="biased") == pytest.approx(plain, rel=1e-9)
    assert plain > 0.89
    assert abs(cka(x, y)) < 0.1


def test_each_set_may_be_turned_moved_and_scaled_by_itself():
    draws = np.random.default_rng(2)
    x, y = draws.normal(size=(40, 6)), draws.normal(size=(40, 9))
    y[:, :6] += x
    turn = np.linalg.qr(draws.normal(size=(6, 6)))[0]
    assert cka(x @ turn * 1e4 - 3, y) == pytest.approx(cka(x, y), rel=1e-9)
    assert cka(x, x @ turn) == pytest.approx(1.0)


def test_what_has_no_value():
    rows = np.random.default_rng(0).normal(size=(12, 3))
    with pytest.raises(ScoreNotDefined, match="HSIC_1 needs 4"):
        cka(rows[:3], rows[:3])
    with pytest.raises(ScoreNotDefined, match="HSIC_1 needs 4"):
        cka(rows, rows, batch=3)
    with pytest.raises(ScoreNotDefined, match="same features"):
        cka(rows, np.full((12, 2), 0.1))
    with pytest.raises(ScoreNotDefined, match="estimator"):
        cka(rows, rows, estimator="plain")
