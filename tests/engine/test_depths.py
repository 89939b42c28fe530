"""Measures of every depth in runs: all scores, refusals as events, poolings, the source head, what is shared."""

from __future__ import annotations

import numpy as np
import pytest

from engine import execute
from engine.caches import Caches
from engine.device import cpu
from engine.errors import BackboneError, ScoreNotDefined
from engine.events import DepthMeasured, Event, Started
from engine.features import extract
from engine.scores import SCORES
from engine.spec import ALL_MEASURES, RunSpec, TrainSpec

ALL_SCORES = tuple(name for name in ALL_MEASURES if name in SCORES)


@pytest.fixture
def run(tiny, colours):
    def make(strategy: str = "linear_probe", depth: int = 4, **changes: object) -> RunSpec:
        train = TrainSpec(epochs=1, batch_size=8, precision="float32")
        plain = {"seed": 0, "label_budget": 21, "weights": "pretrained", "measures": ("knn",), "train": train}
        return RunSpec(tiny, f"folder:{colours}", strategy, depth, **{**plain, **changes})

    return make


def events_of(spec: RunSpec, **options: object) -> list[Event]:
    return [item for item in execute.execute(spec, cpu(), **options) if isinstance(item, Event)]


def depths(events: list[Event]) -> dict[tuple[int, str], DepthMeasured]:
    return {(event.unit, event.metric): event for event in events if isinstance(event, DepthMeasured)}


def test_every_score_is_a_value_of_the_train_part_or_has_its_reason(run):
    found = depths(events_of(run(measures=ALL_SCORES)))
    hidden = [name for name in ALL_SCORES if SCORES[name].kind == "labelled"]
    assert {unit for unit, _ in found} == {1, 2, 3, 4}
    assert {metric for unit, metric in found if unit == 1} == {SCORES[name].metric for name in hidden}
    assert {metric for unit, metric in found if unit == 4} == {SCORES[name].metric for name in ALL_SCORES}
    for (_, metric), event in found.items():
        assert (event.value is None) == bool(event.detail.get("reason")), metric
    # 18 images of three classes: two for each of 15 Gaussians are not there.
    assert found[4, "nleep"].value is None
    assert "15 Gaussians" in found[4, "nleep"].detail["reason"]
    assert found[4, "leep"].detail["reason"].startswith("it needs the source task's classifier: ")
    assert found[2, "logme"].value is not None
    assert {"d", "rank"} <= found[2, "logme"].detail.keys()


def test_a_scores_value_is_that_of_the_features_themselves(run):
    spec = run(measures=("logme", "ncc", "transrate"))
    found = depths(events_of(spec))
    from engine.control import Control

    ready, *_ = execute.prepare(spec, cpu(), None, Control(), Caches())
    features = extract(ready.network, ready.pixels, ready.split.train, 256, Control()).units
    labels = ready.images.labels[ready.split.train]
    for (unit, metric), event in found.items():
        assert event.value == pytest.approx(SCORES[metric](features[unit - 1], labels), rel=1e-5)


def test_scores_of_the_source_head_are_refused_after_training(run):
    found = depths(events_of(run("full_fine_tuning", 0, measures=("leep",))))
    assert list(found) == [(4, "leep")]
    assert "training has changed" in found[4, "leep"].detail["reason"]


def test_the_shipped_backbone_has_its_source_scores_at_the_last_unit():
    spec = RunSpec("resnet20_cifar10", "digits", "linear_probe", 10, 0, 50, measures=("leep", "nce"))
    found = depths(events_of(spec))
    assert {unit for unit, _ in found} == {10}
    for event in found.values():
        assert -np.log(10) - 0.01 <= event.value < 0
        assert event.detail["source_classes"] == 10


def test_a_run_that_kept_its_weights_is_a_source_head(run, home):
    base = run("full_fine_tuning", 0, measures=(), keep_weights=True)
    list(execute.execute(base, cpu(), home=home))
    found = depths(events_of(run(weights=f"run:{base.run_id}", measures=("leep",)), home=home))
    assert found[4, "leep"].value is not None
    partly = run(weights=f"run:{base.run_id}", measures=("leep",), copied_depth=2)
    assert "random weights" in depths(events_of(partly, home=home))[4, "leep"].detail["reason"]


def test_pooling_is_recorded_and_leaves_the_networks_own_accuracy_alone(run):
    plain, cells = events_of(run(measures=("knn",))), events_of(run(measures=("knn",), pooling="adaptive_9k"))
    assert cells[0].pooling == "adaptive_9k"
    assert isinstance(plain[0], Started)
    assert depths(cells)[1, "knn_accuracy"].n_features == 8 * 12 * 12
    assert depths(plain)[1, "knn_accuracy"].n_features == 8
    tested = [next(event for event in events if event.kind == "tested") for events in (plain, cells)]
    assert tested[0] == tested[1]


def test_a_pooling_that_the_backbone_does_not_have_is_refused_with_advice(run):
    with pytest.raises(BackboneError, match=r"'class_token' is of a transformer's tokens.*use 'global_average'"):
        events_of(run(pooling="class_token"))


def test_features_that_are_no_numbers_are_refused_and_do_not_end_the_run(run, monkeypatch):
    from engine import depths as module

    def broken(*args, **options):
        found = extract(*args, **options)
        found.units[1][:] = np.nan
        found.units[2][:] = 7.0
        return found

    monkeypatch.setattr(module, "extract", broken)
    found = depths(events_of(run("partial_fine_tuning", 2, measures=("linear_probe", "knn", "ncc"))))
    for metric in ("probe_accuracy", "knn_accuracy", "ncc"):
        assert "NaN or infinity" in found[2, metric].detail["reason"]
        assert found[3, metric].detail["reason"] == "all samples have the same features"
        assert found[4, metric].value is not None


def test_test_images_of_a_frozen_backbone_pass_once_for_all_seeds_and_budgets(run, monkeypatch):
    from engine import depths as module

    passed = []

    def counted(network, pixels, indices, **options):
        passed.append(len(indices))
        return extract(network, pixels, indices, **options)

    monkeypatch.setattr(module, "extract", counted)
    shared = Caches()
    specs = [run(), run(seed=1), run(label_budget=15), run("partial_fine_tuning", 2)]
    together = [events_of(spec, shared=shared) for spec in specs]
    assert sorted(passed) == [6, 6, 15, 21, 21, 21]  # the trained network passes its own
    alone = [events_of(spec) for spec in specs]
    assert [[event.body() for event in events] for events in together] == [
        [event.body() for event in events] for events in alone
    ]


def test_a_probe_that_cannot_be_solved_ends_the_run_with_the_reason(run, monkeypatch):
    from engine import depths as module

    def constant(*args, **options):
        found = extract(*args, **options)
        found.units[-1][:] = 1.0
        found.embedded[:] = 1.0
        return found

    monkeypatch.setattr(module, "extract", constant)
    with pytest.raises(ScoreNotDefined, match="all samples have the same features"):
        events_of(run())


def test_heads_with_other_inputs_on_the_same_frozen_backbone_do_not_share_them(run):
    def tested(strategy: str, shared: Caches) -> list[Event]:
        return [one for one in events_of(run(strategy), shared=shared) if one.kind == "tested"]

    shared = Caches()
    for strategy in ("head2toe", "linear_probe"):
        assert tested(strategy, shared) == tested(strategy, Caches())


def test_measures_bring_intervals_where_the_run_asks_for_them(run):
    spec = run(measures=("knn", "logme", "ncc", "leep"), score_intervals=20)
    shared = Caches()
    events = events_of(spec, shared=shared)
    found = depths(events)
    plain = depths(events_of(run(measures=("knn", "logme", "ncc", "leep")), shared=shared))
    for place, event in found.items():
        assert event.value == plain[place].value
        assert (plain[place].low, plain[place].high, plain[place].interval) == (None, None, "")
    knn, logme = found[4, "knn_accuracy"], found[2, "logme"]
    assert knn.interval == "Wilson over test images"
    assert knn.low <= knn.value <= knn.high
    assert logme.interval == "random three quarters of every class of the training images, 20 resamples"
    assert logme.low < logme.high
    assert found[4, "leep"].interval == ""  # there is no value, and its reason says why
    # The same from what the worker remembers, and from the seed alone.
    assert [event.body() for event in events_of(spec, shared=shared)] == [event.body() for event in events]
    assert [event.body() for event in events_of(spec)] == [event.body() for event in events]


def test_an_interval_can_be_stopped_between_two_resamples(run):
    from engine.control import Cancelled, Control

    class Impatient(Control):
        steps = 0

        def step(self):
            self.steps += self.progress.phase == "measuring depths"
            if self.steps > 10:
                raise Cancelled

    control = Impatient()
    with pytest.raises(Cancelled):
        events_of(run(measures=("logme",), score_intervals=2_000), control=control)
    assert control.steps == 11


def test_with_one_training_image_a_class_what_is_tested_on_others_has_a_value(run):
    """Probe and kNN of one shot are measured on test images; a number of the training images alone would not see the labels."""
    found = depths(events_of(run(label_budget="1/class", measures=("linear_probe", "knn", "logme", "transrate"))))
    for metric in ("probe_accuracy", "knn_accuracy"):
        assert found[4, metric].value is not None
    for metric in ("logme", "transrate"):
        assert (
            found[4, metric].detail["reason"]
            == "each of the 3 samples is a class of its own, so the labels say nothing"
        )
