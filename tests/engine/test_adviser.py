import pandas as pd
import pytest

from engine import adviser
from engine.adviser import Record, place


def scores(values: list[float], n_images: int, n_features: int = 64) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "unit": unit,
                "metric": "logme",
                "value": value,
                "n_images": n_images,
                "n_features": n_features,
                "reason": "",
            }
            for unit, value in enumerate(values, start=1)
        ],
        columns=["unit", "metric", "value", "n_images", "n_features", "reason"],
    )


def test_evidence_and_labels_per_feature_are_those_of_the_formulas():
    found = place(scores([0.1, 0.3, 0.25], 40), 10, parameters=4_000)
    # 2 * 40 * 9 * (0.30 - 0.25) = 36; 40 / 64
    assert found.evidence == pytest.approx(36)
    assert found.labels_per_feature == 0.625
    assert (found.best_unit, found.n_units, found.quadrant) == (2, 3, "little data, far")
    assert "100 weights for each label" in found.measured()
    assert "very strong (2 ln B = 36" in found.measured()


@pytest.mark.parametrize(
    ("values", "n", "strategy", "depth"),
    [
        ([0.1, 0.2, 0.3], 40, "linear_probe", 3),
        ([0.1, 0.3, 0.2], 40, "partial_fine_tuning", 2),
        ([0.1, 0.2, 0.3], 128, "full_fine_tuning", 0),
        ([0.3, 0.2, 0.1], 128, "full_fine_tuning", 0),
    ],
)
def test_each_quadrant_has_its_rule(values, n, strategy, depth):
    found = place(scores(values, n), 5)
    assert (found.rule.strategy, found.depth) == (strategy, depth)
    assert found.rule.reason
    assert found.rule.source


def test_boundaries_are_the_literatures():
    # 2 * 50 * 1 * 0.1 = 10 exactly is not yet beyond "strong"; N / D = 2 is not below the capacity.
    assert place(scores([0.3, 0.2], 50), 2).near
    assert not place(scores([0.31, 0.2], 50), 2).near
    assert not place(scores([0.2, 0.2], 128), 2).little
    assert place(scores([0.2, 0.2], 127), 2).little
    assert [adviser.strength(one) for one in (0, 2.1, 6.1, 10.1)] == [
        "none worth a mention", "positive", "strong", "very strong",
    ]  # fmt: skip


def test_a_tie_goes_to_the_last_unit():
    found = place(scores([0.3, 0.3], 50), 2)
    assert (found.best_unit, found.evidence) == (2, 0)
    assert "nothing speaks against them" in found.measured()


def test_what_cannot_be_placed_says_why():
    missing = scores([0.1, 0.2], 50)
    missing.loc[1, ["value", "reason"]] = [float("nan"), "classes with one image"]
    assert place(missing, 2) == "classes with one image"
    assert place(scores([], 50), 2) == "LogME of the last unit was not measured"
    assert place(scores([0.1], 50), 1) == "1 class is no task"
    assert place(scores([0.1], 50), 2, n_units=4) == "LogME of the last unit was not measured"


def test_the_record_says_n_and_what_looking_at_nothing_costs():
    said = Record(4, 3, 2, 0.021, {"full_fine_tuning": 0.015, "linear_probe": 0.08})
    assert said.sentence({"full_fine_tuning": "full fine-tuning"}) == (
        "Such advice was graded on 4 tasks of this home: in 2 of 3 that tell strategies apart it was among the best; it cost"
        " 2.1 points on average against the best that was run (always full fine-tuning 1.5, always linear_probe 8.0)."
    )
    assert "hypothesis" in said.warning()
    assert Record(4, 3, 2, 0.01, {"full_fine_tuning": 0.015}).warning() == ""
    assert "no task in this home" in Record(0, 0, 0, float("nan"), {}).sentence()
    assert "none has the 6 seeds" in Record(1, 0, 0, 0.0, {}).sentence()
