"""Layers: empty, queued, running, finished, failed; choosing measure and networks."""

from __future__ import annotations

import dataclasses
import re

import pytest
from streamlit.testing.v1 import AppTest

from engine.events import DepthMeasured
from engine.presets import PRESETS


def words_of(app: AppTest) -> str:
    return "\n".join(one.value for one in app.markdown).replace("\\", "").replace("\u2060", "")


def test_empty_it_offers_the_one_button(show) -> None:
    assert [one.label for one in show("layers").button] == ["Try it now"]


@pytest.mark.parametrize(
    ("view", "label", "field", "value"),
    [
        ("training", "Train and watch", "panel_epochs", "auto"),
        ("similarity", "Train and compare the units", "measures", ("linear_probe", "knn", "logme", "cka_matrix")),
    ],
)
def test_empty_each_view_offers_what_it_needs(show, by_hand, words, press, view, label, field, value) -> None:
    app = show("layers")
    app.segmented_control[0].set_value(view).run()
    assert re.search(r"21 runs on this machine, about \d+ .*; nothing is downloaded\.", words(app))
    app = press(app, label)
    (experiment,) = by_hand.store.experiments()
    assert getattr(experiment["spec"], field) == value
    assert app.segmented_control[0].value == view
    assert "0 of 21 runs finished, 21 queued" in words(app)


def test_empty_the_scoreboard_offers_an_experiment_that_can_be_ranked(show, by_hand, press, charts) -> None:
    app = show("layers")
    app.segmented_control[0].set_value("scoreboard").run()
    press(app, "Try it now")
    by_hand.finish_all()
    app = show("layers")
    app.segmented_control[0].set_value("scoreboard").run()
    (board,) = charts(app)
    assert "Frozen depths" in board


def test_before_anything_is_measured_it_says_what_will_appear(show, by_hand, small, words) -> None:
    by_hand.submit(small)
    said = words(show("layers"))
    assert "0 of 8 runs finished, 8 queued" in said
    assert "Nothing measured yet: a line appears for each network" in said


def test_networks_are_those_planned_so_that_a_choice_stays_while_runs_finish(show, by_hand, small, charts) -> None:
    by_hand.submit(small)
    by_hand.finish(by_hand.claim())
    app = show("layers")
    assert app.multiselect[0].options == ["From scratch", "Full fine-tuning", "Frozen depth 4", "Linear probe"]
    app.multiselect[0].set_value([("linear_probe", 10)]).run()
    by_hand.finish_all()
    app.run()
    assert app.multiselect[0].value == [("linear_probe", 10)]
    assert "linear probe" in charts(app)[0]
    assert "frozen depth 4" not in charts(app)[0]


def test_measures_are_those_planned_and_each_gets_a_chart_and_a_card(show, by_hand, small, charts) -> None:
    by_hand.submit(small)
    by_hand.finish_all()
    app = show("layers")
    assert len(charts(app)) == 2
    assert app.pills[0].options == ["Linear probe accuracy", "kNN accuracy", "LogME", "Test accuracy"]
    app.pills[0].set_value(["knn_accuracy"]).run()
    assert not app.exception
    (measured,) = charts(app)
    assert measured.startswith("Line chart: kNN accuracy (%)")
    assert "**kNN accuracy** = " in words_of(app)
    assert "N (images) 500, D (features) 16" in words_of(app)


def test_a_refusal_is_shown_as_its_reason(show, by_hand, small, charts, finished_events) -> None:
    by_hand.submit(small)
    lease = by_hand.claim()
    refused = [
        DepthMeasured(unit, f"unit{unit}", "logme", None, 80, 16, {"reason": "every class has one image"})
        for unit in range(1, 11)
    ]
    by_hand.write(lease, *finished_events(lease.spec), *refused)
    app = show("layers")
    app.pills[0].set_value(["logme"]).run()
    assert not app.exception
    assert "no value; every class has one image" in charts(app)[0]
    assert "No value at 10 of 10 points: every class has one image." in words_of(app)


def test_where_everything_failed_it_says_why_instead_of_empty_charts(show, by_hand, small, words, charts) -> None:
    by_hand.submit(small)
    for _ in range(8):
        by_hand.fail(by_hand.claim(), "out of memory")
    app = show("layers")
    assert charts(app) == []
    assert "failed: out of memory" in words(app)
    assert "Nothing was measured here" in words(app)


def test_of_a_layer_transfer_study_the_test_accuracy_is_drawn_by_copied_units(show, by_hand, charts) -> None:
    study = dataclasses.replace(PRESETS["layer_transfer"].spec, class_splits=(0,), frozen_depths=(1, 3))
    by_hand.submit(study)
    by_hand.finish_all()
    (alt,) = charts(show("layers"))
    assert alt.startswith("Line chart of test accuracy in percent against the number of copied units. Base B:")


def test_of_several_networks_the_first_is_drawn_and_advice_names_its_own(show, by_hand, small, charts, words) -> None:
    networks = ("resnet20_cifar10", "plain8_cifar10")
    by_hand.submit(dataclasses.replace(small, backbones=networks))
    while by_hand.store.db.read("SELECT 1 FROM run WHERE state = 'queued'"):
        lease = by_hand.claim()
        by_hand.write(lease, *(DepthMeasured(unit, f"unit{unit}", "logme", unit / 10, 80, 16) for unit in range(1, 8)))
        by_hand.leases.finish(lease, "finished", "", 1.0)
    app = show("layers")
    assert app.selectbox(key="layers-network").value == networks[0]
    assert all(alt.startswith("resnet20_cifar10: ") for alt in charts(app))
    assert words(app).count("efore training:") == 1
    app.selectbox(key="layers-network").set_value("").run()
    for name in networks:
        assert f"{name} on digits, 100 labels, before training:" in words(app)
