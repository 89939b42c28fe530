"""Probes solved together: each the minimum that scikit-learn finds, whatever stands beside it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from engine.control import Cancelled
from engine.scores import _fold_probes, _folds, _logistic_many
from engine.scores._fold_probes import FoldProbes
from engine.scores._logistic_many import Problem, logits
from engine.scores.linear_probe import fit, log_loss, standard

GRID = (1e-3, 1e-2, 0.1)


def problem(seed: int, n: int, d: int, n_classes: int, held: int = 5) -> Problem:
    rng = np.random.default_rng(seed)
    classes = rng.permutation(np.arange(n) % n_classes)
    rows = rng.normal(size=(n, d)) + rng.normal(size=(n_classes, d))[classes]
    mean, scale = standard(rows)
    return Problem((rows - mean) / scale, classes, rng.normal(size=(held, d)))


def one(problem: Problem, n_classes: int, c: float, tolerance: float = 1e-7) -> np.ndarray:
    return logits([problem], n_classes, [np.array([c])], tolerance)[0][0]


@given(
    st.integers(0, 2**20), st.integers(6, 40), st.integers(1, 60), st.integers(2, 6), st.sampled_from([1e-3, 0.1, 1.0])
)
@settings(max_examples=40, deadline=None)
def test_the_minimum_is_that_of_scikit_learn(seed: int, n: int, d: int, n_classes: int, c: float):
    made = problem(seed, n, d, n_classes)
    known = LogisticRegression(C=c, tol=1e-10, max_iter=20_000).fit(made.rows, made.classes)
    wanted = known.decision_function(made.held)
    found = one(made, n_classes, c)
    if n_classes == 2:
        np.testing.assert_allclose(found[:, 1] - found[:, 0], wanted, atol=2e-4)
    else:
        np.testing.assert_allclose(
            found - found.mean(1, keepdims=True), wanted - wanted.mean(1, keepdims=True), atol=2e-4
        )


@given(
    st.integers(0, 2**20),
    st.lists(st.tuples(st.integers(6, 30), st.integers(1, 40), st.integers(1, 6)), min_size=1, max_size=5),
)
@settings(max_examples=25, deadline=None)
def test_neighbours_of_other_sizes_change_nothing(seed: int, sizes: list[tuple[int, int, int]]):
    problems = [problem(seed + place, n, d, 3, held) for place, (n, d, held) in enumerate(sizes)]
    together = logits(problems, 3, [np.full(len(problems), c) for c in GRID], 1e-8)
    for place, made in enumerate(problems):
        for at, c in enumerate(GRID):
            assert together[at][place].shape == (len(made.held), 3)
            np.testing.assert_allclose(together[at][place], one(made, 3, c, 1e-8), atol=1e-5)


def test_each_problem_has_its_own_penalty():
    problems = [problem(seed, 20, 8, 3) for seed in range(3)]
    mixed = logits(problems, 3, [np.array(GRID)], 1e-8)[0]
    for made, c, found in zip(problems, GRID, mixed, strict=True):
        np.testing.assert_allclose(found, one(made, 3, c, 1e-8), atol=1e-6)


def test_what_is_too_large_to_be_solved_together_is_solved_in_parts(monkeypatch):
    problems = [problem(seed, 20, 8 + seed, 3) for seed in range(5)]
    grid = [np.full(5, c) for c in GRID]
    whole = logits(problems, 3, grid, 1e-8)
    monkeypatch.setattr(_logistic_many, "TOGETHER", 200)
    parts = _logistic_many._parts(problems, 3)
    assert parts == [[0, 1], [2, 3], [4]]
    for a, b in zip(whole, logits(problems, 3, grid, 1e-8), strict=True):
        for one_way, other in zip(a, b, strict=True):
            np.testing.assert_allclose(one_way, other, atol=1e-6)


def test_the_unlike_are_solved_apart_and_each_keeps_its_place(monkeypatch):
    problems = [problem(seed, 30, (20, 3)[seed % 2], 3) for seed in range(4)]
    assert _logistic_many._parts(problems, 3) == [[1, 3, 0, 2]]
    monkeypatch.setattr(_logistic_many, "IN_VAIN", 100)
    assert _logistic_many._parts(problems, 3) == [[1, 3], [0, 2]]
    c = np.array([1e-3, 1e-2, 0.1, 1.0])
    for made, own, found in zip(problems, c, logits(problems, 3, [c], 1e-8)[0], strict=True):
        np.testing.assert_allclose(found, one(made, 3, own, 1e-8), atol=1e-6)


def test_rows_without_any_variation_give_the_share_of_each_class():
    classes = np.array([0, 0, 0, 1, 1, 2])
    found = one(Problem(np.zeros((6, 4)), classes, np.zeros((2, 4))), 3, 0.1)
    shares = np.exp(found[0]) / np.exp(found[0]).sum()
    np.testing.assert_allclose(shares, [3 / 6, 2 / 6, 1 / 6], atol=1e-5)


def test_it_can_be_stopped_within_a_fit():
    calls = []

    def step() -> None:
        calls.append(1)
        if len(calls) == 3:
            raise Cancelled

    with pytest.raises(Cancelled):
        logits([problem(0, 30, 10, 3)], 3, [np.array([1.0])], 1e-9, step)
    assert len(calls) == 3


def cut(seed: int, n_sets: int, n: int = 36, n_classes: int = 4) -> tuple[list[np.ndarray], np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    classes = rng.permutation(np.arange(n) % n_classes)
    sets = [
        rng.normal(size=(n, d)) * 3 + 5 + rng.normal(size=(n_classes, d))[classes] for d in rng.integers(2, 50, n_sets)
    ]
    return sets, classes, _folds.folds(classes, 3)


def written_out(rows: np.ndarray, classes: np.ndarray, fold: np.ndarray, c: float) -> tuple[float, float]:
    """Accuracy and mean log loss over folds, fold by fold with the solver of the linear probe."""
    predicted = np.empty((len(rows), int(classes.max()) + 1))
    for held in (fold == one for one in np.unique(fold)):
        weight, bias = fit(rows[~held], classes[~held], predicted.shape[1], c)
        predicted[held] = rows[held] @ weight.T + bias
    return float(np.mean(predicted.argmax(1) == classes)), log_loss(predicted, classes)


def test_accuracies_are_those_of_the_folds_written_out():
    sets, classes, fold = cut(0, 5)
    c = [1e-3, 1e-2, 0.1, 1e-2, 0.1]
    found = FoldProbes(sets, classes, fold).accuracies(c)
    wanted = [written_out(rows, classes, fold, one)[0] for rows, one in zip(sets, c, strict=True)]
    np.testing.assert_allclose(found, wanted, atol=1 / len(classes) + 1e-9)  # a tie within the tolerance, at most
    assert np.mean(np.array(found) == wanted) >= 0.8


@pytest.mark.parametrize("seed", range(4))
def test_the_penalty_with_the_most_hits_is_chosen_and_of_equal_ones_that_of_least_loss(seed: int, monkeypatch):
    monkeypatch.setattr(_fold_probes, "TOLERANCE", 1e-7)  # as exact as what it is compared with
    sets, classes, fold = cut(seed, 3)
    for rows, c in zip(sets, FoldProbes(sets, classes, fold).choose(GRID), strict=True):
        worth = {one: written_out(rows, classes, fold, one) for one in GRID}
        assert c == max(GRID, key=lambda one: (worth[one][0], -worth[one][1]))


def test_labels_without_a_meaning_are_found_by_chance():
    rng = np.random.default_rng(0)
    classes = np.arange(200) % 4
    (found,) = FoldProbes([rng.normal(size=(200, 30))], classes, _folds.folds(classes, 3)).accuracies([0.1])
    assert abs(found - 0.25) < 0.1
