"""From a RunSpec to its events: in order, repeatable, honest about test images and frozen tensors."""

from __future__ import annotations

import copy
import dataclasses
import shutil

import numpy as np
import pytest
import torch

from engine import backbones, datasets, execute, limits, networks
from engine.backbones._weights import tensors_sha256
from engine.batches import Pixels
from engine.caches import Caches
from engine.control import Cancelled, Control
from engine.datasets import _load
from engine.device import cpu
from engine.errors import BackboneError, DatasetError, WeightsError
from engine.events import DepthMeasured, Diverged, EpochEnded, Event, FreezeChecked, Notice, Started
from engine.spec import MEASURES, RunSpec, TrainSpec

BUDGET = 21


@pytest.fixture
def run(tiny, colours):
    """A RunSpec on the tiny backbone."""

    def make(strategy: str = "partial_fine_tuning", depth: int = 2, **changes: object) -> RunSpec:
        train = TrainSpec(**{"epochs": 2, "batch_size": 8, "precision": "float32", **changes.pop("train", {})})
        plain = {"seed": 0, "label_budget": BUDGET, "weights": "pretrained", "measures": ("knn",), "train": train}
        return RunSpec(tiny, changes.pop("dataset", f"folder:{colours}"), strategy, depth, **{**plain, **changes})

    return make


def events_of(spec: RunSpec, **options: object) -> list[Event]:
    return [item for item in execute.execute(spec, cpu(), **options) if isinstance(item, Event)]


def kinds(events: list[Event]) -> list[str]:
    return [event.kind for event in events]


def of(kind: str, events: list[Event]) -> list:
    return [event for event in events if event.kind == kind]


def test_events_of_a_training_in_order(run):
    events = events_of(run(measures=MEASURES))
    assert kinds(events) == ["started", "epoch", "epoch", "epoch", "freeze", "tested", *["depth"] * 12]
    assert [(event.unit, event.metric) for event in of("depth", events)] == [
        (unit, metric) for unit in (1, 2, 3, 4) for metric in ("probe_accuracy", "knn_accuracy", "logme")
    ]
    assert [event.epoch for event in of("epoch", events)] == [0, 1, 2]


def test_events_of_a_linear_probe_in_order(run):
    events = events_of(run("linear_probe", 4, measures=MEASURES))
    assert kinds(events) == ["started", *["depth"] * 12, "freeze", "tested"]


def test_what_was_set_up_is_reported(run, colours):
    started = events_of(run())[0]
    assert isinstance(started, Started)
    assert started.unit_names == ["unit 1", "unit 2", "unit 3", "unit 4"]
    assert (started.n_train, started.n_validation, started.n_test) == (18, 3, 6)
    assert started.class_names == ["blue", "green", "red"]
    assert started.dataset_fingerprint == datasets.load(f"folder:{colours}", 12).fingerprint
    assert started.preprocessing["augmentation"] == "crop_flip"
    assert started.preprocessing["size"] == [3, 12, 12]
    assert started.precision == "float32"
    assert set(started.versions) >= {"torch", "timm", "numpy", "scikit-learn", "python", "transferscope", "sources"}


@pytest.mark.parametrize(("strategy", "depth"), [("partial_fine_tuning", 2), ("linear_probe", 4)])
def test_two_executions_give_the_same_events(run, strategy, depth):
    one, two = (events_of(run(strategy, depth)) for _ in range(2))
    assert [event.body() for event in one] == [event.body() for event in two]


def test_what_runs_share_changes_no_value(run):
    specs = [
        run("linear_probe", 4, measures=MEASURES),
        run(measures=MEASURES),
        run("partial_fine_tuning", 3),
        run(seed=1),
    ]
    shared = Caches()
    for spec in specs:
        together, alone = events_of(spec, shared=shared), events_of(spec)
        assert [event.body() for event in together] == [event.body() for event in alone]
    assert len(shared.images) == 1
    assert shared.depths


def test_only_the_last_depths_solution_is_kept(run):
    shared = Caches()
    events_of(run("linear_probe", 4), shared=shared)
    kept = {key[-3]: measured.solution for key, measured in shared.depths.items() if key[-2] == "linear_probe"}
    assert [unit for unit, solution in kept.items() if solution is not None] == [3]


@pytest.mark.parametrize(("strategy", "depth"), [("partial_fine_tuning", 2), ("linear_probe", 4)])
@pytest.mark.parametrize("augmentation", ["dataset", "crop_flip_colour"])
def test_images_in_a_mapped_file_give_the_events_of_images_in_memory(
    run, home, monkeypatch, strategy, depth, augmentation
):
    spec = run(strategy, depth, train={"epochs": 1, "augmentation": augmentation})
    plain = events_of(spec)
    monkeypatch.setattr(_load, "MAPPED_FROM", 1)
    monkeypatch.setenv(limits.MEMORY_VARIABLE, "1 KB")  # nothing may be decoded into memory
    shared = Caches()
    assert events_of(spec, home=home, shared=shared) == plain
    assert [images.mapped for images in shared.images.values()] == [True]
    assert events_of(spec, home=home) == plain  # now from the file that is there


def test_images_of_earlier_runs_give_way_where_memory_is_short(run, monkeypatch, colours):
    shared = Caches()
    monkeypatch.setenv(limits.MEMORY_VARIABLE, f"{2 * 36 * 12 * 12 * 3}")
    small = dataclasses.replace(backbones.card("resnet20_cifar10"), input_size=(3, 12, 12))
    for name in ("bilinear", "bicubic"):
        shared.load(f"folder:{colours}", dataclasses.replace(small, interpolation=name), None)
    assert len(shared.images) == 2
    shared.load(f"folder:{colours}", dataclasses.replace(small, interpolation="nearest"), None)
    assert [key[3] for key in shared.images] == ["bicubic", "nearest"]


def test_a_folder_that_changed_is_read_again(run, colours, tmp_path):
    copy_of = tmp_path / "copy"
    shutil.copytree(colours, copy_of)
    spec, shared = run("linear_probe", 4, dataset=f"folder:{copy_of}", label_budget=None), Caches()
    before = events_of(spec, shared=shared)[0]
    for name in ("a", "b"):
        shutil.copy(colours / "red" / "000.png", copy_of / "red" / f"{name}.png")
    after = events_of(spec, shared=shared)[0]
    assert after.dataset_fingerprint != before.dataset_fingerprint
    assert after.n_train + after.n_validation + after.n_test == 38


@pytest.mark.parametrize("measures", [MEASURES, ("knn",), ()])
def test_the_solved_head_is_the_probe_of_the_last_depth(run, measures):
    events = events_of(run("linear_probe", 4, measures=measures))
    (tested,) = of("tested", events)
    probes = [event for event in of("depth", events) if event.metric == "probe_accuracy"]
    assert len(probes) == (4 if "linear_probe" in measures else 0)
    if probes:
        assert tested.accuracy == probes[-1].value
        assert tested.n_images == probes[-1].n_images
        assert tested.validation_accuracy == probes[-1].detail["validation_accuracy"]
    assert tested.epoch == 0


def test_measures_are_of_the_selected_network_on_test_images(run):
    spec = run(measures=("knn",))
    work, items = execute.execute(spec, cpu()), []
    while True:
        try:
            items.append(next(work))
        except StopIteration as done:
            network = done.value
            break
    events = [item for item in items if isinstance(item, Event)]
    assert tensors_sha256(network.state_dict()) == of("tested", events)[0].weights_sha256
    assert all(event.n_images == 6 for event in of("depth", events))
    assert [event.n_features for event in of("depth", events)] == [8, 8, 12, 16]


@pytest.mark.parametrize("measures", [(), MEASURES])
def test_the_test_images_are_read_once_and_after_the_choice(run, monkeypatch, measures):
    seen = []
    original = Pixels.in_order

    def spy(pixels, indices, batch_size):
        seen.append(set(indices.tolist()))
        return original(pixels, indices, batch_size)

    monkeypatch.setattr(Pixels, "in_order", spy)
    spec = run(measures=measures)
    events_of(spec)
    test = set(np.flatnonzero(datasets.load(spec.dataset, 12, "bilinear").parts == "test").tolist())
    assert seen[-1] >= test
    assert not any(part & test for part in seen[:-1])


def test_resuming_repeats_no_event_and_ends_with_the_same(run):
    spec = run(train={"epochs": 3})
    whole = events_of(spec)
    events, state = [], None
    work = execute.execute(spec, cpu())
    for item in work:
        if isinstance(item, Event):
            events.append(item)
        elif item.epoch == 2:
            state = copy.deepcopy(item.state())
            break
    work.close()
    events += events_of(spec, resume=state)
    assert [event.body() for event in events] == [event.body() for event in whole]


def test_files_left_out_are_noticed(run, colours, tmp_path):
    damaged = tmp_path / "damaged"
    shutil.copytree(colours, damaged)
    (damaged / "red" / "broken.jpg").write_bytes(b"")
    events = events_of(run("linear_probe", 4, dataset=f"folder:{damaged}", measures=()))
    assert isinstance(events[1], Notice)
    assert "broken.jpg: the file is empty" in events[1].text


def test_a_divergence_keeps_the_curve_and_the_proof_and_tests_nothing(run):
    hopeless = {"learning_rate": 100, "weight_decay": 1, "epochs": 400, "schedule": "constant"}
    events = events_of(run(train=hopeless))
    assert kinds(events)[-2:] == ["diverged", "freeze"]
    assert isinstance(events[-2], Diverged)
    assert isinstance(events[-1], FreezeChecked)
    assert len(of("epoch", events)) >= 1
    assert of("tested", events) == []


def test_a_broken_freeze_is_named(run, monkeypatch):
    from engine import train

    original = train.fit

    def careless(task, resume=None):
        with torch.no_grad():
            task.network.get_buffer("units.0.1.running_mean").add_(1.0)
        return (yield from original(task, resume))

    monkeypatch.setattr(train, "fit", careless)
    (proof,) = of("freeze", events_of(run(measures=())))
    assert proof.changed == ["units.0.1.running_mean"]
    assert proof.before != proof.after


def test_stopping_acts_in_every_phase(run):
    for stop_at in ("preparing", "training", "testing", "reading features", "measuring depths"):
        control = Control()

        class Watch(type(control.progress)):
            def __setattr__(self, name, value, control=control, stop_at=stop_at):
                super().__setattr__(name, value)
                if name == "phase" and value == stop_at:
                    control.stop = True

        control.progress = Watch()
        with pytest.raises(Cancelled):
            events_of(run(), control=control)


def test_progress_ends_at_one(run):
    control = Control()
    shares = []
    for _ in execute.execute(run(), cpu(), control=control):
        shares.append(control.progress.done)
    assert shares == sorted(shares)
    assert control.progress.done == 1.0


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"weights": "file:/absent/w.safetensors"}, WeightsError, "There is no weights file"),
        ({"depth": 5}, BackboneError, "has 4 units"),
        ({"label_budget": 5}, DatasetError, "label budget of 5"),
        ({"dataset": "folder:/absent"}, DatasetError, "There is no folder"),
    ],
)
def test_what_cannot_be_computed_says_why(run, change, error, words):
    with pytest.raises(error, match=words):
        events_of(run(**change))


def test_random_weights_of_one_seed_are_the_same_for_every_strategy(run):
    first, _ = networks.build_network(run(), "random", None)
    second, origin = networks.build_network(run("from_scratch", 0), "random", None)
    other, _ = networks.build_network(dataclasses.replace(run(), seed=1), "random", None)
    assert tensors_sha256(first.state_dict()) == tensors_sha256(second.state_dict())
    assert tensors_sha256(first.state_dict()) != tensors_sha256(other.state_dict())
    assert origin == "random, seed 0"


def test_building_leaves_torchs_own_generator_alone(run):
    torch.manual_seed(3)
    wanted = torch.rand(3)
    torch.manual_seed(3)
    networks.build_network(run(), "random", None)
    assert torch.equal(torch.rand(3), wanted)


def test_epochs_carry_numbers_that_belong_together(run):
    for event in of("epoch", events_of(run(measures=()))):
        assert isinstance(event, EpochEnded)
        assert 0 <= event.validation_accuracy <= 1
        assert (event.train_loss is None) == (event.epoch == 0)
    assert all(isinstance(event.value, float) for event in events_of(run()) if isinstance(event, DepthMeasured))


def test_the_shipped_weights_load_with_their_checksum(tmp_path):
    from engine import backbones
    from engine.errors import WeightsError as Refused
    from engine.spec import RunSpec as Spec

    spec = Spec("resnet20_cifar10", "digits", "linear_probe", 10, 0)
    try:
        network, origin = networks.build_network(spec, "pretrained", tmp_path)
    except Refused as error:
        pytest.fail(f"the shipped weights do not load: {error}")
    assert backbones.card("resnet20_cifar10").weights_sha256[:12] in origin
    assert len(origin.split("sha256:")[1]) == 12
    assert network.n_units == backbones.card("resnet20_cifar10").n_units


@pytest.mark.parametrize("depth", [0, 2])
def test_the_shared_pass_gives_the_accuracy_of_a_pass_of_its_own(run, depth):
    shared, own = (of("tested", events_of(run(depth=depth, measures=asked)))[0] for asked in (MEASURES, ()))
    assert shared == own
