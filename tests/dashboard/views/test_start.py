"""Start: one button, presets, recent experiments."""

from __future__ import annotations

from engine.plan import plan
from engine.presets import PRESETS

RUNS = len(plan(PRESETS["quick"].spec))


def test_a_newcomer_sees_one_primary_button_and_every_preset(show, words) -> None:
    app = show("start")
    assert [one.label for one in app.button if one.proto.type == "primary"] == ["Try it now"]
    assert [one.label for one in app.button if one.label == "Run"] == ["Run"] * len(PRESETS)
    said = words(app)
    assert all(preset.question in said for preset in PRESETS)
    assert f"{RUNS} short runs on this machine" in said
    assert "everything stays on this machine" in said
    assert "Recent experiments" not in said


def test_try_it_now_queues_the_preset_and_opens_live(show, press, by_hand, words) -> None:
    app = press(show("start"), "Try it now")
    assert app.title[0].value == "Live"
    assert len(by_hand.store.runs()) == RUNS
    assert f"0 of {RUNS} runs finished, {RUNS} queued" in words(app)
    assert app.query_params["experiment"] == PRESETS["quick"].spec.experiment_id


def test_pressing_again_shows_what_was_measured_and_computes_nothing(show, press, by_hand, words) -> None:
    press(show("start"), "Try it now")
    by_hand.finish_all()
    app = press(show("start"), "Try it now")
    said = words(app)
    assert "These runs were computed before" in said
    assert f"All {RUNS} runs finished" in said
    assert {run["state"] for run in by_hand.store.runs()} == {"finished"}
    press(app, f"Compute {RUNS} again")
    assert {run["state"] for run in by_hand.store.runs()} == {"queued"}


def test_a_full_queue_is_said_in_words(show, press, by_hand) -> None:
    app = show("start")
    from dashboard import state

    state.store().max_queued = 3
    press(app, "Try it now")
    assert "at most 3 may" in app.error[0].value.replace("\\", "")
    assert by_hand.store.experiments() == []


def test_recent_experiments_say_how_they_stand(show, by_hand, small, words) -> None:
    by_hand.submit(small)
    by_hand.fail(by_hand.claim())
    by_hand.finish_all()
    said = words(show("start"))
    assert "By hand" in said
    assert "7 of 8 runs finished, 1 failed" in said


def test_every_preset_says_what_it_takes_before_it_is_run(show, words) -> None:
    said = words(show("start"))
    assert said.count(" runs on this machine, about ") == len(PRESETS) + 1  # and "Try it now"
    assert "148 runs on this machine, about " in said
    assert "MB of images downloaded first, once." in said
