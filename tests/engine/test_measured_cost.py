"""What a run took: operations by hand on a network of four convolutions, and that counting changes nothing."""

from __future__ import annotations

import pytest

from engine.control import Control
from engine.device import cpu
from engine.execute import execute
from engine.spec import RunSpec, TrainSpec

# One image of 12 x 12 through 3x3 convolutions 3-8, 8-8, 8-12, 12-16 without a stride: 2 * 144 * 9 * (24 + 64 + 96 + 192)
# operations, and a head 16 x 3.
UNITS = [2 * 144 * 9 * one for one in (24, 64, 96, 192)]
FORWARD = sum(UNITS) + 2 * 16 * 3


def _last(work):
    """What a generator returns."""
    found = []

    def through():
        found.append((yield from work))

    for _ in through():
        pass
    return found[0]


@pytest.fixture
def cost(tiny, colours):
    def of(strategy: str, depth: int = 0, epochs: int = 2, **changes: object) -> dict:
        train = TrainSpec(epochs=epochs, batch_size=8, precision="float32")
        control = Control()
        changes = {"seed": 0, "label_budget": 21, "measures": (), "train": train, **changes}
        run = RunSpec(tiny, f"folder:{colours}", strategy, depth, **changes)
        work = execute(run, cpu(), control=control)
        trained = _last(work)
        assert all(parameter.grad is None for parameter in trained.parameters())
        return control.progress.to_dict()["cost"]

    return of


def test_operations_by_hand(cost) -> None:
    """18 images train, 3 validate, 6 test. Backward: twice forward, but the first unit passes no gradient to the images."""
    full = cost("full_fine_tuning")
    each = FORWARD + 2 * FORWARD - UNITS[0]
    assert full["flops"] == 2 * (18 * each + 3 * FORWARD) + FORWARD * (3 + 6)
    frozen = cost("partial_fine_tuning", 2)
    each = FORWARD + 2 * (FORWARD - UNITS[0] - UNITS[1]) - UNITS[2]
    assert frozen["flops"] == 2 * (18 * each + 3 * FORWARD) + FORWARD * (3 + 6)
    assert cost("linear_probe", 4)["flops"] == FORWARD * 27


def test_memory_throughput_and_energy_are_there(cost) -> None:
    found = cost("full_fine_tuning")
    assert found["peak_memory_bytes"] > 50e6
    assert found["train_images_per_second"] > 0
    assert found["energy_joules"] > 0
    assert found["energy_source"] in ("RAPL", "NVML", "estimated")
    assert "train_images_per_second" not in cost("linear_probe", 4)


def test_what_a_strategy_reads_beside_the_training_counts(cost, tiny, colours) -> None:
    """LP-FT solves its first head on train and validation; WiSE-FT, too, and validates at 0, 0.1 ... 1."""
    plain = cost("full_fine_tuning")["flops"]
    assert cost("lp_ft")["flops"] == plain + FORWARD * (18 + 3)
    assert cost("wise_ft")["flops"] == plain + FORWARD * (18 + 3 + 11 * 3)

    settings = {"source": f"folder:{colours}", "images": 12}
    each = FORWARD + 2 * FORWARD - UNITS[0]  # EWC: a head from 12 images, then the gradients of each
    assert cost("ewc", settings=settings)["flops"] == plain + 12 * FORWARD + 12 * each
