"""Comparing implementations depth by depth: values, orders, refusals, and the words about them."""

from __future__ import annotations

import numpy as np
import pytest

from engine.implementation_words import words
from engine.implementations import TWO_SETS, compare
from engine.scores import SCORES, FeatureSplit


def split(d: int, spread: float, seed: int = 0, n: int = 60) -> FeatureSplit:
    draws = np.random.default_rng(seed)
    labels = np.arange(n) % 3
    features = draws.normal(size=(3, d))[labels] + spread * draws.normal(size=(n, d))
    cuts = (slice(0, 30), slice(30, 40), slice(40, n))
    return FeatureSplit(*(part for cut in cuts for part in (features[cut], labels[cut])))


@pytest.fixture(scope="module")
def found() -> dict[str, dict]:
    splits = [split(4, 2.0), split(8, 1.0), None, split(50, 0.5)]
    ours = {
        (unit, SCORES[name].metric): score.on_split(one).value
        for unit, one in enumerate(splits, start=1)
        if one is not None
        for name, score in ((name, SCORES[name]) for name in ("logme", "knn"))
    } | {(4, "h_score"): None}
    return {one["score"]: one for one in compare(splits, ours, ["logme", "h_score", "knn", "leep", "nce"])}


def test_scores_with_variants_are_compared_at_every_unit_that_has_features(found):
    assert list(found) == ["logme", "h_score", "knn", *TWO_SETS]  # no source head here
    logme = found["logme"]
    assert [(row["unit"], row["n"], row["d"], row["rank"]) for row in logme["rows"]] == [
        (1, 30, 4, 4), (2, 30, 8, 8), (4, 30, 50, 29),
    ]  # fmt: skip
    assert logme["rows"][0]["ours"] == SCORES["logme"].on_split(split(4, 2.0)).value
    assert logme["variants"][0]["wrong"].keys() == {"4"}
    assert logme["best"] == 4
    assert found["knn"]["of"] == "tested on the test images"


def test_order_is_kendalls_tau_of_the_depths_that_both_have(found):
    logme = found["logme"]
    ours, theirs = (
        [row[0] for row in pairs]
        for pairs in zip(*[[(r["ours"],), (r["values"][1],)] for r in logme["rows"]], strict=True)
    )
    signs = [np.sign((ours[i] - ours[j]) * (theirs[i] - theirs[j])) for i, j in ((0, 1), (0, 2), (1, 2))]
    assert logme["variants"][1]["tau"] == pytest.approx(np.mean(signs))
    assert found["h_score"]["variants"][0]["tau"] is None  # ours has no value anywhere


def test_two_sets_are_ours_beside_theirs(found):
    one, last = split(4, 2.0), split(50, 0.5)
    assert found["cka"]["rows"][0]["ours"] == pytest.approx(SCORES["cka"](one.train, last.train))
    assert found["mmd"]["rows"][0]["ours"] == pytest.approx(SCORES["mmd"](one.train, one.test))
    assert found["cka"]["variants"][0]["wrong"].keys() == {"4"}


def test_refusals_keep_their_reasons():
    flat = split(4, 1.0)
    flat.train[:] = 1.0
    (knn, *_) = compare([flat], {(1, "knn_accuracy"): None}, ["knn"])
    assert knn["rows"][0]["values"] == [None] * 3
    assert "same features" in knn["variants"][0]["reasons"]["1"]


def test_words_say_what_where_and_how_the_order_changes():
    compared = {"best": 3}
    variant = {"differs": "does it otherwise", "found": "a paper", "tau": 0.5, "n": 4, "best": 2}
    said = words(compared, variant | {"wrong": {"2": "N < D", "3": "N < D"}, "reasons": {"1": "one class"}})
    assert said == [
        "does it otherwise. Found in: a paper.",
        "changes the order of depths (Kendall tau 0.50 over 4 depths); best is unit 2 instead of 3.",
        "has no meaning at unit 2, 3: N < D.",
        "has no value at unit 1: one class.",
    ]
    same = variant | {"tau": 1.0, "best": 3, "wrong": {}, "reasons": {}}
    assert words(compared, same)[1] == "orders the depths as ours does (Kendall tau 1.00 over 4 depths)."
    assert words(compared, same | {"tau": None, "n": 1}) == ["does it otherwise. Found in: a paper."]
