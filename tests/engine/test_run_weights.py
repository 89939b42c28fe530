"""Weights of one run as the start of another: all of them, or of the first units only."""

from __future__ import annotations

import pytest
import torch

from engine import execute, networks, run_weights
from engine.backbones._weights import tensors_sha256
from engine.device import cpu
from engine.errors import BackboneError, SpecError, WeightsError
from engine.events import Event, Started
from engine.spec import ExperimentSpec, RunSpec, TrainSpec


@pytest.fixture
def base(tiny, colours) -> RunSpec:
    train = TrainSpec(epochs=1, batch_size=8, precision="float32")
    return RunSpec(
        tiny, f"folder:{colours}", "from_scratch", 0, 0, 21, "random", (), train, keep_weights=True
    )  # fmt: skip


def network_of(spec: RunSpec, home):
    work = execute.execute(spec, cpu(), home=home)
    events = []
    while True:
        try:
            events.append(next(work))
        except StopIteration as done:
            return done.value, [event for event in events if isinstance(event, Event)]


def unit_hash(network, unit: int) -> str:
    return tensors_sha256(dict(network.unit_tensors(unit)))


def test_a_run_keeps_its_selected_weights_and_another_starts_from_them(base, home):
    learned, _ = network_of(base, home)
    spec = RunSpec(base.backbone, base.dataset, "linear_probe", 4, 0, 21, f"run:{base.run_id}", (), base.train)
    network, events = network_of(spec, home)
    assert tensors_sha256(network.backbone_state()) == tensors_sha256(learned.backbone_state())
    assert next(event.weights for event in events if isinstance(event, Started)).startswith(
        f"run {base.run_id} sha256:"
    )


def test_nothing_is_kept_unasked(base, home):
    import dataclasses

    network_of(dataclasses.replace(base, keep_weights=False), home)
    assert not (home / "weights").exists()


@pytest.mark.parametrize("depth", [0, 1, 3, 4])
def test_units_beyond_the_copied_depth_start_anew(base, home, depth):
    learned, _ = network_of(base, home)
    spec = RunSpec(
        base.backbone, base.dataset, "full_fine_tuning", 0, 0, 21, f"run:{base.run_id}", (), base.train, depth
    )  # fmt: skip
    network, origin = networks.build_network(spec, spec.weights, home)
    began, _ = networks.build_network(base, "random", home)
    for unit in range(network.n_units):
        assert (unit_hash(network, unit) == unit_hash(learned, unit)) == (unit < depth)
        # Not the base's own start either, from which it could find its way back.
        assert unit_hash(network, unit) != unit_hash(began, unit)
    assert origin.startswith(f"units 1 to {depth} from run {base.run_id}")


def test_building_anew_leaves_torchs_own_generator_alone(base, home):
    network_of(base, home)
    spec = RunSpec(base.backbone, base.dataset, "full_fine_tuning", 0, 0, 21, f"run:{base.run_id}", (), base.train, 1)
    torch.manual_seed(3)
    wanted = torch.rand(3)
    torch.manual_seed(3)
    networks.build_network(spec, spec.weights, home)
    assert torch.equal(torch.rand(3), wanted)


def test_weights_that_are_not_there_say_what_to_do(base, home):
    spec = RunSpec(base.backbone, base.dataset, "linear_probe", 4, 0, 21, "run:0123456789abcdef", (), base.train)
    for where in (home, None):
        with pytest.raises(WeightsError, match=r"has left no weights here\. It must finish first"):
            list(execute.execute(spec, cpu(), home=where))


def test_a_copied_depth_beyond_the_network_is_refused(base, home):
    spec = RunSpec(base.backbone, base.dataset, "full_fine_tuning", 0, 0, 21, "pretrained", (), base.train, 9)
    with pytest.raises(BackboneError, match="has 4 units"):
        list(execute.execute(spec, cpu(), home=home))


def test_the_files_of_a_home(home):
    assert run_weights.path(home, "abc") == home / "weights" / "abc.safetensors"


@pytest.mark.parametrize("weights", ["run:", "run:../../etc", "run:0123456789abcdeg", "run:0123456789ABCDEF", "run:12"])
def test_what_is_no_run_id_is_refused(weights):
    with pytest.raises(SpecError, match="'run:RUN_ID'"):
        ExperimentSpec(weights=weights)


def test_not_keeping_weights_is_no_part_of_an_identity():
    assert ExperimentSpec(keep_weights=False).experiment_id == ExperimentSpec().experiment_id
    assert ExperimentSpec(keep_weights=True).experiment_id != ExperimentSpec().experiment_id
    with pytest.raises(SpecError, match="true or false"):
        ExperimentSpec(keep_weights=1)
