"""Live: empty, queued, running, finished, failed, diverged, after a worker's death; Stop, Resume, Run again."""

from __future__ import annotations

import dataclasses

from dashboard.widgets.overview import duration
from engine.cost import RUN_OVERHEAD_SECONDS
from engine.presets import PRESETS


def test_empty_it_offers_the_one_button(show, words, press, by_hand) -> None:
    app = show("live")
    assert [one.label for one in app.button] == ["Try it now"]
    assert "There is no experiment yet." in words(app)
    press(app, "Try it now")
    assert by_hand.store.runs()


def test_queued_it_says_the_place_in_words(show, by_hand, small, words) -> None:
    by_hand.submit(dataclasses.replace(small, name="First", seeds=(7,)))
    second = by_hand.submit(small)
    app = show("live", experiment=second.experiment_id)
    said = words(app)
    assert "0 of 8 runs finished, 8 queued" in said
    assert "Waiting: 5th in the queue, 4 runs of other experiments are computed first" in said
    assert "Nothing measured yet" in said


def test_running_it_shows_phase_rate_eta_and_charts(show, by_hand, small, words, charts) -> None:
    by_hand.submit(small)
    by_hand.finish(by_hand.claim(), seconds=2.0)
    lease = by_hand.claim()
    progress = {"phase": "training", "done": 0.5, "epoch": 1, "images_per_second": 812.3, "eta_seconds": 1.0}
    by_hand.leases.beat(by_hand.token, lease, progress)
    app = show("live")
    said = words(app)
    assert "1 of 8 runs finished, 1 running, 6 queued · about 13 s to go" in said
    assert "training, 812 images/s" in said
    assert "Frozen units unchanged: 1 of 1 runs" in said
    assert [one.label for one in app.button] == ["Stop"]
    accuracy, probes, learning = charts(app)
    assert accuracy.startswith("Line chart of test accuracy in percent against frozen depth, 1 of 8 runs finished")
    assert "Line chart" in probes
    assert "accuracy by epoch" in learning


def test_stop_ends_what_waits_at_once_and_asks_what_runs(show, by_hand, small, words, press) -> None:
    by_hand.submit(small)
    lease = by_hand.claim()
    app = press(show("live"), "Stop")
    assert by_hand.leases.beat(by_hand.token, lease) is True  # how a worker hears of it
    said = words(app)
    assert "1 running, 7 stopped" in said
    assert "Stopping: what was learned is kept" in said
    assert "What was learned is kept." in app.toast[0].value.replace("\\", "")
    by_hand.leases.finish(lease, "cancelled", "stopped by the user", 0.4)
    app.run()
    assert [one.label for one in app.button] == ["Resume 8 stopped"]
    press(app, "Resume 8 stopped")
    assert {run["state"] for run in by_hand.store.runs()} == {"queued"}


def test_finished_it_says_what_it_took_and_leads_on(show, by_hand, small, words) -> None:
    by_hand.submit(small)
    by_hand.finish_all()
    app = show("live")
    said = words(app)
    assert "All 8 runs finished" in said
    assert "Took 16 s of computing" in said
    assert {"Compare the strategies", "Look into the layers"} <= {one.proto.label for one in app.get("page_link")}
    assert [one.label for one in app.button] == ["Compute 8 again"]


def test_what_it_took_stands_beside_what_was_estimated(show, press, by_hand, words) -> None:
    by_hand.leases.introduce(by_hand.token, "A device", 1e15)  # so fast that only the overhead of the runs is left
    app = press(show("start"), "Try it now")
    by_hand.finish_all()
    app.run()
    n = len(by_hand.store.runs())
    assert f"Estimated {duration(n * RUN_OVERHEAD_SECONDS)}, took {duration(n * 2.0)}" in words(app)


def test_failed_and_diverged_runs_say_why_and_their_curves_stay(show, by_hand, small, words, charts, press) -> None:
    by_hand.submit(small)
    by_hand.diverge(by_hand.claim())
    by_hand.fail(by_hand.claim(), "the folder /data/*pictures* has no class")
    by_hand.finish_all()
    app = show("live")
    said = words(app)
    assert "6 of 8 runs finished, 1 failed, 1 diverged" in said
    assert "diverged: the loss is no longer a number at epoch 2, step 7" in said
    assert "failed: the folder /data/*pictures* has no class" in said
    assert "1 diverged." in charts(app)[2]
    press(app, "Run 2 failed again")
    assert by_hand.store.db.read("SELECT count(*) FROM run WHERE state = 'queued' AND attempt = 2") == [(2,)]


def test_where_everything_failed_no_empty_chart_is_drawn(show, by_hand, small, words, charts) -> None:
    by_hand.submit(small)
    for _ in range(8):
        by_hand.fail(by_hand.claim(), "out of memory")
    app = show("live")
    assert charts(app) == []
    assert "8 runs (" in words(app)
    assert "failed: out of memory" in words(app)
    assert "Nothing was measured here" in words(app)


def test_after_a_workers_death_the_run_says_so_while_it_waits(show, by_hand, small, words) -> None:
    by_hand.submit(small)
    by_hand.claim()
    by_hand.leases.unregister(by_hand.token)
    assert by_hand.leases.reap()
    said = words(show("live"))
    assert "its worker died; resuming from the last checkpoint (1 of 3)" in said
    assert "8 queued" in said


def test_a_link_to_the_trash_offers_the_way_back(show, by_hand, small, words, press) -> None:
    submission = by_hand.submit(small)
    by_hand.submit(dataclasses.replace(small, name="Another", seeds=(5,)))
    by_hand.store.trash(submission.experiment_id)
    app = show("live", experiment=submission.experiment_id)
    assert "This experiment is in the trash: By hand" in words(app).replace("**", "")
    assert app.query_params["experiment"] == submission.experiment_id  # the link is not turned into another one
    assert app.selectbox[0].value is None
    press(app, "Restore it")
    assert app.selectbox[0].value == submission.experiment_id
    assert [one["experiment_id"] for one in by_hand.store.experiments(trashed=True)] == []


def test_a_link_to_an_unknown_experiment_is_shown_as_it_stands(show, by_hand, small, words) -> None:
    by_hand.submit(small)
    app = show("live", experiment="**x** http://evil.example")
    assert "not on this machine:** **x** http://evil.example" in words(app)
    assert app.selectbox[0].value is None
    app.selectbox[0].set_value(by_hand.store.experiments()[0]["experiment_id"]).run()
    assert "8 queued" in words(app)


def test_the_address_beats_the_box(show, by_hand, small) -> None:
    first = by_hand.submit(small)
    second = by_hand.submit(dataclasses.replace(small, name="Another", seeds=(5,)))
    app = show("live", experiment=second.experiment_id)
    app.selectbox[0].set_value(first.experiment_id).run()
    assert app.query_params["experiment"] == first.experiment_id
    app.query_params["experiment"] = second.experiment_id  # as the browser's way back does
    app.run()
    assert app.selectbox[0].value == second.experiment_id


def test_a_layer_transfer_study_is_drawn_by_copied_units(show, by_hand, charts) -> None:
    study = dataclasses.replace(PRESETS["layer_transfer"].spec, class_splits=(0,), frozen_depths=(1, 3))
    by_hand.submit(study)
    by_hand.finish_all()
    alt = charts(show("live"))[0]
    assert alt.startswith("Line chart of test accuracy in percent against the number of copied units. Base B:")


def test_without_a_probe_the_first_measure_that_was_asked_for_is_drawn(show, by_hand, small, charts) -> None:
    by_hand.submit(dataclasses.replace(small, measures=("knn",)))
    by_hand.finish_all()
    drawn = charts(show("live"))[1]
    assert "kNN accuracy (%)" in drawn
    assert "nothing measured" not in drawn


def test_where_no_unit_is_measured_no_chart_waits_for_it(show, by_hand, small, charts) -> None:
    by_hand.submit(dataclasses.replace(small, measures=("cka_matrix",)))
    by_hand.finish_all()
    assert len(charts(show("live"))) == 2


MANY = dataclasses.replace(
    PRESETS["quick"].spec,
    backbones=("resnet20_cifar10", "plain8_cifar10"),
    frozen_depths=(1, 2, 3, 4, 5),
    seeds=(0, 1, 2, 3),
)


def test_of_many_runs_means_are_drawn_and_strategies_and_network_can_be_chosen(show, by_hand, charts, words) -> None:
    by_hand.submit(MANY)
    by_hand.finish_all()
    app = show("live")
    assert app.selectbox(key="live-network").value == "resnet20_cifar10"
    accuracy, _, learning = charts(app)
    assert accuracy.startswith("resnet20_cifar10: ")
    assert learning.startswith("resnet20_cifar10: Line chart of accuracy by epoch, means over seeds.")
    assert "6 of 8 strategies and depths drawn: choose others under Strategies." in words(app)
    app.multiselect[0].set_value([("full_fine_tuning", 0), ("partial_fine_tuning", 3)]).run()
    assert not app.exception
    learning = charts(app)[2]
    assert "8 runs" in learning  # few enough to be drawn one by one
    assert "Frozen depth 1" not in learning
    app.selectbox(key="live-network").set_value("plain8_cifar10").run()
    assert not app.exception
    assert all(alt.startswith("plain8_cifar10: ") for alt in charts(app))


def test_of_few_runs_every_curve_is_drawn_and_nothing_needs_to_be_chosen(show, by_hand, small, charts) -> None:
    by_hand.submit(small)
    by_hand.finish_all()
    app = show("live")
    assert not app.multiselect
    assert "8 runs" in charts(app)[2]


def test_of_a_study_the_curves_of_one_number_of_copied_units_are_drawn(show, by_hand, charts) -> None:
    by_hand.submit(dataclasses.replace(PRESETS["layer_transfer"].spec, class_splits=(0, 1), frozen_depths=(1, 3, 5)))
    by_hand.finish_all()
    app = show("live")
    assert (app.selectbox[-1].label, app.selectbox[-1].value) == ("Units copied", 5)
    # Two bases and five curves of two splits each. What copies and learns has frozen depth 0, however much is copied.
    assert "14 runs" in charts(app)[-1]
    app.selectbox[-1].set_value(1).run()
    assert not app.exception
    assert "14 runs" in charts(app)[-1]
    assert not app.multiselect
