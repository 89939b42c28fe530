import pandas as pd
import pytest

from engine import alarm


def curve(**accuracies: list[float]) -> pd.DataFrame:
    rows = [
        {"run_id": f"{name}{seed}", "backbone": "net", "dataset": "digits", "budget": "100", "strategy": name,
         "frozen_depth": 10 if name == "linear_probe" else 0, "unit": 0, "seed": seed, "metric": "test_accuracy",
         "value": value}
        for name, values in accuracies.items() for seed, value in enumerate(values)
    ]  # fmt: skip
    return pd.DataFrame(rows)


SCRATCH = [0.60, 0.62, 0.61, 0.63, 0.59, 0.60]


def test_it_rings_where_the_corrected_interval_is_below_zero_and_only_there() -> None:
    transfer = curve(
        from_scratch=SCRATCH,
        linear_probe=[value - gap for value, gap in zip(SCRATCH, [0.10, 0.11, 0.12, 0.10, 0.11, 0.12], strict=True)],
        full_fine_tuning=[value - gap for value, gap in zip(SCRATCH, [0.05, -0.04, 0.03, -0.05, 0.04, 0], strict=True)],
    )
    (found,) = alarm.negative_transfer(transfer)
    # sd .0089443; two comparisons: t of .9875 with 5 degrees of freedom 3.163381 * .0089443 / sqrt(6) = .011551
    assert (found.strategy, found.frozen_depth) == ("linear_probe", 10)
    assert found.sentence_end.startswith(
        "is 11.0 points below training from scratch (95 % interval -12.2 to -9.8, 6 pairs"
    )
    assert "no claim" not in found.sentence_end


def test_with_few_pairs_it_says_that_it_is_no_claim() -> None:
    transfer = curve(from_scratch=SCRATCH[:3], linear_probe=[0.40, 0.421, 0.41])
    (found,) = alarm.negative_transfer(transfer)
    assert found.sentence_end.endswith("exploring: no claim with fewer than 6 pairs")


def test_without_a_control_or_with_one_seed_it_is_silent() -> None:
    assert alarm.negative_transfer(curve(linear_probe=[0.1, 0.1, 0.1])) == []
    assert alarm.negative_transfer(curve(from_scratch=[0.6], linear_probe=[0.1])) == []
    assert alarm.negative_transfer(pd.DataFrame()) == []


def test_random_weights_are_no_transfer() -> None:
    assert alarm.negative_transfer(curve(from_scratch=SCRATCH, random_frozen=[0.1] * 6)) == []


def test_what_was_measured_comes_first_among_the_causes() -> None:
    transfer = curve(from_scratch=SCRATCH)
    probes = pd.DataFrame(
        [
            {"backbone": "net", "dataset": "digits", "budget": "100", "strategy": "linear_probe", "frozen_depth": 10,
             "seed": 0, "unit": unit, "metric": "probe_accuracy", "value": value}
            for unit, value in ((2, 0.5), (6, 0.72), (10, 0.6))
        ]
    )  # fmt: skip
    named = alarm.causes(pd.concat([transfer, probes]), ("net", "digits", "100"), 10)
    assert named[0].measured == "frozen features read best after unit 6 of 10; by the last they lose 12.0 points"
    assert named[1].measured == "10 units were frozen, 4 beyond the best one"
    assert all(cause.source for cause in named)
    assert [bool(cause.measured) for cause in named] == [True, True, False, False, False]
    assert not any(cause.measured for cause in alarm.causes(transfer, ("net", "digits", "100"), 10))


def test_the_fall_must_be_worth_a_word() -> None:
    rows = [
        {"backbone": "net", "dataset": "digits", "budget": "100", "strategy": "linear_probe", "unit": unit,
         "metric": "probe_accuracy", "value": value} for unit, value in ((1, 0.61), (2, 0.60))
    ]  # fmt: skip
    assert alarm._decline(pd.DataFrame(rows), ("net", "digits", "100")) is None
    rows[1]["value"] = 0.58
    assert alarm._decline(pd.DataFrame(rows), ("net", "digits", "100")) == (1, pytest.approx(0.03), 2)


def test_a_measured_distance_stands_beside_the_cause_that_it_speaks_of() -> None:
    transfer = curve(from_scratch=SCRATCH, linear_probe=[value - 0.1 - 0.001 * n for n, value in enumerate(SCRATCH)])
    (found,) = alarm.negative_transfer(transfer)
    assert not any(cause.measured for cause in found.causes)
    told = alarm.with_distance(found, "Proxy A-distance 1.9 of 2.")
    assert (told.causes[0].text, told.causes[0].measured) == (alarm.FAR, "Proxy A-distance 1.9 of 2")
    assert len(told.causes) == len(found.causes)
