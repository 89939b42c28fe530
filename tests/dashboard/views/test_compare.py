"""Compare: empty, running, finished, failed; what it costs; the table."""

from __future__ import annotations

import dataclasses

from engine import events
from engine.presets import PRESETS


def test_empty_it_offers_the_one_button(show) -> None:
    assert [one.label for one in show("compare").button] == ["Try it now"]


def test_running_it_compares_what_is_there(show, by_hand, small, words, charts) -> None:
    by_hand.submit(small)
    by_hand.finish(by_hand.claim())
    by_hand.claim()
    app = show("compare")
    said = words(app)
    assert "1 of 8 runs finished, 1 running, 6 queued" in said
    assert len(charts(app)) == 3
    assert list(app.dataframe[0].value["seeds finished"]) == ["1 of 2", "0 of 2", "0 of 2", "0 of 2"]


def test_finished_one_sentence_reads_the_chart_with_interval_and_n(show, by_hand, small, words) -> None:
    by_hand.submit(small)
    by_hand.finish_all()
    app = show("compare")
    said = words(app)
    assert "freezing 4 of 10 units" in said.lower()
    assert "the linear probe" in said
    assert "2 pairs" in said
    assert "The same in all: backbone resnet20_cifar10, dataset digits, labels 100" in said
    rows = app.dataframe[0].value
    assert "dataset" not in rows
    assert list(rows["frozen units"]) == [
        "unchanged, by hash", "nothing frozen", "unchanged, by hash", "nothing frozen"
    ]  # fmt: skip


def test_the_cost_is_chosen(show, by_hand, small, charts) -> None:
    by_hand.submit(small)
    by_hand.finish_all()
    app = show("compare")
    assert "time of a run" in charts(app)[-1]
    app.segmented_control[0].set_value("trainable_parameters").run()
    assert "trained parameters" in charts(app)[-1]


def test_a_broken_freeze_is_never_quiet(show, by_hand, small, words, finished_events) -> None:
    import dataclasses

    from engine.events import FreezeChecked

    by_hand.submit(small)
    lease = by_hand.claim()
    broken = [
        dataclasses.replace(one, after="b", changed=["bn1.running_mean"]) if isinstance(one, FreezeChecked) else one
        for one in finished_events(lease.spec)
    ]
    by_hand.write(lease, *broken)
    by_hand.leases.finish(lease, "finished", "", 1.0)
    by_hand.finish_all()
    assert "Frozen units unchanged: 3 of 4 runs" in words(show("compare"))
    said = words(show("live"))
    assert "changed a frozen tensor during training" in said
    assert (
        "Changed: bn1.running_mean. All of them are running statistics: normalisation was left in training mode" in said
    )
    assert "CHANGED" in list(show("compare").dataframe[0].value["frozen units"])


def test_where_everything_failed_it_says_why(show, by_hand, small, words, charts) -> None:
    by_hand.submit(small)
    for _ in range(8):
        by_hand.fail(by_hand.claim(), "out of memory")
    app = show("compare")
    assert charts(app) == []
    assert "failed: out of memory" in words(app)


def test_differences_are_from_the_control_that_is_chosen(show, by_hand, small, charts) -> None:
    by_hand.submit(small)
    by_hand.finish_all()
    app = show("compare")
    assert "differences from training from scratch" in charts(app)[1]
    box = next(one for one in app.selectbox if one.label == "Compared with")
    box.set_value("linear_probe:10").run()
    assert "differences from the linear probe" in charts(app)[1]
    assert "training from scratch -10.0" in charts(app)[1]


def test_missing_controls_are_named_and_one_button_adds_them(show, by_hand, small, words, press) -> None:
    by_hand.submit(dataclasses.replace(small, strategies=("full_fine_tuning", "linear_probe")))
    by_hand.finish_all()
    app = show("compare")
    assert "No from scratch in this comparison" in words(app)
    press(app, "Add the controls")
    assert app.query_params["strategy"] == ["full_fine_tuning", "linear_probe", "from_scratch"]
    assert app.query_params["labels"] in ("100", ["100"])


def test_where_transfer_hurts_the_alarm_names_numbers_and_causes(show, by_hand, small, words, finished_events) -> None:
    by_hand.submit(dataclasses.replace(small, seeds=tuple(range(6))))
    while by_hand.store.db.read("SELECT 1 FROM run WHERE state = 'queued'"):
        lease = by_hand.claim()
        worse = 0.0 if lease.spec.strategy != "full_fine_tuning" else -0.45 - 0.002 * lease.spec.seed
        by_hand.write(lease, *(
            dataclasses.replace(one, accuracy=one.accuracy + worse) if isinstance(one, events.Tested) else one
            for one in finished_events(lease.spec)
        ))  # fmt: skip
        by_hand.leases.finish(lease, "finished", "", 1.0)
    said = words(show("compare"))
    assert "Negative transfer." in said
    # full fine-tuning has .6 - .45 - .002 seed, from scratch .3: on average 15.5 points below
    assert "Full fine-tuning is 15.5 points below training from scratch" in said
    assert "6 pairs" in said
    assert "Wang et al. 2019" in said


def test_a_study_of_copied_units_is_not_compared_by_frozen_depth(show, by_hand, small, words, charts) -> None:
    study = dataclasses.replace(PRESETS["layer_transfer"].spec, class_splits=(0,), frozen_depths=(1, 3))
    by_hand.submit(study)
    by_hand.finish_all()
    app = show("compare")
    assert charts(app) == []
    assert "This is a study of copied units" in words(app)
    assert "Transfer study" in words(app)


def test_of_a_mixed_experiment_only_what_can_be_compared_is(show, by_hand, charts) -> None:
    mixed = dataclasses.replace(
        PRESETS["layer_transfer"].spec, strategies=("transfer", "linear_probe", "from_scratch"), class_splits=(0,)
    )
    by_hand.submit(mixed)
    by_hand.finish_all()
    assert "AnB" not in charts(show("compare"))[0]
    assert "half" not in charts(show("compare"))[0]


def test_forgetting_is_offered_where_a_panel_was_measured(show, by_hand, small, charts, words, finished_events) -> None:
    by_hand.submit(small)
    while by_hand.store.db.read("SELECT 1 FROM run WHERE state = 'queued'"):
        lease = by_hand.claim()
        moved = [events.PanelMeasured(3, unit, f"unit{unit}", {"drift": 0.01 * unit}, {}, 64) for unit in range(1, 11)]
        by_hand.write(lease, *finished_events(lease.spec), *moved)
        by_hand.leases.finish(lease, "finished", "", 1.0)
    app = show("compare")
    app.segmented_control[0].set_value("drift").run()
    assert not app.exception
    assert "drift of the features" in charts(app)[-1]
    assert "41.0 % for 0.055 drift" in charts(app)[-1]
    # by_hand's curves rise to their last epoch: nothing is gained by choosing
    assert "The best epoch is 0.0 points above the last one" in words(app)
