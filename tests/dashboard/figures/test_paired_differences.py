from collections.abc import Callable

import pandas as pd
import pytest

from dashboard.figures import accuracy_comparison, paired_differences
from dashboard.figures.paired_differences import choices

Make = Callable[..., pd.DataFrame]
GAINS = [0.10, 0.11, 0.12, 0.13, 0.14, 0.12]
NOISE = [0.02, -0.02, 0.02, -0.02, 0.02, -0.02]
SIX = {
    ("from_scratch", 0): dict(enumerate([0.50, 0.52, 0.48, 0.51, 0.49, 0.50])),
    ("linear_probe", 4): {seed: value + GAINS[seed] for seed, value in enumerate([0.50, 0.52, 0.48, 0.51, 0.49, 0.50])},
    ("full_fine_tuning", 0): {
        seed: value + NOISE[seed] for seed, value in enumerate([0.50, 0.52, 0.48, 0.51, 0.49, 0.50])
    },
}


def test_rows_are_the_differences_by_hand(transfer_curve: Make) -> None:
    """Over seeds 0, 1, 2: full fine-tuning - from scratch .30 .27 .24; partial .40 .36 .32; probe .10 .06 .05."""
    drawn = paired_differences(transfer_curve())
    assert drawn.title == "Gain over training from scratch"
    assert drawn.table["strategy"].tolist() == ["partial_fine_tuning", "full_fine_tuning", "linear_probe"]
    assert drawn.table["mean_points"].tolist() == pytest.approx([36, 27, 7])
    assert drawn.table["differences_points"].iloc[1] == "30.00, 27.00, 24.00"
    # sd 3, half width 4.302653 * 3 / sqrt(3)
    assert drawn.table["low_points"].iloc[1] == pytest.approx(27 - 7.452413, abs=1e-5)
    assert not drawn.table["claim"].any()
    dots = [(y, round(x, 6)) for t in drawn.figure.data if t.marker.size == 6 for x, y in zip(t.x, t.y, strict=True)]
    assert {(0, 40.0), (1, 30.0), (2, 5.0)} <= set(dots)
    assert "3 pairs: exploring, no claim below 6" in drawn.figure.layout.title.subtitle.text
    assert drawn.reading.startswith("Exploring: no claim from fewer than 6 pairs.")


def test_the_word_gain_needs_a_control(transfer_curve: Make) -> None:
    rival = paired_differences(transfer_curve(), control=("full_fine_tuning", 0))
    assert rival.title == "Difference from full fine-tuning"
    assert "gain" not in (rival.alt + rival.reading).lower()
    probe = paired_differences(transfer_curve(), control=("linear_probe", 4))
    assert probe.title == "Gain over the linear probe"
    no_control = {key: value for key, value in SIX.items() if key[0] == "full_fine_tuning"}
    none = paired_differences(transfer_curve({**no_control, ("partial_fine_tuning", 2): {0: 0.5}}))
    assert none.title.startswith("Difference from")


def test_claims_are_filled_and_said_and_the_others_are_not(transfer_curve: Make) -> None:
    drawn = paired_differences(transfer_curve(SIX))
    assert drawn.table["claim"].tolist() == [True, False]
    fills = [t.marker.color[0] for t in drawn.figure.data if t.marker.size == 11]
    assert fills.count("#ffffff") == 2  # both traces of the one cell that claims nothing
    assert (
        "Above training from scratch: the linear probe +12.0. Not told apart from it: full fine-tuning +0.0"
        in drawn.reading
    )
    assert "Holm over 2 comparisons" in drawn.reading
    assert "more seeds would resolve 1 point" in drawn.reading
    assert drawn.table["low_bca_points"].notna().all()


def test_each_series_has_its_own_control(transfer_curve: Make) -> None:
    frame = pd.concat([transfer_curve(), transfer_curve(dataset="noise")])
    drawn = paired_differences(frame)
    assert len(drawn.table) == 6
    assert drawn.table.groupby("dataset")["mean_points"].max().tolist() == pytest.approx([36, 36])
    assert "noise" in drawn.figure.layout.yaxis.ticktext[1]


def test_nothing_and_one_cell_say_what_will_appear(transfer_curve: Make) -> None:
    for frame in (transfer_curve().iloc[:0], transfer_curve({("linear_probe", 4): {0: 0.4}})):
        drawn = paired_differences(frame)
        assert drawn.reading.startswith("Nothing to compare yet")
        assert drawn.table.empty


def test_names_are_data(transfer_curve: Make, nasty: str, texts: Callable) -> None:
    frame = pd.concat([transfer_curve(dataset=nasty), transfer_curve()])
    sent = texts(paired_differences(frame).figure)
    assert nasty not in sent
    assert "&lt;b&gt;my&lt;/b&gt;" in sent


def test_controls_come_first_among_the_choices(transfer_curve: Make) -> None:
    assert choices(transfer_curve()) == [
        ("from_scratch", 0), ("linear_probe", 4), ("full_fine_tuning", 0), ("partial_fine_tuning", 2)
    ]  # fmt: skip


def test_a_control_without_a_result_is_waited_for(transfer_curve: Make) -> None:
    drawn = paired_differences(transfer_curve(), control=("lora", 0))
    assert drawn.table.empty
    assert drawn.reading.startswith("Nothing to compare yet")


def test_ties_are_letters_from_six_seeds_on(transfer_curve: Make) -> None:
    drawn = accuracy_comparison(transfer_curve(SIX))
    assert drawn.table.set_index("strategy")["ties"].to_dict() == {
        "linear_probe": "a", "full_fine_tuning": "b", "from_scratch": "b"
    }  # fmt: skip
    assert "tie b" in drawn.figure.layout.yaxis.ticktext[1]
    few = accuracy_comparison(transfer_curve())
    assert set(few.table["ties"]) == {""}
    assert "exploring: no claim below 6 seeds" in few.figure.layout.title.subtitle.text


def test_the_controls_are_those_of_the_engine() -> None:
    from dashboard.figures._differences import CONTROLS, OWN_HEAD
    from engine.strategies import STRATEGIES

    assert {*CONTROLS, OWN_HEAD} == {one.name for one in STRATEGIES if one.control}


def test_what_labels_add_is_a_gain_over_zero_shot(transfer_curve: Make) -> None:
    rows = transfer_curve({**SIX, ("zero_shot", 4): dict.fromkeys(range(6), 0.45)})
    assert choices(rows)[:3] == [("from_scratch", 0), ("linear_probe", 4), ("zero_shot", 4)]
    assert paired_differences(rows, control=("zero_shot", 4)).title == "Gain over zero-shot"
