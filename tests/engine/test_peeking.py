import pandas as pd
import pytest

from engine import peeking


def curve(strategy: str, run: str, *validation: float) -> list[dict]:
    return [
        {"strategy": strategy, "run_id": run, "epoch": epoch, "split": split, "metric": "accuracy", "value": value}
        for epoch, value in enumerate(validation)
        for split in ("train", "validation")
    ]


def test_best_and_last_by_hand() -> None:
    """Epoch 0 (.9, before training) cannot be chosen. Gaps: a .1 and .0, b .2; over three runs .1."""
    learning = pd.DataFrame(
        curve("a", "1", 0.9, 0.5, 0.6, 0.5) + curve("a", "2", 0.1, 0.2, 0.3, 0.4) + curve("b", "3", 0.0, 0.8, 0.7, 0.6)
    )
    table = peeking.best_and_last(learning).set_index("strategy")
    assert list(table.index) == ["b", "a"]
    assert table.loc["a"].tolist() == pytest.approx([2, 0.5, 0.45, 0.05])
    assert table.loc["b", "gap"] == pytest.approx(0.2)
    said = peeking.sentence(learning, {"b": "Full fine-tuning"})
    assert said.startswith("The best epoch is 10.0 points above the last one")
    assert "3 runs (most: Full fine-tuning, 20.0)" in said
    assert said.endswith(peeking.CANNOT)


def test_without_a_choice_there_is_nothing_to_say() -> None:
    assert peeking.sentence(pd.DataFrame(curve("a", "1", 0.1, 0.5)), {}) == ""
    assert peeking.sentence(pd.DataFrame(columns=["strategy", "run_id", "epoch", "split", "metric", "value"]), {}) == ""
