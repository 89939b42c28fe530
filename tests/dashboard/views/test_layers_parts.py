"""Layers, its parts: while training, similarity, scoreboard and without training; empty, running, finished, failed."""

from __future__ import annotations

import dataclasses

import pandas as pd
import pytest

from dashboard.widgets.layers_panel import cost, planned_epochs
from engine import panel_plan, task_queue
from engine.events import DepthMeasured, PanelCost, PanelMeasured, SimilarityMeasured
from engine.spec import ExperimentSpec, TrainSpec

PARTS = {
    "training": "While training",
    "similarity": "Similarity",
    "scoreboard": "Scoreboard",
    "frozen": "Without training",
}
UNITS = [f"unit{place}" for place in range(1, 11)]


@pytest.fixture
def part(show):
    """Show one part of the page, as a link names it."""
    return lambda name, **query: show("layers", **{"layers-view": PARTS[name], **query})


def watched(small: ExperimentSpec) -> ExperimentSpec:
    return dataclasses.replace(
        small, name="Watched", strategies=("full_fine_tuning",), seeds=(0,), panel_epochs="every 2",
        measures=("linear_probe", "logme", "cka_matrix"), train=TrainSpec(epochs=4), controls=False,
    )  # fmt: skip


def panel_events(epoch: int):
    values = {"probe_accuracy": 0.5, "knn_accuracy": 0.4, "logme": -0.2, "drift": 0.05 * epoch, "weight_change": None}
    looks = [
        PanelMeasured(epoch, unit, name, values, {"weight_change": "the unit has no weights"}, 60)
        for unit, name in enumerate(UNITS, start=1)
    ]
    return [*looks, PanelCost(epoch, 60, "set", 0.5, 10.0 if epoch else None)]


@pytest.mark.parametrize(
    ("name", "offered"),
    [("training", "Train and watch"), ("similarity", "Compare their units"), ("scoreboard", "Try it now")],
)
def test_without_an_experiment_they_offer_what_they_need(name: str, offered: str, part) -> None:
    assert offered in [one.label for one in part(name).button]


def test_not_watched_says_how_to_switch_it_on(part, by_hand, small, words) -> None:
    by_hand.submit(small)
    app = part("training")
    assert "was not watched while it trained" in words(app)
    assert "The same in the Lab, watched" in words(app)


def test_the_panel_fills_in_and_the_slider_moves_the_curve(part, by_hand, small, charts, words) -> None:
    by_hand.submit(watched(small))
    assert "empty chart" in charts(part("training"))[0]
    by_hand.write(by_hand.claim(), *panel_events(0), *panel_events(2))
    app = part("training")
    assert "After epoch 2: 50, 50" in charts(app)[0]
    assert "1.0 s in 2 looks, 0.5 s each (median), 5 % of one epoch." in words(app)
    assert app.select_slider[0].options == ["before training", "after epoch 2", "after epoch 4"]
    app.select_slider[0].set_value(0).run()
    assert not app.exception
    assert "After epoch 2: 50" in charts(app)[0]
    assert charts(app)[0].count("Before training") == 1
    for metric in ("drift", "weight_change"):
        app.segmented_control(key="panel-metric").set_value(metric).run()
        assert not app.exception
    assert "the unit has no weights" in words(app)


def test_planned_epochs_are_those_asked_for_and_with_auto_those_seen(small) -> None:
    for asked in ("every 2", "every 7", (0, 3), (4, 2, 99), (1,)):
        spec = dataclasses.replace(small, panel_epochs=asked, train=TrainSpec(epochs=9))
        assert planned_epochs(spec, pd.DataFrame()) == sorted(panel_plan.epochs(spec.panel_epochs, 9))
    spec = dataclasses.replace(small, panel_epochs="auto")
    assert planned_epochs(spec, pd.DataFrame({"epoch": [0, 4, 4]})) == [0, 4]
    assert planned_epochs(spec, pd.DataFrame({"epoch": []})) == [0]


def test_the_cost_is_said_of_an_epoch_and_of_the_training_as_a_whole() -> None:
    places = [("cost_seconds", 0, 0.5), ("cost_seconds", 5, 0.25), ("cost_seconds", 10, 0.25)]
    places += [("cost_share", 5, 0.125), ("cost_share", 10, 0.125)]  # epochs of two seconds, ten of them
    rows = [{"run_id": "a", "unit": 0, "epoch": epoch, "metric": name, "value": value} for name, epoch, value in places]
    said = cost(pd.DataFrame(rows))
    assert said.startswith(
        "Watching took about 5 % of the training: 1.0 s in 3 looks, 0.25 s each (median), 12.5 % of one epoch."
    )
    assert said.endswith("a look needs some of every class.")


def test_similarity_before_and_after(part, by_hand, small, charts, words) -> None:
    by_hand.submit(small)
    assert "did not compare its units" in words(part("similarity"))
    by_hand.store.cancel([run["run_id"] for run in by_hand.store.runs()])
    made = by_hand.submit(watched(small))
    matrix = [[1.0 if a == b else 0.5 for b in range(10)] for a in range(10)]
    by_hand.write(by_hand.claim(), SimilarityMeasured(UNITS, matrix, 256, 256))
    app = part("similarity", experiment=made.experiment_id)
    assert "nothing in it was trained" in charts(app)[0]


def test_failed_runs_say_why(part, by_hand, small, words, charts) -> None:
    by_hand.submit(watched(small))
    by_hand.fail(by_hand.claim())
    for name in ("training", "similarity"):
        app = part(name)
        assert charts(app) == []
        assert "failed: out of memory" in words(app)
    assert "Nothing to rank yet" in words(part("scoreboard"))


def test_the_scoreboard_refuses_what_is_too_few_and_judges_the_rest(part, by_hand, small, charts) -> None:
    spec = dataclasses.replace(small, seeds=(0,), frozen_depths=(1, 3, 5, 7), measures=("linear_probe", "knn"))
    by_hand.submit(spec)
    by_hand.finish_all()
    app = part("scoreboard")
    assert app.selectbox(key="scoreboard-group-this").value[0] == "depths"
    assert "Linear probe accuracy: tau" in charts(app)[0]
    assert "random orders within" in charts(app)[0]
    app.segmented_control(key="scoreboard-scope").set_value("all").run()
    assert not app.exception


def test_without_training_one_button_queues_the_task(part, by_hand, press, words) -> None:
    app = part("frozen")
    assert "Nothing measured yet" in words(app)
    app = press(app, "Measure every layer")
    (task,) = task_queue.list(by_hand.store, "layers")
    assert (task.payload["dataset"], task.payload["labels"], task.state) == ("digits", None, "queued")
    assert "nleep" not in task.payload["scores"]
    assert "waiting for its turn" in words(app)
    press(app, "Stop")
    assert task_queue.get(by_hand.store, task.task_id).state == "cancelled"


def test_without_training_wrong_choices_are_said_before_the_button(part, words) -> None:
    app = part("frozen")
    app.pills(key="frozen-scores").set_value([]).run()
    assert "Choose at least one score." in words(app)
    assert app.button(key="frozen-run").disabled


def found(kind: str) -> dict:
    """What a task found, small: two units, LogME with a value and a refusal."""
    if kind == "similarity":
        return {
            "backbones": ["a", "b"], "dataset": "digits", "weights": ["", ""], "pooling": "global_average", "seed": 0,
            "unit_names": [["s"], ["s", "t"]], "values": [[0.9, None]], "reasons": {"1,2": "a unit's features do not vary"},
            "n_images": 64, "batch": 64,
        }  # fmt: skip
    cells = [
        {"unit": unit, "metric": metric, "value": value, "reason": reason, "n_images": 80, "detail": {"rank": 5}}
        for unit, metric, value, reason in (
            (1, "probe_accuracy", 0.5, ""), (2, "probe_accuracy", 0.7, ""), (1, "logme", None, "no maximum"),
            (2, "logme", 0.25, ""),
        )
    ]  # fmt: skip
    return {
        "backbone": "resnet20_cifar10", "dataset": "digits", "weights": "", "pooling": "global_average", "seed": 0, "labels": 100,
        "n_train": 80, "n_validation": 20, "n_test": 790, "classes": 10, "probe_set": "x", "cells": cells,
        "units": [{"unit": unit, "name": f"u{unit}", "stage": "", "n_features": 16, "rank": 5} for unit in (1, 2)],
        "scores": [{"name": "linear_probe", "metric": "probe_accuracy"}, {"name": "logme", "metric": "logme"}],
        "seconds": {"pass": 0.4, "scores": 0.6},
    }  # fmt: skip


def play(by_hand, kind: str, payload: dict, *, error: str = "") -> None:
    """Do a task as a worker would, with a made-up result."""
    import json

    task_id = task_queue.submit(by_hand.store, kind, payload)
    state, result = ("failed", None) if error else ("finished", json.dumps(found(kind)))
    with by_hand.store.db.write() as db:
        db.execute(
            "UPDATE task SET state = ?, message = ?, result = ?, started = 1, finished = 2 WHERE task_id = ?",
            (state, error, result, task_id),
        )


def test_without_training_shows_curves_refusals_and_advice(part, by_hand, charts, words) -> None:
    play(by_hand, "layers", {"backbone": "resnet20_cifar10", "dataset": "digits"})
    app = part("frozen")
    probe, logme = charts(app)
    assert "50.0 after unit 1, highest 70.0 after unit 2" in probe
    assert "no maximum" in words(app)
    assert "0.25" in logme
    assert (
        "Freeze the first 2 units: LogME is highest after them (0.25); no sweep was run here yet, so nobody knows"
        in words(app)
    )
    assert "80 images for scores, 20 to choose the probe, 790 to test" in words(app)
    play(by_hand, "layers", {"backbone": "resnet20_cifar10", "dataset": "digits", "labels": 50}, error="no room left")
    app = part("frozen")
    assert "no room left" in words(app)
    assert len(charts(app)) == 2


def test_intervals_are_priced_asked_for_drawn_and_explained(part, by_hand, press, charts, words, monkeypatch) -> None:
    app = part("frozen")
    app.selectbox(key="frozen-labels").set_value("100").run()
    assert "Intervals take about" not in words(app)
    app.toggle(key="frozen-intervals").set_value(True).run()
    assert "Intervals take about" in words(app)
    assert "100 resamples of every score at every unit (probe and kNN: none)" in words(app)
    press(app, "Measure every layer")
    (queued,) = task_queue.list(by_hand.store, "layers")
    assert queued.payload["intervals"] == 100
    assert "with intervals" in queued.title
    task_queue.cancel(by_hand.store, queued.task_id)

    def resampled(kind: str, made=found) -> dict:
        result = made(kind)
        kinds = {"probe_accuracy": (0.4, 0.6, "Wilson over test images"), "logme": (None, None, "no interval: too few")}
        for cell in result["cells"]:
            cell |= dict(zip(("low", "high", "interval"), kinds[cell["metric"]], strict=True))
        result["seconds"]["intervals"] = 2.5
        return result

    monkeypatch.setitem(globals(), "found", resampled)
    play(by_hand, "layers", queued.payload)
    said = words(part("frozen"))
    assert "intervals 2.5 s." in said
    assert "95 % interval of one run 40.0 % to 60.0 %, Wilson over test images" in said
    assert "No interval at unit 2: too few." in said


def compared() -> list[dict]:
    rows = [
        {"unit": 1, "n": 80, "d": 16, "rank": 5, "ours": None, "values": [4.5]},
        {"unit": 2, "n": 80, "d": 16, "rank": 5, "ours": 0.25, "values": [5.0]},
    ]
    variant = {"label": "D/2 ln a", "differs": "keeps D/2 ln a", "found": "public code", "tau": None, "n": 1, "best": 2}
    variant |= {"wrong": {"1": "rank below D", "2": "rank below D"}, "reasons": {}}
    return [{"score": "logme", "metric": "logme", "label": "LogME", "of": "training images", "best": 2, "rows": rows,
             "variants": [variant]}]  # fmt: skip


def test_a_card_compares_implementations_on_request(part, by_hand, words, monkeypatch) -> None:
    payload = {"backbone": "resnet20_cifar10", "dataset": "digits", "labels": 100}
    play(by_hand, "layers", payload)
    app = part("frozen")
    app.session_state["frozen-card-logme"] = True  # the card is open
    app.run()
    button = next(one for one in app.button if one.label == "Compare implementations")
    button.click().run()
    assert not app.exception
    (queued,) = [task for task in task_queue.list(by_hand.store, "layers") if not task.ended]
    assert queued.payload["variants"] is True
    assert {name: queued.payload[name] for name in payload} == payload
    assert "their numbers appear here when it is done" in words(app)
    task_queue.cancel(by_hand.store, queued.task_id)
    monkeypatch.setitem(globals(), "found", lambda kind, made=found: made(kind) | {"implementations": compared()})
    play(by_hand, "layers", payload | {"variants": True})
    app.run()
    said = words(app)
    assert "Implementations compared: training images." in said.replace("*", "")
    assert "Has no meaning at unit 1, 2: rank below D." in said
    table = next(one.value for one in app.dataframe if "D/2 ln a" in one.value)
    assert table.loc[1].tolist() == [2, 80, 16, 5, 0.25, 5.0, "D/2 ln a"]


def test_a_card_of_an_experiment_finds_the_comparison_of_its_backbone(show, by_hand, small, words, monkeypatch) -> None:
    spec = dataclasses.replace(small, measures=("linear_probe", "logme"), seeds=(0,))
    by_hand.submit(spec)
    by_hand.finish_all()
    app = show("layers")
    metrics = next(one for one in app.get("pills") if "layers-metrics" in str(one.proto.id))
    metrics.set_value(["logme"]).run()
    app.session_state["layers-card-logme"] = True
    app.run()
    assert any(one.label == "Compare implementations" for one in app.button)
    monkeypatch.setitem(globals(), "found", lambda kind, made=found: made(kind) | {"implementations": compared()})
    play(by_hand, "layers", {"backbone": spec.backbones[0], "dataset": spec.datasets[0],
                             "labels": next(iter(spec.label_budgets), None), "variants": True})  # fmt: skip
    app.run()
    assert "Has no meaning at unit 1, 2: rank below D." in words(app)


def test_measures_between_two_sets_have_cards_with_what_other_implementations_give(
    part, by_hand, words, monkeypatch
) -> None:
    cka = compared()[0] | {"score": "cka", "metric": "cka", "label": "CKA", "of": "units against the last"}
    monkeypatch.setitem(globals(), "found", lambda kind, made=found: made(kind) | {"implementations": [cka]})
    payload = {"backbone": "resnet20_cifar10", "dataset": "digits", "labels": None}
    play(by_hand, "layers", payload | {"variants": True})
    app = part("frozen")
    for name in ("cka", "mmd", "coral", "frechet"):
        app.session_state[f"frozen-card-{name}"] = True
    app.run()
    said = words(app).replace("*", "")
    assert said.count("Implementations compared: units against the last.") == 1
    assert "CKA (linear, unbiased) = " in said
    assert "MMD squared = " in said
    assert "0 and above; less is more alike" in said
    assert (
        "a single class" not in said.split("CKA (linear, unbiased) = ")[1].split("MMD squared = ")[0]
    )  # it needs no labels


def test_the_maps_of_units_have_the_card_of_cka(part, by_hand, small, words) -> None:
    made = by_hand.submit(watched(small))
    matrix = [[1.0 if a == b else 0.5 for b in range(10)] for a in range(10)]
    by_hand.write(by_hand.claim(), SimilarityMeasured(UNITS, matrix, 256, 256))
    play(by_hand, "similarity", {"first": "resnet20_cifar10", "second": "plain8_cifar10", "dataset": "digits"})
    app = part("similarity", experiment=made.experiment_id)
    for key in ("similarity-card", "backbones-card"):
        app.session_state[key] = True
    app.run()
    assert not app.exception
    assert words(app).replace("*", "").count("CKA (linear, unbiased) = ") == 2
    assert sum(one.label == "Compare implementations" for one in app.button) == 2


def test_two_backbones_are_compared_with_one_button(part, by_hand, press, charts, words) -> None:
    app = press(part("similarity"), "Compare their units")
    (task,) = task_queue.list(by_hand.store, "similarity")
    assert task.payload["first"] != task.payload["second"]
    task_queue.cancel(by_hand.store, task.task_id)
    play(by_hand, "similarity", {"first": "resnet20_cifar10", "second": "plain8_cifar10", "dataset": "digits"})
    app = part("similarity")
    assert "Most alike are unit 1 of a and unit 1 of b (CKA 0.90)" in charts(app)[0]
    assert "a unit's features do not vary" in words(app)


def test_advice_stands_under_the_measures_of_an_experiment(show, by_hand, small, words, finished_events) -> None:
    by_hand.submit(dataclasses.replace(small, strategies=("linear_probe",), seeds=(0,)))
    lease = by_hand.claim()
    scores = [
        DepthMeasured(unit, name, "logme", -abs(unit - 6) / 10, 80, 16) for unit, name in enumerate(UNITS, start=1)
    ]
    by_hand.write(lease, *finished_events(lease.spec), *scores)
    assert "Freeze the first 6 units: LogME is highest after them" in words(show("layers"))


def test_the_lab_advises_from_what_was_measured_with_the_same_labels_or_offers_to_measure(
    show, by_hand, press, words
) -> None:
    app = show("lab")
    assert "Advise me: measure before training, with 50 labels" in [one.label for one in app.button]
    play(by_hand, "layers", {"backbone": "resnet20_cifar10", "dataset": "digits", "labels": 100})
    assert "Recommended" not in words(show("lab"))  # another label budget is another task
    play(by_hand, "layers", {"backbone": "resnet20_cifar10", "dataset": "digits", "labels": 50})
    app = show("lab")
    said = words(app)
    assert "Advise me" not in " ".join(one.label for one in app.button)
    assert "no task in this home has measured it" in said  # never advice without its record
    assert "shipped and downloaded backbones come without them" in said


def test_measuring_for_advice_is_a_task_of_the_chosen_network_data_and_labels(show, by_hand, press, words) -> None:
    app = press(show("lab"), "Advise me: measure before training, with 50 labels")
    (task,) = task_queue.list(by_hand.store, "layers")
    assert (task.payload["backbone"], task.payload["dataset"], task.payload["labels"]) == (
        "resnet20_cifar10",
        "digits",
        50,
    )
    assert task.payload["scores"] == ["logme"]
    assert "waiting for its turn" in words(app)


def test_an_experiment_without_scores_says_so_on_the_scoreboard(part, by_hand, small, charts, words) -> None:
    by_hand.submit(dataclasses.replace(small, measures=()))
    by_hand.finish_all()
    app = part("scoreboard")
    assert "This experiment measured no scores" in words(app)
    assert charts(app) == []
