"""Other implementations of scores against their formulas written out plainly, and against the numbers they are known for."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.linalg import sqrtm
from sklearn.covariance import LedoitWolf
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.random_projection import GaussianRandomProjection

from engine.errors import ScoreNotDefined
from engine.scores import SCORES, FeatureSplit, _variants
from engine.scores._variants import VARIANTS, Shape


def clouds(n: int = 90, d: int = 6, classes: int = 3, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    draws = np.random.default_rng(seed)
    labels = np.sort(draws.integers(0, classes, n))
    return draws.normal(size=(n, d)) + draws.normal(size=(classes, d))[labels] + 1, labels


def split(features: np.ndarray, labels: np.ndarray) -> FeatureSplit:
    """All of it to train; every third image also to validate and to test."""
    some = (features[::3], labels[::3])
    return FeatureSplit(features, labels, *some, *some)


def value(name: str, features: np.ndarray, labels: np.ndarray) -> float:
    return VARIANTS[name].on_split(split(features, labels))


@pytest.fixture(scope="module")
def digits() -> tuple[np.ndarray, np.ndarray]:
    return load_digits().data / 16, load_digits().target


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.name)
def test_every_variant_says_what_it_does_and_differs(variant) -> None:
    assert variant.score in SCORES
    assert variant in _variants.of(variant.score)
    assert variant.differs
    assert variant.found
    assert not variant.differs.endswith(".")
    score = SCORES[variant.score]
    features, labels = clouds(80, 7, 3)
    odds = np.exp(features[:, :3])
    given = {
        "labelled": (features, labels),
        "source_head": (odds / odds.sum(axis=1, keepdims=True), labels),
        "two_sets": (features[:40], features[40:80] * 1.3),
    }[score.kind]
    found = variant.on_split(split(*given)) if score.kind == "labelled" else variant.on(*given)
    assert np.isfinite(found)
    # Where there are more images than features; where all classes meet.
    alike = ("pseudo-inverse", "64 components", "not shrunk", "0 ln 0")
    if score.range != (0.0, 1.0) and variant.label not in alike:  # accuracies of so few images may be the same
        assert found != score(*given)


def test_logme_with_half_d_is_45_on_random_features_where_n_is_below_d():
    draws = np.random.default_rng(0)
    features, labels = draws.normal(size=(200, 2048)), np.arange(200) % 10
    assert value("logme: D/2 ln a", features, labels) == pytest.approx(45, abs=3)
    largest = SCORES["logme"](features, labels)
    assert largest - 0.05 < value("logme: 11 steps", features, labels) < largest
    wide = Shape(200, 2048, 199, 200)
    assert "rises with D" in VARIANTS["logme: D/2 ln a"].wrong(wide)
    assert VARIANTS["logme: D/2 ln a"].wrong(Shape(200, 20, 20, 20)) == ""


def test_logme_by_the_fixed_point_is_ours_where_it_converges(digits):
    # Digits have constant columns: D/2 instead of rank/2 is what is left between the two.
    assert value("logme: 11 steps", *digits) == pytest.approx(SCORES["logme"](*digits), abs=1e-4)
    features, labels = clouds()
    assert value("logme: D/2 ln a", features, labels) == value("logme: 11 steps", features, labels)


def test_h_score_elsewhere(digits):
    assert value("h_score: pseudo-inverse", *digits) == pytest.approx(5.917909, abs=1e-5)
    assert value("h_score: elementwise", *digits) == pytest.approx(84, abs=1)
    draws = np.random.default_rng(0)
    noise, labels = draws.normal(size=(40, 100)), np.arange(40) % 4
    assert value("h_score: pseudo-inverse", noise, labels) == pytest.approx(3)
    assert "any labels" in VARIANTS["h_score: pseudo-inverse"].wrong(Shape(40, 100, 39, 40))
    with pytest.raises(ScoreNotDefined, match="not decomposed above 1024"):
        value("h_score: elementwise", draws.normal(size=(20, 1_100)), np.arange(20) % 2)


def test_transrate_elsewhere():
    features, labels = clouds(60, 5)
    moved = features - features.mean(axis=0)

    def rate(rows: np.ndarray) -> float:
        return np.linalg.slogdet(np.eye(5) + rows.T @ rows / (len(rows) * 1e-4))[1] / 2

    parts = [rate(moved[labels == one]) for one in range(3)]
    assert value("transrate: classes 1/C", features, labels) == pytest.approx(rate(moved) - np.mean(parts), rel=1e-9)
    weighed = np.average(parts, weights=np.bincount(labels))
    assert value("transrate: scale left in", features, labels) == pytest.approx(rate(moved) - weighed, rel=1e-9)


def test_gbc_with_the_logarithm_once():
    features, labels = clouds()
    total = 0.0
    for i, j in itertools.permutations(range(3), 2):
        one, other = features[labels == i], features[labels == j]
        v, w = one.var(axis=0).mean(), other.var(axis=0).mean()
        middle = (v + w) / 2
        apart = ((one.mean(axis=0) - other.mean(axis=0)) ** 2).sum() / middle / 8
        total -= np.exp(-apart - np.log(middle / np.sqrt(v * w)) / 2)
    assert value("gbc: log once", features, labels) == pytest.approx(total, rel=1e-9)
    wanted = SCORES["gbc"](features, labels, covariance="spherical")
    assert value("gbc: spherical", features, labels) == wanted


def test_the_probe_with_a_fixed_penalty_is_scikit_learns():
    features, labels = clouds(120, 6, 3)
    features *= np.array([1, 5, 0.2, 1, 3, 1])
    parts = split(features, labels)
    for c, name in ((1.0, "C = 1"), (0.316, "C = 0.316")):
        known = LogisticRegression(C=c, max_iter=2_000, tol=1e-8).fit(*parts.labelled)
        assert VARIANTS[f"linear_probe: {name}"].on_split(parts) == pytest.approx(
            known.score(parts.test, parts.test_labels), abs=1 / len(parts.test)
        )


def test_neighbours_and_means_elsewhere():
    features, labels = clouds(60, 4)
    parts = FeatureSplit(features[::2], labels[::2], features[1::4], labels[1::4], features[3::4], labels[3::4])
    known, names = parts.labelled
    nearest = np.argsort(np.linalg.norm(parts.test[:, None] - known, axis=2), axis=1, kind="stable")[:, :5]
    guessed = [np.bincount(names[row]).argmax() for row in nearest]
    assert VARIANTS["knn: k = 5, Euclidean"].on_split(parts) == np.mean(guessed == parts.test_labels)
    # With 200 of 45 neighbours every image votes.
    assert VARIANTS["knn: k = 200"].on_split(parts) == pytest.approx(
        np.mean(SCORES["knn"].compute.__globals__["predict"](known, names, parts.test, 45) == parts.test_labels)
    )
    means = np.stack([features[labels == one].mean(axis=0) for one in range(3)])
    guessed = np.linalg.norm(features[:, None] - means, axis=2).argmin(axis=1)
    assert value("ncc: with itself", features, labels) == np.mean(guessed == labels)
    draws = np.random.default_rng(0)
    assert value("ncc: with itself", draws.normal(size=(40, 200)), np.arange(40) % 4) == 1.0


def test_leep_without_the_logarithm_and_with_it_outside():
    labels = np.arange(40) % 4
    constant = np.full((40, 5), 0.2)
    assert VARIANTS["leep: no logarithm"].on(constant, labels) == pytest.approx(0.25)
    assert VARIANTS["leep: log of the mean"].on(constant, labels) == pytest.approx(np.log(0.25))
    draws = np.random.default_rng(0).dirichlet(np.ones(5), size=40)
    assert VARIANTS["leep: log of the mean"].on(draws, labels) > SCORES["leep"](draws, labels)


def test_nce_with_its_arguments_exchanged_or_with_pairs_that_never_meet():
    # Two source classes, three target classes: 4 + 2 + 0 images in the first, 0 + 2 + 4 in the second.
    source = np.repeat([0, 0, 1, 1], [4, 2, 2, 4])
    labels = np.repeat([0, 1, 1, 2], [4, 2, 2, 4])
    theta = np.eye(2)[source]
    # H(Y | Z): 2/3 and 1/3 in each; H(Z | Y): one half each in class 1 alone, which a third of the images are.
    assert SCORES["nce"](theta, labels) == pytest.approx(2 / 3 * np.log(2 / 3) + 1 / 3 * np.log(1 / 3))
    assert VARIANTS["nce: exchanged"].on(theta, labels) == pytest.approx(-np.log(2) / 3)
    with pytest.raises(ScoreNotDefined, match="2 of 6 pairs of classes never meet here, and 0 ln 0 is NaN"):
        VARIANTS["nce: 0 ln 0"].on(theta, labels)
    meeting = np.concatenate([source, [0, 1]]), np.concatenate([labels, [2, 0]])
    theta = np.eye(2)[meeting[0]]
    assert VARIANTS["nce: 0 ln 0"].on(theta, meeting[1]) == SCORES["nce"](theta, meeting[1])


def test_regularised_h_score_elsewhere():
    features, labels = clouds(60, 8, 3)
    moved = features - features.mean(axis=0)
    means = np.stack([moved[labels == one].mean(axis=0) for one in range(3)])[labels]
    rest = moved - means
    within = rest.T @ rest / 60
    ridged = within + 0.01 * np.trace(within) / 8 * np.eye(8)
    wanted = np.trace(np.linalg.inv(ridged) @ (means.T @ means / 60))
    assert value("h_score_regularised: 1 % ridge within", features, labels) == pytest.approx(wanted, rel=1e-9)
    far = features + 100 * labels[:, None]
    assert value("h_score_regularised: 1 % ridge within", far, labels) > 1_000  # C - 1 is 2
    rows = GaussianRandomProjection(7, random_state=0).fit_transform(moved)
    rows = (rows - rows.mean(axis=0)) / rows.std(axis=0)
    shrunk = LedoitWolf().fit(rows)
    centres = np.stack([rows[labels == one].mean(axis=0) for one in range(3)])[labels]
    wanted = np.trace(np.linalg.inv(shrunk.covariance_) @ centres.T @ centres) * (1 - shrunk.shrinkage_) / 60
    assert value("h_score_regularised: 0.9 D directions", features, labels) == pytest.approx(wanted, rel=1e-9)


def test_proxy_a_distance_elsewhere():
    # One number per image: 3 of 4 images of the first set are 0 and 3 of 4 of the second are 1, in every half.
    first, second = np.tile([0.0, 0.0, 0.0, 1.0], 20)[:, None], np.tile([1.0, 1.0, 1.0, 0.0], 20)[:, None]
    for name in ("training error", "least of ten"):
        assert VARIANTS[f"proxy_a_distance: {name}"].on(first, second) == pytest.approx(1.0)  # 2 (1 - 2 / 4)
    assert SCORES["proxy_a_distance"](first, second) == pytest.approx(1.0)
    assert VARIANTS["proxy_a_distance: accuracy - 1/2"].on(first, second) == pytest.approx(1.0)  # 2 (1 - 2 (3/4 - 1/2))
    # The second halves are the other way round: three of four errors, turned around.
    turned = np.concatenate([first[:40], 1 - first[40:]]), np.concatenate([second[:40], 1 - second[40:]])
    assert VARIANTS["proxy_a_distance: least of ten"].on(*turned) == pytest.approx(1.0)
    apart = first * 0 - 3, second * 0 + 3
    for name, wanted in (
        ("training error", 2),
        ("least of ten", 2),
        ("one layer, 10 passes", 2),
        ("accuracy - 1/2", 0),
    ):
        assert VARIANTS[f"proxy_a_distance: {name}"].on(*apart) == pytest.approx(wanted)


def test_two_draws_of_one_set_look_apart_elsewhere():
    draws = np.random.default_rng(0)
    one, other = draws.normal(size=(2, 40, 200))
    assert SCORES["proxy_a_distance"](one, other) < 0.4
    assert VARIANTS["proxy_a_distance: training error"].on(one, other) == pytest.approx(2.0)
    assert "a plane tells any two sets apart" in VARIANTS["proxy_a_distance: training error"].wrong(
        Shape(40, 200, 39, 40)
    )
    assert VARIANTS["proxy_a_distance: training error"].wrong(Shape(200, 200, 199, 200)) == ""
    least = [VARIANTS["proxy_a_distance: least of ten"].on(*draws.normal(size=(2, 40, 20))) for _ in range(10)]
    assert min(least) >= 0
    assert np.mean(least) > 0.1
    # Of 30 and 90 images alike, calling all of them the larger set is wrong for a quarter: 2 (1 - 2 / 4).
    one, other = draws.normal(size=(30, 5)), draws.normal(size=(90, 5))
    assert VARIANTS["proxy_a_distance: least of ten"].on(one, other) >= 1.0
    assert SCORES["proxy_a_distance"](one, other) < 0.4
    free = [VARIANTS["proxy_a_distance: one layer, 10 passes"].on(*draws.normal(size=(2, 40, 20))) for _ in range(10)]
    assert min(free) < 0


def test_two_sets_elsewhere():
    draws = np.random.default_rng(0)
    assert VARIANTS["cka: biased"].on(draws.normal(size=(50, 500)), draws.normal(size=(50, 500))) > 0.9
    one, other = draws.normal(size=(30, 4)), draws.normal(size=(20, 4)) * 1.5 + 0.3
    both = np.concatenate([one, other])
    apart = ((both[:, None] - both) ** 2).sum(axis=2)
    unit = apart[np.triu_indices(50, 1)]

    def plain(width: float) -> float:
        k = np.exp(-apart / width)
        return k[:30, :30].mean() + k[30:, 30:].mean() - 2 * k[:30, 30:].mean()

    assert VARIANTS["mmd: biased"].on(one, other) == pytest.approx(plain(np.median(unit)))
    several = sum(plain(unit.mean() * width) for width in (0.25, 0.5, 1, 2, 4))
    assert VARIANTS["mmd: five kernels"].on(one, other) == pytest.approx(several)
    c, d = np.cov(one.T), np.cov(other.T)
    assert VARIANTS["coral: not divided"].on(one, other) == pytest.approx(((c - d) ** 2).sum())
    assert VARIANTS["coral: root"].on(one, other) == pytest.approx(np.linalg.norm(c - d))
    wanted = ((one.mean(axis=0) - other.mean(axis=0)) ** 2).sum() + np.trace(c + d - 2 * sqrtm(c @ d).real)
    assert VARIANTS["frechet: not shrunk"].on(one, other) == pytest.approx(wanted)


def test_what_no_score_accepts_is_refused_here_too():
    features, labels = clouds()
    features[0, 0] = np.nan
    for variant in VARIANTS:
        if SCORES[variant.score].kind == "labelled":
            with pytest.raises(ScoreNotDefined, match="NaN"):
                variant.on_split(split(features, labels))
