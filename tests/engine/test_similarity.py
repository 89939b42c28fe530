"""CKA of every pair of units: as the score of two sets, whatever the batches; in runs before against after."""

from __future__ import annotations

import numpy as np
import pytest

from engine import execute
from engine.device import cpu
from engine.events import SimilarityMeasured
from engine.scores import SCORES
from engine.similarity import cka_matrix
from engine.spec import RunSpec, TrainSpec

cka = SCORES["cka"]


def units(n: int = 60, seed: int = 0) -> list[np.ndarray]:
    draws = np.random.default_rng(seed)
    first = draws.normal(size=(n, 6)) + 3.0
    return [first, first @ draws.normal(size=(6, 90)), draws.normal(size=(n, 4)) * 1e-3, first[:, :2] ** 2]


@pytest.mark.parametrize("batch", [60, 20, 25])
def test_as_the_score_of_each_pair(batch):
    one, two = units(), units(seed=1)[:3]
    values, reasons = cka_matrix(one, two, batch=batch)
    wanted = [[cka(a, b, batch=batch) for b in two] for a in one]
    np.testing.assert_allclose(values, wanted, atol=1e-9)
    assert not reasons


def test_a_network_with_itself_is_symmetric_with_ones():
    values, _ = cka_matrix(units(), units())
    np.testing.assert_allclose(np.diag(values), 1.0)
    np.testing.assert_allclose(values, np.transpose(values), atol=1e-12)


def test_what_has_no_value_has_its_reason():
    broken = [*units(), None, np.full((60, 3), 2.0), np.full((60, 3), np.nan)]
    values, reasons = cka_matrix(broken, units())
    assert values[4] == values[5] == values[6] == [None] * 4
    assert reasons["5,1"] == "a unit has no features, or they are not numbers"
    assert reasons["6,4"] == "a unit's features do not vary"
    assert len(reasons) == 12
    few, reasons = cka_matrix([np.eye(3)], [np.eye(3)])
    assert few == [[None]]
    assert "HSIC_1 needs 4" in reasons["1,1"]


def test_it_can_be_stopped_between_batches():
    class Enough(Exception):
        pass

    def stop():
        raise Enough

    with pytest.raises(Enough):
        cka_matrix(units(), units(), step=stop)


@pytest.mark.parametrize(("strategy", "depth"), [("partial_fine_tuning", 2), ("linear_probe", 4)])
def test_a_run_compares_its_units_before_and_after(tiny, colours, strategy, depth):
    train = TrainSpec(epochs=3, batch_size=8, precision="float32", learning_rate=0.1)
    spec = RunSpec(tiny, f"folder:{colours}", strategy, depth, 0, 27, measures=("cka_matrix",), train=train)
    *_, event = execute.execute(spec, cpu())
    assert isinstance(event, SimilarityMeasured)
    values = np.array(event.values, dtype=float)
    assert values.shape == (4, 4)
    np.testing.assert_allclose(np.diag(values)[:depth], 1.0)
    if depth < 4:
        assert (np.diag(values)[depth:] < 1 - 1e-6).all()
    assert event.n_images == 21
