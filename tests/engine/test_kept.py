"""What a network still knows of other tasks: the source by its own classifier, else probes on tasks that need no download."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from engine import backbones, execute, kept, networks, plan, source_task
from engine.caches import Caches
from engine.device import cpu
from engine.errors import DatasetError, SpecError
from engine.events import Event, ForgettingMeasured, FreezeChecked, Interpolated
from engine.spec import ExperimentSpec, RunSpec, TrainSpec

FEW = {"LABELS": 30, "IMAGES": 40, "SOURCE_IMAGES": 20}


@pytest.fixture(autouse=True)
def small_tasks(monkeypatch):
    """Few images: these tests are about which numbers are compared, not how sure they are."""
    for name, n in FEW.items():
        monkeypatch.setattr(kept, name, n)


@pytest.fixture(scope="session")
def caches() -> Caches:
    """What runs of one worker share."""
    return Caches()


@pytest.fixture
def run(tiny, colours):
    def make(strategy: str = "full_fine_tuning", depth: int = 0, **changes: object) -> RunSpec:
        train = TrainSpec(epochs=1, batch_size=8, precision="float32", learning_rate=0.05)
        plain = {"seed": 0, "label_budget": 21, "measures": ("forgetting",), "train": train}
        data = changes.pop("dataset", f"folder:{colours}")
        return RunSpec(tiny, data, strategy, depth, **{**plain, **changes})

    return make


def events_of(spec: RunSpec, **options: object) -> list[Event]:
    return [item for item in execute.execute(spec, cpu(), **options) if isinstance(item, Event)]


def forgotten(events: list[Event]) -> list[ForgettingMeasured]:
    return [event for event in events if isinstance(event, ForgettingMeasured)]


@pytest.fixture
def pretrained(run, tmp_path):
    """`run:ID` of a run that learned the colours, backbone and classifier, and kept them in `tmp_path`."""
    spec = run("linear_probe", 4, keep_weights=True, measures=())
    assert next(one for one in events_of(spec, home=tmp_path) if one.kind == "tested").accuracy > 0.5
    return f"run:{spec.run_id}"


def test_held_tasks_are_probed_before_and_after_with_values_before_shared(run, caches):
    first, second = (forgotten(events_of(run(seed=seed), shared=caches)) for seed in (0, 1))
    assert [(one.task, one.measure, one.n_images, one.n_labels) for one in first] == [
        (task, "probe_accuracy", 40, 30) for task in ("shapes:0", "textures")
    ]
    assert [one.before for one in first] == [one.before for one in second]
    assert all(0 <= value <= 1 for one in (*first, *second) for value in (one.before, one.after))
    assert [one.after for one in first] != [one.before for one in first], "training at this rate changes every feature"
    assert len(caches.kept) == 2
    # the value before training is the one of the untouched network, whatever the run does to its own
    probe = forgotten(events_of(run("linear_probe", 4), shared=Caches()))
    assert [one.before for one in probe] == [one.before for one in first]


def test_what_does_not_touch_the_backbone_forgets_nothing_by_definition(run, caches):
    for strategy, depth in (("linear_probe", 4), ("head2toe", 4)):
        found = forgotten(events_of(run(strategy, depth), shared=caches))
        assert [one.after - one.before for one in found] == [0.0, 0.0]
        assert all("by definition" in one.reason for one in found)


def test_running_statistics_that_move_are_a_change(run, caches):
    events = events_of(run("moving_statistics", 3), shared=caches)
    assert next(one for one in events if isinstance(one, FreezeChecked)).changed
    assert all(one.reason == "" for one in forgotten(events))


def test_random_weights_have_nothing_to_forget(run, caches):
    for one in (run("from_scratch"), run(weights="random"), run(copied_depth=2)):
        (found,) = forgotten(events_of(one, shared=caches))
        assert (found.task, found.measure, found.before, found.after) == ("", "", None, None)
        assert "nothing to forget" in found.reason or "know nothing" in found.reason


def test_the_source_is_asked_with_its_own_classifier(run, pretrained, colours, tmp_path):
    spec = run(dataset="noise", label_budget=40, weights=pretrained, source_data=f"folder:{colours}", seed=3)
    (found,) = forgotten(events_of(spec, home=tmp_path))
    assert (found.task, found.measure, found.n_labels) == (f"folder:{colours}", "source_accuracy", 0)
    assert found.reason == ""
    # worked out anew: the classifier of the file on the features of the network before training
    network, _ = networks.build_network(spec, pretrained, tmp_path)
    head = kept.source_head(network, spec.backbone, pretrained, tmp_path)
    images = Caches().load(found.task, backbones.card(spec.backbone), tmp_path)
    test = (images.parts == "test").nonzero()[0]
    pixels = kept.Pixels.on(torch.device("cpu"), images.pixels, images.labels, (0.5,) * 3, (0.25,) * 3)
    hits = head.probabilities(kept.embedded(network, pixels, test)).argmax(1) == images.labels[test]
    assert found.n_images == len(test)
    assert found.before == pytest.approx(hits.mean())
    assert found.after <= 1


def test_images_that_are_not_the_sources_are_refused_and_held_tasks_probed_instead(run, pretrained, tmp_path):
    other = run(dataset="noise", label_budget=40, weights=pretrained, source_data="colours")  # ten hues: ten classes
    first, *held = forgotten(events_of(other, home=tmp_path))
    assert (first.before, first.after) == (None, None)
    assert first.reason == "colours has 10 classes and the source's classifier 3"
    assert [one.task for one in held] == ["shapes:0", "textures"]


def test_a_classifier_that_guesses_is_no_classifier_of_these_images(run, pretrained, colours, tmp_path, monkeypatch):
    def turned(*given: object) -> kept.SourceHead:
        head = kept_head(*given)
        return dataclasses.replace(head, weight=head.weight * 0, bias=head.bias * 0)

    kept_head = kept.source_head
    monkeypatch.setattr(kept, "source_head", turned)
    spec = run(dataset="noise", label_budget=40, weights=pretrained, source_data=f"folder:{colours}")
    first, *held = forgotten(events_of(spec, home=tmp_path))
    assert "no better than guessing among 3 classes" in first.reason
    assert len(held) == 2


def test_without_a_classifier_the_reason_is_given(run, caches, colours):
    found = forgotten(events_of(run(dataset="noise", label_budget=40, source_data=f"folder:{colours}"), shared=caches))
    assert "come without a source classifier" in found[0].reason
    assert len(found) == 3


def test_every_step_between_two_weights_is_asked_too(run, caches):
    events = events_of(run("wise_ft", settings={"steps": 2}), shared=caches)
    line = [one for one in events if isinstance(one, Interpolated)]
    assert [set(one.kept["probe_accuracy"]) for one in line] == [{"shapes:0", "textures"}] * 3
    before = {one.task: one.before for one in forgotten(events)}
    assert line[0].kept["probe_accuracy"] == before
    silent = events_of(run("wise_ft", settings={"steps": 2}, measures=()), shared=caches)
    assert all(one.kept == {} for one in silent if isinstance(one, Interpolated))
    assert [one.validation_accuracy for one in silent if isinstance(one, Interpolated)] == [
        one.validation_accuracy for one in line
    ], "asking changes nothing"


def test_asking_changes_nothing_in_the_run(run, caches):
    asked, not_asked = (events_of(run(measures=measures), shared=caches) for measures in (("forgetting",), ()))
    assert [one.body() for one in asked if not isinstance(one, ForgettingMeasured)] == [one.body() for one in not_asked]


def test_what_the_shipped_backbones_learned_from_is_known_and_used_where_it_is_here(monkeypatch):
    card = backbones.card("resnet20_cifar10")
    assert source_task.named(card) == "cifar10"
    assert source_task.named(dataclasses.replace(card, source_data="ImageNet-21k, then ImageNet-1k")) is None
    assert source_task.here(card, "pretrained", None) is None, "not on this machine"
    monkeypatch.setattr(source_task, "installed", lambda name, home: True)
    assert source_task.here(card, "pretrained", None) == "cifar10"
    assert source_task.here(card, "random", None) is None
    assert source_task.here(card, "run:0123456789abcdef", None) is None
    assert source_task.installed("shapes:0", None)


def test_source_data_that_cannot_be_used_are_refused_before_anything_runs(colours):
    def asked(**changes: object) -> ExperimentSpec:
        return ExperimentSpec(measures=("forgetting",), label_budgets=(50,), seeds=(0,), **changes)

    with pytest.raises(SpecError, match="nothing asks for it: add 'forgetting'"):
        ExperimentSpec(source_data="cifar10")
    with pytest.raises(DatasetError, match=r"cifar10 is not on this machine.*engine fetch cifar10"):
        plan.plan(asked(source_data="cifar10"))
    with pytest.raises(SpecError, match="is the target task"):
        plan.plan(asked(source_data="digits"))
    (one, *_) = plan.plan(asked(source_data=f"folder:{colours}"))
    assert one.run.source_data == f"folder:{colours}"
