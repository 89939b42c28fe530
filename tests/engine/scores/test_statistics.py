"""What scores share: the same numbers as each would compute for itself, each computed once."""

from __future__ import annotations

import numpy as np
import pytest

from engine.scores import SCORES, FeatureSplit, _linalg
from engine.scores._statistics import Statistics

SHARING = [score for score in SCORES if score.shares]


def clouds(n: int, d: int, offset: float = 0.5, classes: int = 4) -> tuple[np.ndarray, np.ndarray]:
    draws = np.random.default_rng(n + d)
    labels = np.arange(n) % classes
    return draws.normal(size=(n, d)) + draws.normal(size=(classes, d))[labels] + offset, labels


@pytest.mark.parametrize("offset", [0.0, 0.5, 1e4])
@pytest.mark.parametrize(("n", "d"), [(80, 7), (80, 79), (40, 90)])
def test_both_spectra_are_the_singular_value_decompositions(n, d, offset):
    features, labels = clouds(n, d, offset)
    features[:, 2] = 0.0
    features[:, 4] = 3.0
    shared = Statistics.checked("a", features, labels)
    for rows, found in ((features, shared.plain), (features - features.mean(axis=0), shared.about_mean)):
        left, size, _ = np.linalg.svd(rows, full_matrices=False)
        keep = size > size[0] * 1e-12
        np.testing.assert_allclose(found.energy, size[keep][::-1] ** 2, rtol=1e-6)
        wanted = np.stack([left[labels == one][:, keep].sum(axis=0) for one in range(4)]).T[::-1] ** 2
        np.testing.assert_allclose(found.explained, wanted, atol=1e-6)
        near = found.rows(3)
        np.testing.assert_allclose(np.abs(near), np.abs(left[:, :3] * size[:3]), atol=1e-5 * size[0])
    if offset < 1e4:  # beyond, rounding itself spans a direction
        assert shared.rank == min(d - 2, n - 1)


def test_the_names_of_what_shares_are_known():
    assert {score.name for score in SHARING} == {"logme", "h_score", "h_score_regularised", "transrate", "nleep"}


def test_one_gram_matrix_and_one_decomposition_of_each_kind_serve_all(monkeypatch):
    features, labels = clouds(200, 6)
    alone = {score.name: score(features, labels) for score in SHARING}
    made = []
    real_gram, real_spectrum = _linalg.gram, _linalg.spectrum
    monkeypatch.setattr(
        _linalg, "gram", lambda rows: (made.append("gram") if rows.shape[0] == 200 else None, real_gram(rows))[1]
    )
    monkeypatch.setattr(_linalg, "spectrum", lambda *given: (made.append("spectrum"), real_spectrum(*given))[1])
    split = FeatureSplit(features, labels, features[:0], labels[:0], features[:0], labels[:0])
    for score in SHARING:
        measured = score.on_split(split)
        assert measured.value == alone[score.name]
        assert measured.detail == {"part": "train", "d": 6, "rank": 6}
    assert sorted(made) == ["gram", "spectrum", "spectrum"]
