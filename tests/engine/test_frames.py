"""Frames: by hand from events appended by hand."""

from __future__ import annotations

import threading

import numpy as np
import pandas as pd
import pytest

from engine import events
from engine.errors import UnknownNameError
from engine.events import DepthMeasured, EpochEnded, FreezeChecked, Started
from engine.frames import COLUMNS, Frames, to_csv
from engine.leases import Leases

STARTED = Started(
    "cpu: CPU", "float32", ["stem", "block"], 100, 40, 16, 4, 8, ["a", "b"], "f", "random", {}, "global average"
)
CURVE = [EpochEnded(0, None, None, 0.69, 0.5, None), EpochEnded(1, 0.6, 0.625, 0.5, 0.75, 0.02)]
DEPTHS = [
    DepthMeasured(1, "stem", "probe_accuracy", 0.5, 8, 4),
    DepthMeasured(1, "stem", "knn_accuracy", None, 8, 4),
    DepthMeasured(2, "block", "probe_accuracy", 0.875, 8, 8),
]
PANEL = [
    events.PanelMeasured(0, 1, "stem", {"drift": 0.0, "logme": None}, {"logme": "no maximum"}, 12),
    events.PanelCost(0, 12, "ab", 0.5, None),
    events.PanelMeasured(1, 1, "stem", {"drift": 0.25, "logme": 0.125}, {}, 12),
    events.PanelCost(1, 12, "ab", 0.5, 10.0),
]
SIMILARITY = events.SimilarityMeasured(["stem", "block"], [[1.0, 0.5], [None, 0.75]], 12, 8, {"2,1": "does not vary"})
TESTED = events.Tested(0.75, 8, 0.75, 1, "best_validation", "ab")
ALL = [
    STARTED,
    *CURVE,
    FreezeChecked(3, "x", "x", []),
    TESTED,
    *DEPTHS,
    *PANEL,
    SIMILARITY,
    events.TrialEnded(1, 0, 3, 0.02, {}, None, None),
    events.TrialEnded(2, 0, 3, 0.1, {"rank": 4, "alpha": 2.5}, 0.5, 0.9, 6e6, 1.5, 30.0),
    events.TrialEnded(1, 1, 9, 0.02, {}, 0.25, 1.1),
    events.SettingChosen(2, 0.1, {"rank": 4, "alpha": 2.5}, 0.5, 0.9),
    events.Interpolated(0.5, 0.6, 0.75, {"probe_accuracy": {"textures": 0.5}}),
    events.ForgettingMeasured("textures", "probe_accuracy", 0.75, 0.5, 40, 20),
]


@pytest.fixture
def frames(store):
    return Frames(store)


@pytest.fixture
def claimed(store, make_run, make_spec):
    """One claimed run: its lease and the leases."""
    run = make_run(strategy="partial_fine_tuning", frozen_depth=1, label_budget=20)
    store.submit(make_spec(name="=pilot"), [(run, 2)])
    leases = Leases(store)
    return leases, leases.claim(leases.register("cpu"), "cpu")


def kinds(frame: pd.DataFrame) -> dict[str, str]:
    return {name: str(kind) for name, kind in frame.dtypes.items()}


@pytest.mark.parametrize("name", COLUMNS)  # those that are derived from these: see test_layer_transfer_frame
def test_columns_and_types_are_as_documented_also_when_empty(name, frames, claimed):
    leases, lease = claimed
    empty = Frames.frame(frames, name, "no such experiment")
    leases.append(lease, 0, ALL)
    full = frames.frame(name)
    assert empty.empty
    assert not full.empty
    assert list(empty.columns) == list(full.columns) == list(COLUMNS[name])
    assert kinds(empty) == kinds(full) == COLUMNS[name]
    assert isinstance(full.index, pd.RangeIndex)


def test_a_queued_run(store, frames, make_run, make_spec):
    store.submit(make_spec(), [(make_run(), 10)])
    (row,) = frames.frame("runs").to_dict("records")
    assert (row["state"], row["phase"], row["queue_position"], row["progress"]) == ("queued", "queued", 1, 0.0)
    assert row["frozen_depth"] == 0
    assert row["depth_fraction"] == 0.0
    for missing in ("label_budget", "started", "finished", "seconds", "test_accuracy", "val_accuracy", "test_n"):
        assert pd.isna(row[missing]), missing
    for name in ("learning_curve", "transfer_curve"):
        assert frames.frame(name).empty


def test_a_budget_in_words_counts_its_images_once_the_run_has_begun(store, frames, make_run, make_spec):
    store.submit(make_spec(), [(make_run(label_budget="5/class"), 2), (make_run(), 2)])
    shots, everything = frames.frame("runs").to_dict("records")
    assert (shots["budget"], everything["budget"]) == ("5/class", "all")
    assert pd.isna(shots["label_budget"])
    leases = Leases(store)
    leases.append(leases.claim(leases.register("cpu"), "cpu"), 0, [STARTED])
    shots, everything = frames.frame("runs").to_dict("records")
    assert shots["label_budget"] == STARTED.n_train + STARTED.n_validation
    assert pd.isna(everything["label_budget"])


def test_a_running_run(store, frames, claimed):
    leases, lease = claimed
    leases.append(lease, 0, ALL[:3])
    leases.beat(lease.token, lease, {"done": 0.5, "phase": "training", "eta_seconds": 7.5, "images_per_second": 99.0})
    (row,) = frames.frame("runs").to_dict("records")
    assert (row["state"], row["phase"], row["progress"], row["eta_seconds"]) == ("running", "training", 0.5, 7.5)
    assert row["images_per_second"] == 99.0
    assert row["val_accuracy"] == 0.75
    assert pd.isna(row["test_accuracy"])
    assert row["freeze_proof"] == ""
    assert pd.isna(row["queue_position"])
    assert row["started"].tz is not None


def test_a_finished_run(store, frames, claimed):
    leases, lease = claimed
    leases.append(lease, 0, ALL)
    leases.finish(lease, "finished", "", 3.5)
    (row,) = frames.frame("runs").to_dict("records")
    wanted = {
        "experiment": "=pilot",
        "backbone": "resnet20_cifar10",
        "dataset": "digits",
        "strategy": "partial_fine_tuning",
        "frozen_depth": 1,
        "n_units": 2,
        "depth_fraction": 0.5,
        "seed": 0,
        "label_budget": 20,
        "budget": "20",
        "weights": "random",
        "state": "finished",
        "attempt": 1,
        "message": "",
        "seconds": 3.5,
        "epochs": 1,
        "optimizer": "auto",
        "val_accuracy": 0.75,
        "test_accuracy": 0.75,
        "test_n": 8,
        "selection": "best_validation",
        "trainable_parameters": 40,
        "total_parameters": 100,
        "device": "cpu: CPU",
        "precision": "float32",
        "freeze_proof": "held",
        "progress": 1.0,
        "phase": "finished",
    }
    assert {name: row[name] for name in wanted} == wanted
    assert row["finished"] >= row["started"] >= row["created"]
    assert abs(row["created"] - pd.Timestamp.now("UTC")) < pd.Timedelta(minutes=5)
    assert pd.isna(row["eta_seconds"])
    assert pd.isna(row["learning_rate"])  # nobody planned this run


def test_the_learning_curve_by_hand(frames, claimed):
    leases, lease = claimed
    leases.append(lease, 0, ALL)
    frame = frames.frame("learning_curve")[["epoch", "split", "metric", "value"]]
    assert [tuple(row) for row in frame.itertuples(index=False)] == [
        (0, "validation", "accuracy", 0.5),
        (0, "validation", "loss", 0.69),
        (1, "train", "accuracy", 0.625),
        (1, "train", "loss", 0.6),
        (1, "validation", "accuracy", 0.75),
        (1, "validation", "loss", 0.5),
    ]


def test_the_transfer_curve_by_hand(frames, claimed):
    leases, lease = claimed
    leases.append(lease, 0, ALL)
    frame = frames.frame("transfer_curve")
    columns = ["unit", "unit_name", "depth_fraction", "frozen_depth", "metric", "value", "n_images"]
    rows = [tuple(None if pd.isna(x) else x for x in row) for row in frame[columns].itertuples(index=False)]
    assert rows == [
        (1, "stem", 0.5, 1, "test_accuracy", 0.75, 8),
        (1, "stem", 0.5, 1, "val_accuracy", 0.75, 4),
        (1, "stem", 0.5, 1, "probe_accuracy", 0.5, 8),
        (1, "stem", 0.5, 1, "knn_accuracy", None, 8),
        (2, "block", 1.0, 1, "probe_accuracy", 0.875, 8),
    ]
    assert set(frame["run_id"]) == {lease.spec.run_id}


def test_nothing_frozen_is_at_unit_zero(store, frames, make_run, make_spec):
    store.submit(make_spec(), [(make_run(), 2)])
    leases = Leases(store)
    leases.append(leases.claim(leases.register("cpu"), "cpu"), 0, [STARTED, TESTED])
    first = frames.frame("transfer_curve").iloc[0]
    assert (first["unit"], first["unit_name"], first["depth_fraction"]) == (0, "none", 0.0)


def test_a_broken_freeze_is_shown(frames, claimed):
    leases, lease = claimed
    leases.append(lease, 0, [STARTED, FreezeChecked(3, "x", "y", ["units.0.weight"])])
    assert frames.frame("runs")["freeze_proof"].tolist() == ["broken"]


def test_a_new_attempt_hides_the_one_before(store, frames, claimed):
    leases, lease = claimed
    leases.append(lease, 0, ALL)
    leases.finish(lease, "finished", "", 1.0)
    assert len(frames.frame("transfer_curve")) == 5
    store.run_again([lease.spec.run_id])
    assert frames.frame("transfer_curve").empty
    assert frames.frame("learning_curve").empty
    (row,) = frames.frame("runs").to_dict("records")
    assert (row["state"], row["attempt"]) == ("queued", 2)
    assert pd.isna(row["test_accuracy"])
    again = leases.claim(lease.token, "cpu")
    leases.append(again, 0, [STARTED, *CURVE[:1]])
    assert len(frames.frame("learning_curve")) == 2


def test_new_events_are_added_to_what_was_read(frames, claimed):
    leases, lease = claimed
    for n in range(1, len(ALL) + 1):
        leases.append(lease, 0, ALL[:n])
        assert frames.refresh() == frames.store.last_seq()
        assert frames.events(lease.spec.run_id, 1) == ALL[:n]


def test_a_shared_run_is_in_both_experiments_and_the_trash_is_not_shown(store, frames, make_run, make_spec):
    run = make_run()
    first = store.submit(make_spec(), [(run, 2)])
    second = store.submit(make_spec(seeds=(0, 1)), [(run, 2), (make_run(seed=1), 2)])
    assert len(frames.frame("runs")) == 3
    assert len(frames.frame("runs", second.experiment_id)) == 2
    store.trash(first.experiment_id)
    assert set(frames.frame("runs")["experiment_id"]) == {second.experiment_id}
    assert len(frames.frame("runs", first.experiment_id)) == 1


def test_an_altered_event_fails_its_run_by_name_and_no_other(store, frames, make_run, make_spec):
    store.submit(make_spec(seeds=(0, 1)), [(make_run(seed=seed), 2) for seed in (0, 1)])
    leases = Leases(store)
    token = leases.register("cpu")
    for _ in range(2):
        lease = leases.claim(token, "cpu")
        leases.append(lease, 0, ALL)
        leases.finish(lease, "finished", "", 1.0)
    broken = lease.spec.run_id
    with store.db.write() as db:
        db.execute(
            "UPDATE event SET body = replace(body, '0.75', '0.95') WHERE run_id = ? AND kind = 'tested'", (broken,)
        )
    for _ in range(2):
        runs = frames.frame("runs").set_index("run_id")
        assert runs["state"].to_dict()[broken] == "failed"
        assert "is not what was written" in runs.loc[broken, "message"]
        assert np.isnan(runs.loc[broken, "test_accuracy"])
        assert sorted(runs["state"]) == ["failed", "finished"]
        assert broken not in set(frames.frame("transfer_curve")["run_id"])
        assert broken not in set(frames.frame("learning_curve")["run_id"])
    store.run_again([broken])
    leases.append(leases.claim(token, "cpu"), 0, ALL)
    runs = frames.frame("runs").set_index("run_id")
    assert runs.loc[broken, "test_accuracy"] == 0.75
    assert runs.loc[broken, "message"] == ""


def test_threads_may_share_one(store, frames, claimed):
    leases, lease = claimed
    problems = []
    done = threading.Event()

    def look() -> None:
        while not done.is_set():
            try:
                frames.frame("learning_curve")
            except Exception as error:
                problems.append(error)
                return

    threads = [threading.Thread(target=look) for _ in range(3)]
    for thread in threads:
        thread.start()
    curve = [EpochEnded(n, 0.5, 0.5, 0.5, 0.5, 0.1) for n in range(30)]
    for n in range(1, 31):
        leases.append(lease, 0, curve[:n])
    done.set()
    for thread in threads:
        thread.join()
    assert problems == []
    assert len(frames.frame("learning_curve")) == 30 * 4


def test_an_unknown_frame_lists_the_known_ones(frames):
    with pytest.raises(UnknownNameError, match="Did you mean 'transfer_curve'"):
        frames.frame("transfercurve")


def test_a_spreadsheet_runs_no_name_as_a_formula(frames, claimed):
    text = to_csv(frames.frame("runs"))
    assert ",'=pilot," in text
    frame = pd.DataFrame({"a": ["-1", "@x", "+1", "fine", "a=b", ""], "b": [-1.0, 2, 3, 4, 5, 6]})
    assert to_csv(frame).splitlines() == ["a,b", "'-1,-1.0", "'@x,2.0", "'+1,3.0", "fine,4.0", "a=b,5.0", ",6.0"]


def test_a_score_without_a_value_has_its_reason(frames, claimed):
    leases, lease = claimed
    refused = DepthMeasured(2, "block", "h_score", None, 0, 8, {"reason": "4 samples of 8 features"})
    leases.append(lease, 0, [STARTED, DepthMeasured(1, "stem", "logme", 0.5, 8, 4, {"rank": 3}), refused])
    one, two = frames.frame("transfer_curve").to_dict("records")
    assert (one["value"], one["reason"], one["n_features"], one["detail"]) == (0.5, "", 4, '{"rank": 3}')
    assert one["pooling"] == "global_average"
    assert pd.isna(two["value"])
    assert (two["reason"], two["detail"]) == ("4 samples of 8 features", "{}")


def test_the_panel_has_a_row_per_epoch_unit_and_measure_and_its_cost(frames, claimed):
    leases, lease = claimed
    leases.append(lease, 0, [STARTED, *PANEL])
    panel = frames.frame("panel").set_index(["epoch", "unit", "metric"])
    assert panel["value"][1, 1, "drift"] == 0.25
    assert pd.isna(panel["value"][0, 1, "logme"])
    assert panel["reason"][0, 1, "logme"] == "no maximum"
    assert panel["value"][1, 0, "cost_share"] == 0.05
    assert (0, 0, "cost_share") not in panel.index
    assert len(panel) == 7


def test_the_similarity_has_a_row_per_pair_of_units(frames, claimed):
    leases, lease = claimed
    leases.append(lease, 0, [STARTED, SIMILARITY])
    rows = frames.frame("similarity").set_index(["unit_a", "unit_b"])
    assert rows["value"][1, 2] == 0.5
    assert rows["reason"][2, 1] == "does not vary"
    assert rows["unit_b_name"][1, 2] == "block"


def test_what_a_run_took_is_in_its_row(frames, claimed):
    leases, lease = claimed
    assert frames.frame("runs")["flops"].isna().all()
    cost = {"flops": 1e9, "peak_memory_bytes": 500, "energy_joules": 2.5, "energy_source": "estimated"}
    leases.beat(lease.token, lease, {"done": 1.0, "cost": cost})
    leases.finish(lease, "finished", "", 1.0)
    row = frames.frame("runs").iloc[0]
    assert {name: row[name] for name in cost} == cost
    assert np.isnan(row["train_images_per_second"])  # not known, where a head was solved


def test_of_a_searched_run_the_cost_is_whole_and_what_an_earlier_version_counted_is_left_out(
    frames, store, make_run, make_spec
):
    leases = Leases(store)
    asked = {"method": "random", "settings": 3}
    spec = make_spec(search=asked, strategies=("full_fine_tuning", "lora"))
    runs = [make_run(strategy=name, frozen_depth=0, search=asked) for name in spec.strategies]
    store.submit(spec, [(one, 2) for one in runs])
    token = leases.register("cpu")
    costs = [{"flops": 5.0, "energy_joules": 9.0, "energy_source": "RAPL"}]
    costs.append(costs[0] | {"search_flops": 4.0, "search_seconds": 3.0, "search_energy_joules": 7.0})
    for cost in costs:
        lease = leases.claim(token, "cpu")
        leases.beat(token, lease, {"done": 1.0, "cost": cost})
        leases.finish(lease, "finished", "", 6.0)
    rows = frames.frame("runs")
    measured = ["flops", "energy_joules", "search_flops", "search_seconds", "search_energy_joules"]
    assert rows[measured].iloc[0].isna().all()
    assert rows[measured].iloc[1].tolist() == [5.0, 9.0, 4.0, 3.0, 7.0]
    assert rows["seconds"].tolist() == [6.0, 6.0], "a run's seconds were always of all that it worked"


def test_what_changed_is_named(frames, claimed):
    leases, lease = claimed
    leases.append(lease, 0, [STARTED, FreezeChecked(3, "x", "y", ["bn.running_mean", "bn.running_var"])])
    row = frames.frame("runs").iloc[0]
    assert (row["freeze_proof"], row["freeze_changed"]) == ("broken", "bn.running_mean, bn.running_var")


def test_search_has_a_row_per_setting_with_what_was_spent_and_the_best_so_far(frames, claimed):
    leases, lease = claimed
    leases.append(lease, 0, ALL)
    rows = frames.frame("search")
    assert rows[["trial", "rung", "epochs", "epochs_spent"]].to_numpy().tolist() == [
        [1, 0, 3, 3],
        [2, 0, 3, 6],
        [1, 1, 9, 15],
    ]
    assert rows["settings"].tolist() == ["", "alpha=2.5, rank=4", ""]
    assert rows["chosen"].tolist() == [False, True, False]
    assert np.isnan(rows["best_accuracy"][0])
    assert rows["best_accuracy"].tolist()[1:] == [0.5, 0.5]
    took = rows[["flops", "seconds", "energy_joules"]]
    assert took.iloc[1].tolist() == [6e6, 1.5, 30.0]
    assert took.iloc[[0, 2]].isna().all(axis=None), "not known in events of earlier versions"


def test_runs_say_how_they_were_trained_and_set_where_it_differs(frames, store, make_run, make_spec):
    asked = make_spec(train={"epochs": 5, "learning_rate": 0.1}, search={"method": "grid", "settings": 6})
    store.submit(asked, [(make_run(strategy="lora", frozen_depth=0, settings={"rank": 4}), 2)])
    row = frames.frame("runs").iloc[0]
    assert (row["settings"], row["training"]) == (
        "rank=4",
        "epochs=5, learning_rate=0.1, precision=float32, search=grid:6",
    )
    assert pd.isna(row["n_classes"])


def test_weights_between_two_give_a_row_for_the_target_and_for_every_other_task(frames, claimed):
    leases, lease = claimed
    leases.append(lease, 0, ALL)
    rows = frames.frame("interpolation")
    assert rows[["alpha", "metric", "task", "value"]].to_dict("split")["data"] == [
        [0.5, "accuracy", "", 0.75],
        [0.5, "loss", "", 0.6],
        [0.5, "probe_accuracy", "textures", 0.5],
    ]


def test_forgetting_is_before_minus_after(frames, claimed):
    leases, lease = claimed
    leases.append(lease, 0, ALL)
    (row,) = frames.frame("forgetting").to_dict("records")
    assert (row["run_id"], row["task"], row["measure"]) == (lease.spec.run_id, "textures", "probe_accuracy")
    assert (row["before"], row["after"], row["drop"], row["n_images"], row["n_labels"]) == (0.75, 0.5, 0.25, 40, 20)


def test_intervals_of_scores_are_columns(frames, claimed):
    leases, lease = claimed
    kind = "random three quarters, 20 resamples"
    whole = DepthMeasured(1, "stem", "logme", 0.5, 8, 4, {}, 0.25, 0.75, kind)
    without = DepthMeasured(2, "block", "logme", 0.5, 8, 4, {}, None, None, "no interval: too few")
    leases.append(lease, 0, [STARTED, whole, without])
    one, two = frames.frame("transfer_curve").to_dict("records")
    assert (one["low"], one["high"], one["interval"]) == (0.25, 0.75, kind)
    assert pd.isna(two["low"])
    assert two["interval"] == "no interval: too few"
