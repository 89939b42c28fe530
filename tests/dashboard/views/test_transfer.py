"""Transfer study: empty, no study, running, finished, failed; the published curves; several studies at once."""

from __future__ import annotations

import dataclasses
import re

import pytest

from dashboard.widgets.offers import SMALL_STUDY
from dashboard.widgets.offers import STUDY as STUDY_OFFER
from engine.plan import plan
from engine.presets import PRESETS
from engine.spec import ExperimentSpec

STUDY = dataclasses.replace(PRESETS["layer_transfer"].spec, class_splits=(0, 1), frozen_depths=(1, 3))


SMALL = "Run a small one: two splits, three depths"


def test_empty_it_offers_the_study_itself_whole_and_small_with_what_each_takes(show, words) -> None:
    app = show("transfer")
    assert [one.label for one in app.button] == ["Run the study", SMALL]
    said = words(app)
    assert re.search(r"111 runs on this machine, about \d+ .*; nothing is downloaded\.", said)
    assert re.search(r"34 runs on this machine, about \d+ .*; nothing is downloaded\.", said)


def test_pressed_the_page_stays_and_shows_the_study_that_was_queued(show, by_hand, words, press) -> None:
    app = press(show("transfer"), SMALL)
    (experiment,) = by_hand.store.experiments()
    assert app.query_params["experiment"] == experiment["experiment_id"]
    assert "0 of 34 runs finished, 34 queued" in words(app)


def test_the_small_study_is_a_part_of_the_whole_one(by_hand) -> None:
    small, whole = (
        {one.run.run_id for one in plan(offer.spec, home=by_hand.store.home)} for offer in (SMALL_STUDY, STUDY_OFFER)
    )
    assert (len(small), len(whole)) == (34, 111)
    assert small < whole


def test_the_newest_study_is_shown_first_though_another_experiment_is_newer(show, by_hand, small, words) -> None:
    by_hand.submit(STUDY)
    by_hand.submit(small)
    assert "0 of 24 runs finished, 24 queued" in words(show("transfer"))


def test_an_experiment_without_a_study_says_so_and_offers_one(show, by_hand, small, words) -> None:
    by_hand.submit(small)
    app = show("transfer")
    assert "copies no units from one task to another" in words(app)
    assert "111 runs on this machine" in words(app)
    assert [one.label for one in app.button] == ["Run the study", SMALL]


def test_queued_it_says_what_will_appear(show, by_hand, words) -> None:
    by_hand.submit(STUDY)
    said = words(show("transfer"))
    assert "0 of 24 runs finished, 24 queued" in said
    assert "the two bases are trained first" in said


def test_finished_it_shows_curves_and_losses(show, by_hand, charts, words) -> None:
    by_hand.submit(STUDY)
    by_hand.finish_all()
    app = show("transfer")
    curves, losses = charts(app)
    assert "AnB+ (units of the other task, everything learns)" in curves
    assert "co-adaptation" in losses
    assert "exploring" in words(app)
    app.toggle[0].set_value(True).run()
    assert not app.exception


def test_of_several_studies_one_is_chosen(show, by_hand, charts) -> None:
    by_hand.submit(dataclasses.replace(STUDY, label_budgets=(100, 200)))
    by_hand.finish_all()
    app = show("transfer")
    assert app.selectbox[-1].label == "Study"
    assert app.selectbox[-1].options == ["plain8_cifar10 on digits, 100 labels", "plain8_cifar10 on digits, 200 labels"]
    app.selectbox[-1].select_index(1).run()
    assert not app.exception
    assert len(charts(app)) == 2


def test_where_everything_failed_it_says_why(show, by_hand, words, charts) -> None:
    by_hand.submit(dataclasses.replace(STUDY, class_splits=(0,), frozen_depths=(1,), strategies=("transfer",)))
    for _ in range(3):
        by_hand.fail(by_hand.claim(), "out of memory")
    app = show("transfer")
    assert charts(app) == []
    assert "failed: out of memory" in words(app)


@pytest.mark.parametrize("bases", [True, False])
def test_the_frames_hold_the_study(by_hand, bases) -> None:
    from engine.frames import Frames

    spec = (
        STUDY
        if bases
        else ExperimentSpec(strategies=("transfer", "transfer_plus"), frozen_depths=(4,), label_budgets=(100,))
    )
    submission = by_hand.submit(spec)
    by_hand.finish_all()
    frames = Frames(by_hand.store)
    curves = frames.frame("layer_transfer", submission.experiment_id)
    losses = frames.frame("layer_losses", submission.experiment_id)
    assert set(curves["curve"]) == (
        {"base A", "base B", "BnB", "AnB", "BnB+", "AnB+", "random, frozen"} if bases else {"AnB", "AnB+"}
    )
    assert losses.empty != bases
