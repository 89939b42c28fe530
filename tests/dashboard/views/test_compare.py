"""Compare: empty, running, finished, failed; what it costs; the table."""

from __future__ import annotations

import dataclasses

from dashboard import recipe
from engine import events
from engine.plan import plan
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


def test_controls_that_nobody_named_are_cells_like_any_other(show, by_hand, small, words, charts) -> None:
    by_hand.submit(dataclasses.replace(small, strategies=("full_fine_tuning",)))
    by_hand.finish_all()
    app = show("compare")
    assert "Add the controls" not in [one.label for one in app.button]
    assert "differences from training from scratch" in charts(app)[1]
    assert list(app.dataframe[0].value["seeds finished"]) == ["2 of 2"] * 3


def lab_after(app, press) -> dict[str, list[str]]:
    """The address of the Lab that the button opens."""
    press(app, "Add the controls")
    return {key: value if isinstance(value, list) else [value] for key, value in app.query_params.items()}


def test_an_experiment_from_before_they_were_added_gets_them_under_its_own_name(
    show, by_hand, small, words, press
) -> None:
    spec = dataclasses.replace(small, strategies=("full_fine_tuning", "linear_probe"))
    then = plan(dataclasses.replace(spec, controls=False), home=by_hand.store.home)
    by_hand.store.submit(spec, [(one.run, one.card.n_units) for one in then])
    by_hand.finish_all()
    app = show("compare")
    assert "No from scratch in this comparison" in words(app)
    asked, problems = recipe.from_query(lab_after(app, press))
    assert problems == []
    assert asked.experiment_id == spec.experiment_id, "its plan carries them now"
    assert len(by_hand.submit(asked).queued) == 2
    by_hand.finish_all()
    assert "No from scratch" not in words(show("compare"))


def test_an_experiment_that_left_them_out_is_opened_with_them(show, by_hand, small, words, press) -> None:
    spec = dataclasses.replace(small, strategies=("full_fine_tuning",), controls=False)
    by_hand.submit(spec)
    by_hand.finish_all()
    app = show("compare")
    assert "No from scratch and linear probe in this comparison" in words(app)
    asked, _ = recipe.from_query(lab_after(app, press))
    assert asked == dataclasses.replace(spec, controls=None, name=asked.name)


def test_what_no_plan_adds_is_named_among_the_strategies(show, by_hand, small, words, press) -> None:
    by_hand.submit(dataclasses.replace(small, strategies=("full_fine_tuning",), weights="random"))
    by_hand.finish_all()
    app = show("compare")
    assert "No linear probe in this comparison" in words(app)
    assert lab_after(app, press)["strategy"] == ["full_fine_tuning", "linear_probe"]


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


def test_of_several_networks_the_alarm_names_its_own(show, by_hand, small, words, finished_events) -> None:
    networks = ("resnet20_cifar10", "plain8_cifar10")
    by_hand.submit(dataclasses.replace(small, backbones=networks, seeds=tuple(range(6))))
    while by_hand.store.db.read("SELECT 1 FROM run WHERE state = 'queued'"):
        lease = by_hand.claim()
        hurts = lease.spec.backbone == "plain8_cifar10" and lease.spec.strategy != "from_scratch"
        lost = (0.5 if hurts else -0.5) - 0.01 * (lease.spec.seed % 2)
        by_hand.write(lease, *(
            dataclasses.replace(event, accuracy=max(0.01, min(0.99, event.accuracy - lost))) if event.kind == "tested" else event
            for event in finished_events(lease.spec)
        ))  # fmt: skip
        by_hand.leases.finish(lease, "finished", "", 1.0)
    app = show("compare", **{"compare-network": "All networks"})
    (alarm,) = [line for line in words(app).splitlines() if "Negative transfer" in line]
    assert "(plain8_cifar10 on digits, labels: 100)" in alarm
    assert "resnet20_cifar10" not in alarm
    assert "of 10 units" not in alarm
    assert "Negative transfer also on" not in words(app)
    app.selectbox(key="compare-network").set_value("resnet20_cifar10").run()
    assert "Negative transfer." not in words(app)
    assert "Negative transfer also on plain8_cifar10. Choose it above" in words(app)
    app.selectbox(key="compare-network").set_value("plain8_cifar10").run()
    assert "Negative transfer." in words(app)
    assert "Negative transfer also on" not in words(app)


NETWORKS = ("resnet20_cifar10", "plain8_cifar10")


def test_of_several_networks_the_first_is_shown_and_everything_follows_the_choice(
    show, by_hand, small, words, charts
) -> None:
    by_hand.submit(dataclasses.replace(small, backbones=NETWORKS, seeds=tuple(range(6))))
    by_hand.finish_all()
    app = show("compare")
    box = app.selectbox(key="compare-network")
    assert box.options == [*NETWORKS, "All networks"]
    assert box.value == NETWORKS[0]
    for name in NETWORKS:
        box = app.selectbox(key="compare-network").set_value(name)
        box.run()
        accuracy, differences, cost = charts(app)
        other = next(one for one in NETWORKS if one != name)
        for alt in (accuracy, differences, cost):
            assert alt.startswith(f"{name}: ")
            assert other not in alt
        assert "Holm over 3 comparisons" in words(app)  # of this network alone
        assert len(app.dataframe[0].value) == 4
    app.selectbox(key="compare-network").set_value("").run()
    assert "Holm over 6 comparisons" in words(app)
    assert len(app.dataframe[0].value) == 8
    assert all(name in charts(app)[0] for name in NETWORKS)


def test_the_network_of_a_link_is_shown(show, by_hand, small, charts) -> None:
    by_hand.submit(dataclasses.replace(small, backbones=NETWORKS))
    by_hand.finish_all()
    assert charts(show("compare", **{"compare-network": "plain8_cifar10"}))[0].startswith("plain8_cifar10: ")
    assert charts(show("compare", **{"compare-network": "not here"}))[0].startswith("resnet20_cifar10: ")


def test_of_networks_with_one_cell_each_all_are_shown(show, by_hand, small) -> None:
    by_hand.submit(dataclasses.replace(small, backbones=NETWORKS, strategies=("full_fine_tuning",)))
    assert show("compare").selectbox(key="compare-network").value == ""


def test_of_few_label_budgets_all_are_shown_and_curves_over_labels_need_them_all(show, by_hand, small, charts) -> None:
    by_hand.submit(dataclasses.replace(small, label_budgets=(50, 100)))
    by_hand.finish_all()
    app = show("compare")
    assert app.selectbox(key="compare-label-budget").value == ""
    curves = [alt for alt in charts(app) if "against the number of labelled images" in alt.lower()]
    app.selectbox(key="compare-label-budget").set_value("50").run()
    assert charts(app)[0].startswith("50 labels: ")
    assert [alt for alt in charts(app) if "against the number of labelled images" in alt.lower()] == curves


def test_alone_without_a_control_no_chart_waits_for_differences(show, by_hand, small, charts) -> None:
    by_hand.submit(dataclasses.replace(small, strategies=("full_fine_tuning",), controls=False))
    by_hand.finish_all()
    assert not any("nothing measured" in alt for alt in charts(show("compare")))


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


def press_bar(app, key: str, value: str):
    """Choose one of a segmented control, found by its key."""
    next(one for one in app.segmented_control if one.key == key).set_value(value).run()
    assert not app.exception
    return app


def test_drift_is_offered_where_a_panel_was_measured(show, by_hand, small, charts, words, finished_events) -> None:
    by_hand.submit(small)
    while by_hand.store.db.read("SELECT 1 FROM run WHERE state = 'queued'"):
        lease = by_hand.claim()
        moved = [events.PanelMeasured(3, unit, f"unit{unit}", {"drift": 0.01 * unit}, {}, 64) for unit in range(1, 11)]
        by_hand.write(lease, *finished_events(lease.spec), *moved)
        by_hand.leases.finish(lease, "finished", "", 1.0)
    app = show("compare")
    assert "drift of the features" in charts(app)[-1]
    assert "Least changed first: " in charts(app)[-1]
    assert "41.0 % for 0.055 drift" in charts(app)[-1]
    # by_hand's curves rise to their last epoch: nothing is gained by choosing
    assert "The best epoch is 0.0 points above the last one" in words(app)


def test_accuracy_against_what_was_forgotten(show, by_hand, small, charts, words, finished_events) -> None:
    by_hand.submit(small)
    while by_hand.store.db.read("SELECT 1 FROM run WHERE state = 'queued'"):
        lease = by_hand.claim()
        if lease.spec.strategy == "from_scratch":
            found = [events.ForgettingMeasured("", "", None, None, 0, 0, "nothing to forget")]
        else:
            kept = 0.8 - 0.02 * (10 - lease.spec.frozen_depth)
            found = [
                events.ForgettingMeasured("cifar10", "source_accuracy", 0.8, kept, 1000, 0),
                events.ForgettingMeasured("textures", "probe_accuracy", 0.5, kept - 0.3, 500, 200),
            ]
        by_hand.write(lease, *finished_events(lease.spec), *found)
        by_hand.leases.finish(lease, "finished", "", 1.0)
    app = show("compare")
    first = charts(app)[-1]
    assert "against source accuracy lost (points)" in first
    # freezing 4 of 10 loses 2 * 6 = 12 points, full fine-tuning 20
    assert "freezing 4 of 10 units 62.6 % for 12 points lost" in first
    assert "Least forgetful first: the linear probe" in first
    said = words(app)
    assert "nothing measured is both less forgetful and better" in said
    assert "cifar10: the source's classifier, 1,000 test images, 80.0 % before training" in said
    assert "Not drawn: 2 runs: nothing to forget." in said
    press_bar(app, "compare-forgetting", "held_lost")
    assert "against probe accuracy lost on held tasks (points)" in charts(app)[-1]
    assert "textures: a linear probe on 200 labels, 500 test images, 50.0 % before training" in words(app)


def test_a_budget_is_any_number_slid_or_typed(show, by_hand, small, words) -> None:
    by_hand.submit(small)
    by_hand.finish_all()
    app = show("compare")
    press_bar(app, "compare-cost", "trainable_parameters")
    assert "Best within 11 k parameters" in words(app)
    box = next(one for one in app.number_input if one.label == "Any budget (parameters)")
    box.set_value(5_000.0).run()
    # 1,000 parameters are frozen with each unit: 11,000 less at the linear probe, 7,000 at depth 4
    assert "Best within 5,000 parameters: the linear probe, 41.0 %" in words(app)
    slider = next(one for one in app.select_slider if one.label == "Budget")
    assert slider.value == 5_000.0
    slider.set_value(7_000.0).run()
    assert not app.exception
    assert next(one for one in app.number_input if one.label == "Any budget (parameters)").value == 7_000.0
    assert "Best within 7,000 parameters: freezing 4 of 10 units" in words(app)
    box = next(one for one in app.number_input if one.label == "Any budget (parameters)")
    box.set_value(1.0).run()
    assert "Nothing measured here costs as little as 1 parameters." in words(app)


def test_the_way_between_two_weights_has_a_slider(show, by_hand, small, charts, words, finished_events) -> None:
    by_hand.submit(dataclasses.replace(small, strategies=("wise_ft", "linear_probe", "from_scratch")))
    while by_hand.store.db.read("SELECT 1 FROM run WHERE state = 'queued'"):
        lease = by_hand.claim()
        line = []
        if lease.spec.strategy == "wise_ft":
            for alpha, accuracy, kept in ((0.0, 0.5, 0.6), (0.5, 0.75, 0.55), (1.0, 0.7, 0.3)):
                line.append(events.Interpolated(alpha, 1.0, accuracy, {"probe_accuracy": {"textures": kept}}))
        by_hand.write(lease, *finished_events(lease.spec), *line)
        by_hand.leases.finish(lease, "finished", "", 1.0)
    app = show("compare")
    assert "Line chart of accuracy in percent against alpha" in charts(app)[-1]
    assert "At alpha 0.5, by means over 2 seeds: digits (target) 75.0 % (50.0 before, 70.0 after)" in words(app)
    next(one for one in app.select_slider if one.label == "Alpha").set_value(0.0).run()
    assert not app.exception
    assert "At alpha 0, by means over 2 seeds: digits (target) 50.0 %" in words(app)


MOVED = ["units.0.1.running_mean", "units.0.1.running_var"]


def with_mistake(by_hand, small, finished_events, less: float = 0.05) -> None:
    """Six seeds; the mistake costs `less` at each of two depths."""
    by_hand.submit(
        dataclasses.replace(
            small, strategies=(*small.strategies, "moving_statistics"), frozen_depths=(4, 6), seeds=tuple(range(6))
        )
    )
    while by_hand.store.db.read("SELECT 1 FROM run WHERE state = 'queued'"):
        lease = by_hand.claim()
        told = finished_events(lease.spec)
        if lease.spec.strategy == "moving_statistics":
            gap = less + 0.001 * lease.spec.seed
            told = [
                dataclasses.replace(one, accuracy=one.accuracy - gap) if isinstance(one, events.Tested)
                else dataclasses.replace(one, after="b", changed=MOVED) if isinstance(one, events.FreezeChecked)
                else one
                for one in told
            ]  # fmt: skip
        by_hand.write(lease, *told)
        by_hand.leases.finish(lease, "finished", "", 1.0)


def test_a_mistake_is_compared_with_what_it_gets_wrong_and_nowhere_else(
    show, by_hand, small, charts, words, finished_events
) -> None:
    with_mistake(by_hand, small, finished_events)
    app = show("compare")
    first, *others = charts(app)
    assert first.startswith("Forest plot of accuracy with the mistake minus without it")
    # gaps .05 to .055 over six seeds: .0525 on average, at both depths
    assert "running statistics left on at frozen depth 4 of 10 -5.2 (6 pairs)" in first.replace("-5.3", "-5.2")
    assert len(others) == 3
    assert not any("statistics left on" in one for one in others)
    assert "Statistics left on, depth 4" not in list(app.dataframe[-1].value["cell"])
    said = words(app)
    assert "accuracy falls at frozen depth 4" in said
    assert "units.0.1.running_mean, units.0.1.running_var" in said
    assert "Negative transfer" not in said
    # proofs: the mistake's are told apart from those that are checked, in red
    assert "Frozen units unchanged: 18 of 18 runs" in said
    assert ":red-badge[:material/error: Frozen units CHANGED in 12 runs]" in said
    assert "changed a frozen tensor during training" not in said


def test_live_says_what_moved_and_draws_the_contestants_alone(
    show, by_hand, small, charts, words, finished_events
) -> None:
    with_mistake(by_hand, small, finished_events)
    app = show("live")
    said = words(app)
    assert "Frozen units CHANGED in 12 runs, on purpose to show the mistake. Changed: units.0.1.running_mean" in said
    assert "changed a frozen tensor during training" not in said
    assert not any("statistics left on" in one for one in charts(app)[:2])


def test_a_search_is_drawn_with_how_many_settings_each_was_given(show, by_hand, small, charts) -> None:
    by_hand.submit(dataclasses.replace(small, strategies=("full_fine_tuning",), search={"settings": 2}))
    by_hand.write(
        by_hand.claim(),
        events.TrialEnded(1, 0, 3, 0.02, {}, 0.5, 1.0),
        events.TrialEnded(2, 0, 3, 0.1, {}, 0.75, 0.9),
        events.SettingChosen(2, 0.1, {}, 0.75, 0.9),
    )
    drawn = " ".join(charts(show("compare")))
    assert "random search, 2 settings each, 6 epochs each" in drawn
    assert "Full fine-tuning 75.0 % after 6 epochs" in drawn


def test_the_cost_of_a_searched_run_is_whole_or_of_the_chosen_setting_alone(
    show, by_hand, small, charts, finished_events
) -> None:
    by_hand.submit(dataclasses.replace(small, strategies=("full_fine_tuning",), search={"settings": 2}, controls=False))
    cost = {"flops": 8e9, "search_flops": 6e9, "search_seconds": 3.0}
    while lease := by_hand.leases.claim(by_hand.token, "cpu"):
        by_hand.leases.append(lease, 0, finished_events(lease.spec))
        by_hand.leases.beat(by_hand.token, lease, {"done": 1.0, "cost": cost})
        by_hand.leases.finish(lease, "finished", "", 4.0)
    app = show("compare")
    assert "time of a run, search included (s)" in charts(app)[-1]
    (choice,) = [one for one in app.segmented_control if one.label == "Of searched runs"]
    choice.set_value("alone").run()
    assert "time of a run, chosen setting alone (s)" in charts(app)[-1]
    assert "for 1 s" in charts(app)[-1]
    runs = app.dataframe[-1].value
    assert runs["of it finding the setting (s)"].tolist() == [3.0]


def test_advice_is_graded_under_the_comparison(show, by_hand, small, words, finished_events) -> None:
    spec = dataclasses.replace(
        small, strategies=("linear_probe", "full_fine_tuning", "from_scratch"), seeds=(0,), label_budgets=(50,)
    )
    by_hand.submit(spec)
    for _ in range(3):
        lease = by_hand.claim()
        scores = [events.DepthMeasured(unit, f"unit{unit}", "logme", unit / 100, 40, 128) for unit in range(1, 11)]
        by_hand.write(lease, *finished_events(lease.spec), *(scores if lease.spec.strategy == "linear_probe" else []))
    said = words(show("compare"))
    assert "little data, near, so linear probe." in said
    assert "none has the 6 seeds that tell strategies apart" in said


def test_the_alarm_says_how_to_measure_the_distance_and_then_what_it_is(
    show, by_hand, small, words, finished_events
) -> None:
    import json

    from engine import task_queue

    by_hand.submit(dataclasses.replace(small, strategies=("full_fine_tuning", "from_scratch"), seeds=tuple(range(6))))
    for _ in range(12):
        lease = by_hand.claim()
        lower = 0.3 if lease.spec.strategy == "full_fine_tuning" else 0.6
        told = [
            dataclasses.replace(one, accuracy=lower + 0.001 * lease.spec.seed)
            if isinstance(one, events.Tested)
            else one
            for one in finished_events(lease.spec)
        ]
        by_hand.write(lease, *told)
        by_hand.leases.finish(lease, "finished", "", 1.0)
    app = show("compare")
    assert "The distance between the source's images and those of digits is not measured" in words(app)
    app.text_input(key="compare-distance-source").set_value("shapes:0").run()
    next(one for one in app.button if one.label == "Measure the distance").click().run()
    assert not app.exception
    (task,) = task_queue.list(by_hand.store, "distance")
    assert (task.payload["dataset"], task.payload["source"]) == ("digits", "shapes:0")
    distances = [
        {"score": "proxy_a_distance", "value": 1.9, "null": 0.1, "low": 1.8, "high": 2.0, "reason": ""},
        {"score": "frechet", "value": 0.5, "null": 0.01, "reason": ""},
    ]
    result = {"dataset": "digits", "source": "shapes:0", "n_images": 500, "distances": distances}
    with by_hand.store.db.write() as db:
        db.execute("UPDATE task SET state = 'finished', result = ?", (json.dumps(result),))
    app = show("compare")
    app.session_state["compare-distance-card-frechet"] = True
    app.run()
    said = words(app)
    assert "Frechet distance = " in said.replace("**", "")
    assert "Measured here: Proxy A-distance between digits and shapes:0" in said.replace("**", "")
    assert "1.90 of 2 (95 % interval 1.80 to 2.00; 0.10 between two halves of the source)" in said
    assert "is not measured" not in said


def test_zero_shot_is_a_missing_control_only_where_the_backbones_head_names_the_classes(
    show, by_hand, small, words, tmp_path
) -> None:
    from PIL import Image

    for name in ("cat", "dog"):
        (tmp_path / "pets" / name).mkdir(parents=True)
        for place in range(12):
            Image.new("RGB", (32, 32), (place * 20, 40, 90)).save(tmp_path / "pets" / name / f"{place}.png")
    by_hand.submit(small)
    by_hand.finish_all()
    assert "zero-shot" not in words(show("compare")).lower()
    pets = dataclasses.replace(
        small, datasets=(f"folder:{tmp_path / 'pets'}",), label_budgets=(), name="pets", controls=False
    )
    by_hand.submit(pets)
    by_hand.finish_all()
    said = words(show("compare"))
    assert "No zero-shot in this comparison" in said
    assert "what the labels add to the backbone's own answers" in said
    carried = dataclasses.replace(pets, controls=None)
    assert {one.run.strategy for one in plan(carried) if one.added} == {"zero_shot"}
    by_hand.submit(carried)
    by_hand.finish_all()
    assert "No zero-shot" not in words(show("compare"))


def test_curves_over_labels_are_of_the_strategies_that_are_chosen(show, by_hand, small, charts) -> None:
    by_hand.submit(dataclasses.replace(small, label_budgets=(50, 100), seeds=(0,)))
    by_hand.finish_all()
    app = show("compare")

    def drawn() -> str:
        return next(one for one in charts(app) if "against labelled images" in one)

    assert "training from scratch with 50 labels" in drawn()
    box = next(one for one in app.multiselect if one.label == "Curves over labels")
    assert len(box.value) == 4
    box.set_value(["linear_probe:10", "partial_fine_tuning:4"]).run()
    assert not app.exception
    assert "training from scratch" not in drawn()
    assert "freezing 4 of 10 units with 100 labels" in drawn()


def test_what_an_experiment_did_not_measure_is_offered(show, by_hand, small) -> None:
    by_hand.submit(small)
    by_hand.finish_all()
    labels = [one.proto.label for one in show("compare").get("page_link")]
    assert "The same, measuring what is forgotten" in labels
    assert "The same with several label budgets" in labels
    assert "The same, graded by the adviser" not in labels  # its probe measures LogME
