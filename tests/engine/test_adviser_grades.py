import pandas as pd
import pytest

from engine import adviser_grades
from engine.adviser_grades import COLUMNS, grades, record

SEEDS = range(6)
NOISE = [0.00, 0.01, -0.01, 0.02, -0.02, 0.00]
OTHER = [0.01, -0.01, 0.00, -0.02, 0.02, 0.00]


def home(accuracies: dict[tuple[str, int], float], logme: list[float], *, n_train: int = 40, seeds=SEEDS, **about):
    """The frames of runs of one task: 3 units, 64 features, 5 classes."""
    transfer, runs = [], []
    for place, ((strategy, depth), accuracy) in enumerate(accuracies.items()):
        for seed in seeds:
            cell = {
                "experiment_id": "x",
                "run_id": f"{strategy}{depth}{seed}{about}",
                "backbone": "net",
                "dataset": "data",
                "budget": "50",
            }
            cell |= {"strategy": strategy, "frozen_depth": depth, "seed": seed, "n_units": 3} | about
            noise = (NOISE if place % 2 else OTHER)[seed]
            row = {"unit": depth, "metric": "test_accuracy", "value": accuracy + noise, "n_images": 500, "reason": ""}
            transfer.append(cell | row | {"n_features": 0})
            runs.append(
                {"experiment_id": "x", "run_id": cell["run_id"],
                 "weights": "random" if strategy == "from_scratch" else "pretrained",
                 "training": "", "settings": "", "n_classes": 5}
            )  # fmt: skip
            if strategy == "linear_probe":
                transfer += [
                    cell
                    | {
                        "unit": unit,
                        "metric": "logme",
                        "value": value,
                        "n_images": n_train,
                        "n_features": 64,
                        "reason": "",
                    }
                    for unit, value in enumerate(logme, start=1)
                ]
    return pd.DataFrame(transfer), pd.DataFrame(runs).astype({"n_classes": "Int64"})


FAR = {
    ("linear_probe", 3): 0.5,
    ("partial_fine_tuning", 2): 0.8,
    ("full_fine_tuning", 0): 0.7,
    ("from_scratch", 0): 0.4,
}


def test_the_recommended_cell_is_graded_against_the_best_tie_group():
    (row,) = grades(*home(FAR, [0.1, 0.3, 0.2])).to_dict("records")
    assert (row["strategy"], row["frozen_depth"], row["quadrant"]) == ("partial_fine_tuning", 2, "little data, far")
    assert row["evidence"] == pytest.approx(2 * 40 * 4 * 0.1)
    assert (row["verdict"], row["cells"], row["tied"], row["seeds"]) == ("right", 4, 1, 6)
    assert row["regret"] == 0
    assert row["full_regret"] == pytest.approx(0.1)
    assert row["probe_regret"] == pytest.approx(0.3)


def test_dozens_of_other_cells_excuse_no_wrong_advice():
    # 40 more cells as good as the worst: they are compared with the best, and not with each other.
    many = FAR | {(f"other {place}", 0): 0.4 for place in range(40)}
    (row,) = grades(*home(many, [0.1, 0.2, 0.3])).to_dict("records")
    assert (row["strategy"], row["verdict"], row["cells"], row["tied"]) == ("linear_probe", "wrong", 44, 1)


def test_a_recommended_cell_with_too_few_seeds_is_not_decided():
    transfer, runs = home(FAR, [0.1, 0.3, 0.2])
    few = (transfer["strategy"] == "partial_fine_tuning") & (transfer["seed"] > 2)
    (row,) = grades(transfer[~few], runs).to_dict("records")
    assert (row["run_strategy"], row["best_strategy"], row["verdict"]) == (
        "partial_fine_tuning", "full_fine_tuning", "undecided",
    )  # fmt: skip


def test_wrong_advice_is_called_wrong_and_costs():
    # LogME says that the last unit is best: the probe is recommended, and it is 30 points below.
    (row,) = grades(*home(FAR, [0.1, 0.2, 0.3])).to_dict("records")
    assert (row["strategy"], row["verdict"]) == ("linear_probe", "wrong")
    assert row["regret"] == pytest.approx(0.3)


def test_a_depth_that_was_not_run_is_graded_by_the_nearest():
    (row,) = grades(*home(FAR, [0.3, 0.2, 0.1])).to_dict("records")
    assert (row["frozen_depth"], row["run_strategy"], row["run_depth"]) == (1, "full_fine_tuning", 0)
    without = {cell: value for cell, value in FAR.items() if cell[0] != "partial_fine_tuning"}
    (row,) = grades(*home(without, [0.3, 0.2, 0.1])).to_dict("records")
    assert (row["verdict"], row["run_strategy"], pd.isna(row["run_depth"]), pd.isna(row["regret"])) == (
        "not run", "", True, True,
    )  # fmt: skip


def test_few_seeds_decide_nothing_and_random_starts_are_no_transfer():
    (row,) = grades(*home(FAR, [0.1, 0.3, 0.2], seeds=range(3))).to_dict("records")
    assert (row["verdict"], row["tied"]) == ("undecided", 4)
    transfer, runs = home(FAR, [0.1, 0.3, 0.2])
    assert grades(transfer, runs.assign(weights="random")).empty


def test_ways_of_training_are_tasks_of_their_own_and_settings_do_not_mix():
    transfer, runs = home(FAR, [0.1, 0.3, 0.2])
    other_transfer, other_runs = home(FAR, [0.1, 0.3, 0.2], pooling="x")
    other = other_runs.assign(training="learning_rate=0.005")
    both = grades(pd.concat([transfer, other_transfer]), pd.concat([runs, other]))
    assert both["training"].tolist() == ["", "learning_rate=0.005"]
    set_otherwise = other_runs.assign(settings="rank=4")
    one = grades(pd.concat([other_transfer.assign(value=0.0), transfer]), pd.concat([set_otherwise, runs]))
    assert one["best_accuracy"].tolist() == [pytest.approx(0.8)]


def test_a_run_that_two_experiments_share_is_counted_once_in_each_way_of_training():
    transfer, runs = home(FAR, [0.1, 0.3, 0.2])
    twice = [frame.assign(experiment_id=name) for name in "xy" for frame in (transfer, runs)]
    same = grades(pd.concat(twice[::2]), pd.concat(twice[1::2]))
    assert (len(same), same["seeds"].tolist()) == (1, [6])
    named = grades(pd.concat(twice[::2]), pd.concat([twice[1], twice[3].assign(training="epochs=3")]))
    assert named["training"].tolist() == ["", "epochs=3"]


def test_the_record_counts_what_was_run_and_what_was_decided():
    right, wrong = grades(*home(FAR, [0.1, 0.3, 0.2])), grades(*home(FAR, [0.1, 0.2, 0.3]))
    few = grades(*home(FAR, [0.1, 0.3, 0.2], seeds=range(3)))
    found = record(pd.concat([right, wrong, few]))
    assert (found.graded, found.decided, found.right) == (3, 2, 1)
    few_regret = few["regret"].iloc[0]
    assert found.regret == pytest.approx((0 + 0.3 + few_regret) / 3)
    assert set(found.rivals) == {"full_fine_tuning", "linear_probe"}


def test_the_frame_has_its_columns_also_when_nothing_was_run(tmp_path):
    from engine.frames import NAMES, Frames
    from engine.store import Store

    empty = Frames(Store(tmp_path)).frame("advice")
    assert "advice" in NAMES
    assert empty.empty
    assert {name: str(kind) for name, kind in empty.dtypes.items()} == COLUMNS
    assert adviser_grades.record(empty).graded == 0
