"""The table of strategies against one worked out by hand: means, intervals, what ties, cost, and what is refused."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from engine.errors import SpecError
from engine.mixes import unfair
from engine.strategy_table import COLUMNS, label, markdown, strategy_table

T5 = 2.5705818  # Student t, 5 degrees of freedom, 97.5 %


def runs(*cells: tuple[str, str, int, list[float]], **changes: object) -> pd.DataFrame:
    """Finished runs: (backbone, strategy, frozen depth, accuracy of every seed)."""
    rows = [
        {
            "run_id": f"{backbone}-{strategy}-{depth}-{seed}",
            "backbone": backbone,
            "dataset": "digits",
            "budget": "50",
            "weights": "random" if strategy == "from_scratch" else "pretrained",
            "strategy": strategy,
            "frozen_depth": depth,
            "seed": seed,
            "state": "finished",
            "test_accuracy": accuracy,
            "test_n": 790,
            "seconds": 2.0 + seed,
            "trainable_parameters": 1290,
            **changes,
        }
        for backbone, strategy, depth, accuracies in cells
        for seed, accuracy in enumerate(accuracies)
    ]
    return pd.DataFrame(rows)


HIGH, LOW = [0.80, 0.82, 0.84, 0.80, 0.82, 0.84], [0.50, 0.51, 0.55, 0.50, 0.52, 0.54]


def test_a_table_by_hand():
    table = strategy_table(
        runs(
            ("resnet20_cifar10", "linear_probe", 10, LOW),
            ("resnet20_cifar10", "lora", 0, HIGH),
            ("vit_cifar10", "linear_probe", 7, LOW[:1]),
        )
    )
    assert list(table.columns) == COLUMNS
    lora, probe, vit = table.to_dict("records")
    assert (lora["strategy"], probe["strategy"], vit["backbone"]) == ("lora", "linear_probe", "vit_cifar10")
    # mean .82; deviations -.02, 0, .02 twice: sd = sqrt(.0016 / 5); half = t sd / sqrt(6)
    half = T5 * math.sqrt(0.0016 / 5) / math.sqrt(6) * 100
    assert lora["mean_percent"] == pytest.approx(82.0)
    assert lora["low_percent"] == pytest.approx(82.0 - half, abs=1e-4)
    assert lora["high_percent"] == pytest.approx(82.0 + half, abs=1e-4)
    assert lora["interval"] == "Student t over seeds"
    assert lora["seconds"] == 4.5
    assert lora["trained_parameters"] == 1290
    assert (lora["below_best"], probe["below_best"]) == (False, True)  # 30 points apart in every pair
    assert (vit["seeds"], vit["interval"]) == (1, "Wilson over images")
    assert pd.isna(vit["below_best"])


def test_what_cannot_be_told_apart_is_not_below_the_best():
    close = [value + (0.01 if seed % 2 else -0.01) for seed, value in enumerate(HIGH)]
    table = strategy_table(runs(("net", "lora", 0, HIGH), ("net", "dora", 0, close)))
    assert table["below_best"].tolist() == [False, False]


def test_five_seeds_support_no_claim():
    table = strategy_table(runs(("net", "lora", 0, HIGH[:5]), ("net", "linear_probe", 4, LOW[:5])))
    assert table["below_best"].isna().all()
    assert "exploring: no claim below 6 seeds" in markdown(table)


def test_a_run_of_two_attempts_or_experiments_counts_once_and_what_did_not_finish_not_at_all():
    found = runs(("net", "lora", 0, HIGH))
    stopped = runs(("net", "dora", 0, HIGH), state="stopped")
    table = strategy_table(pd.concat([found, found, stopped]))
    assert table["seeds"].tolist() == [6]
    assert table["strategy"].tolist() == ["lora"]


def test_markdown_by_hand():
    text = markdown(
        strategy_table(
            runs(
                ("resnet20_cifar10", "linear_probe", 10, LOW),
                ("resnet20_cifar10", "partial_fine_tuning", 4, HIGH),
                ("vit_cifar10", "linear_probe", 7, LOW),
                ("vit_cifar10", "vpt_deep", 0, HIGH),
            )
        )
    )
    lines = text.splitlines()
    assert lines[0] == (
        "| strategy | resnet20_cifar10: test accuracy (%) | time (s) | trained"
        " | vit_cifar10: test accuracy (%) | time (s) | trained |"
    )
    assert lines[1] == "|" + "---|" * 7
    assert lines[2] == "| Frozen depth 4 | **82.0** (80.1 to 83.9) | 4.5 | 1,290 |  |  |  |"
    assert lines[3] == "| Linear probe | 52.0 (49.8 to 54.2) | 4.5 | 1,290 | 52.0 (49.8 to 54.2) | 4.5 | 1,290 |"
    assert lines[4] == "| Prompt tuning, deep |  |  |  | **82.0** (80.1 to 83.9) | 4.5 | 1,290 |"
    assert lines[6] == (
        "Mean test accuracy over 6 seeds; 95 % interval: Student t over seeds; bold: not told apart from the best of its"
        " backbone (paired t, Holm); time: of one run on the machine that ran it; trained: parameters that train, head included."
    )


def test_mixes_cost_what_their_runs_cost_and_say_what_they_are_made_of():
    """Six soups of two runs of their seed each; three merges of two seeds each, with the highest mean but too few for a claim."""
    frame = runs(("net", "mixup", 0, LOW), ("net", "cutmix", 0, LOW), ("net", "lora", 0, LOW), settings="")
    frame["run_id"] = [f"{place:016x}" for place in range(len(frame))]
    ids = {(row.strategy, row.seed): row.run_id for row in frame.itertuples()}
    soup = runs(("net", "soup", 0, HIGH), trainable_parameters=10).assign(
        settings=[f"runs={ids['mixup', seed]}, {ids['cutmix', seed]}" for seed in range(6)]
    )
    merged = runs(("net", "adapter_merging", 0, [0.9] * 6), trainable_parameters=10)
    merged = merged[merged["seed"] % 2 == 0].assign(
        settings=[f"runs={ids['lora', seed]}, {ids['lora', seed + 1]}, share=0.25" for seed in (0, 2, 4)]
    )
    table = strategy_table(pd.concat([frame, soup, merged], ignore_index=True))
    by = table.set_index("strategy")
    # a run takes 2 + seed seconds: a soup three such, a merge its own (seeds 0, 2, 4) and those of its pair
    assert by.loc["soup", "seconds"] == pytest.approx(3 * 4.5)
    assert by.loc["adapter_merging", "seconds"] == pytest.approx(4.0 + (5 + 9 + 13) / 3)
    assert by.loc["soup", "trained_parameters"] == 1290
    assert by.loc[["soup", "adapter_merging", "lora"], "mixed_runs"].tolist() == [2, 2, 0]
    assert by.loc[["soup", "adapter_merging", "lora"], "mixed_seeds"].tolist() == [1, 2, 0]
    assert pd.isna(by.loc["adapter_merging", "below_best"])
    assert by.loc[["soup", "lora"], "below_best"].tolist() == [False, True], "the best of those that support a claim"
    text = markdown(table)
    assert "| Merged adapters | 90.0 (90.0 to 90.0, n = 3) | 13.0 | 1,290 |" in text
    assert "Soup of runs: each of 2 runs of one seed, on the same labels; time and parameters" in text
    assert "Merged adapters: each of 2 runs of 2 seeds, which have seen other labels each" in text


def test_mixes_of_several_seeds_have_seen_more_labels_and_it_is_said():
    frame = runs(("net", "lora", 0, LOW[:2]), settings="")
    frame["run_id"] = [f"{place:016x}" for place in range(2)]
    merged = runs(("net", "adapter_merging", 0, [0.9]), settings=f"runs={', '.join(frame['run_id'])}")
    (said,) = unfair(pd.concat([frame, merged], ignore_index=True))
    assert said.startswith("Merged adapters: each is made of the runs of 2 seeds")
    assert unfair(frame) == []


def test_the_time_of_a_mix_is_not_known_where_one_of_its_runs_is_not_there():
    soup = runs(("net", "soup", 0, [0.5]), settings="runs=00000000000000aa, 00000000000000ab")
    assert math.isnan(strategy_table(soup)["seconds"].iloc[0])


def test_runs_that_make_no_one_table_are_refused():
    with pytest.raises(SpecError, match="No run of this experiment has finished"):
        strategy_table(runs(("net", "lora", 0, HIGH), state="queued"))
    two = pd.concat([runs(("net", "lora", 0, HIGH)), runs(("net", "dora", 0, HIGH), dataset="shapes:1")])
    with pytest.raises(SpecError, match="on one dataset, and this experiment has 2: digits, shapes:1"):
        strategy_table(two)


def test_the_control_starts_from_random_weights_and_is_in_the_same_table():
    table = strategy_table(runs(("net", "lora", 0, HIGH), ("net", "from_scratch", 0, LOW)))
    assert table["strategy"].tolist() == ["lora", "from_scratch"]


def test_labels_are_those_of_the_registry():
    assert label("lora", 0) == "LoRA"
    assert label("partial_fine_tuning", 4) == "Frozen depth 4"
    assert label("of_a_later_version", 0) == "of_a_later_version"


def test_mistakes_are_shown_depth_by_depth_and_are_no_contestants():
    best = [value + 0.1 for value in HIGH]
    table = strategy_table(
        runs(
            ("net", "partial_fine_tuning", 3, HIGH), ("net", "moving_statistics", 3, best),
            ("net", "partial_fine_tuning", 6, LOW), ("net", "moving_statistics", 6, LOW),
        )
    )  # fmt: skip
    found = table.set_index(["strategy", "frozen_depth"])["below_best"]
    assert not found["partial_fine_tuning", 3]
    assert found["partial_fine_tuning", 6]
    assert found["moving_statistics"].isna().all()
    written = markdown(table)
    rows = [line.split("|")[1].strip() for line in written.splitlines() if "| " in line][1:]
    assert rows == [
        "Running statistics left on, frozen depth 3", "Frozen depth 3", "Frozen depth 6",
        "Running statistics left on, frozen depth 6",
    ]  # fmt: skip
    assert "is a mistake, shown to be compared with its proper twin, and no contestant" in written
