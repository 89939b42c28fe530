"""What the pages share is made once: frames while nothing changed, charts once per content."""

from __future__ import annotations

import dataclasses
import gc
import weakref

import pandas as pd
import plotly.graph_objects as go
import pytest

from dashboard import drawn, reader, state
from dashboard.figures import Drawn
from dashboard.reader import Reader


@pytest.fixture
def home(by_hand, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRANSFERSCOPE_HOME", str(by_hand.store.home))
    monkeypatch.setenv(state.NO_WORKER, "1")


def test_a_heartbeat_changes_runs_and_no_curve(by_hand, small) -> None:
    submission = by_hand.submit(small)
    other = by_hand.submit(dataclasses.replace(small, seeds=(9,)))
    by_hand.finish(by_hand.claim())
    lease = by_hand.claim()
    read = Reader(str(by_hand.store.home))
    names = ("runs", "transfer_curve", "learning_curve")
    before = {name: read.frame(name, submission.experiment_id) for name in names}
    others = {name: read.frame(name, other.experiment_id) for name in names}
    assert all(read.frame(name, submission.experiment_id) is before[name] for name in names)
    by_hand.leases.beat(by_hand.token, lease, {"phase": "training", "done": 0.5})
    after = {name: read.frame(name, submission.experiment_id) for name in names}
    assert [after[name] is before[name] for name in names] == [False, True, True]
    by_hand.finish(lease)
    assert len(read.frame("transfer_curve", submission.experiment_id)) > len(before["transfer_curve"])
    assert read.frame("transfer_curve", other.experiment_id) is others["transfer_curve"]
    read.store.close()


def test_frames_kept_are_bounded(by_hand, small, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "KEPT", 2)
    submission = by_hand.submit(small)
    read = Reader(str(by_hand.store.home))
    first = read.frame("runs", submission.experiment_id)
    for name in ("transfer_curve", "learning_curve"):
        read.frame(name, submission.experiment_id)
    assert read.frame("runs", submission.experiment_id) is not first
    read.store.close()


@pytest.fixture
def drawings() -> tuple[list[bool], object]:
    """A figure that counts how often it is drawn."""
    calls: list[bool] = []

    def figure(frame: pd.DataFrame, *, dark: bool, uirevision: str = "") -> Drawn:
        calls.append(dark)
        return Drawn(go.Figure(), str(len(frame)), "alt", "reading", frame)

    return calls, figure


@pytest.mark.usefixtures("home")
def test_a_chart_is_drawn_once_per_content(drawings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawn, "PATIENCE", 0.0)
    calls, figure = drawings
    one = state.chart("here", figure, pd.DataFrame({"a": ["x", None], "b": pd.array([1, None], dtype="Int64")}))
    same = state.chart("here", figure, pd.DataFrame({"a": ["x", None], "b": pd.array([1, None], dtype="Int64")}))
    assert same is one
    assert calls == [False]
    assert one.dark_json == same.dark_json  # drawn when a dark page asks for it, once
    assert calls == [False, True]
    assert state.chart("here", figure, pd.DataFrame({"a": ["y"]})) is not one
    assert state.chart("here", figure, pd.DataFrame({"b": ["y"]})).light.title == "1"
    assert state.chart("here", figure, pd.DataFrame({"a": ["y"]}), uirevision="other").light.title == "1"
    assert len(calls) == 5


@pytest.mark.usefixtures("home")
def test_a_slow_chart_of_growing_data_waits_but_a_new_choice_does_not(
    drawings, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls, figure = drawings
    now = [100.0]

    def clock() -> float:
        now[0] += 1.0  # so every drawing takes a second
        return now[0]

    monkeypatch.setattr(drawn.time, "monotonic", clock)
    first = state.chart("slow", figure, pd.DataFrame({"a": [1]}))
    assert state.chart("slow", figure, pd.DataFrame({"a": [1, 2]})) is first
    assert state.chart("slow", figure, pd.DataFrame({"a": [1, 2]}), uirevision="chosen").light.title == "2"
    now[0] += 5.0
    assert state.chart("slow", figure, pd.DataFrame({"a": [1, 2]})).light.title == "2"
    assert len(calls) == 3


def test_what_is_derived_goes_with_its_frame() -> None:
    calls = []

    def doubled(frame: pd.DataFrame) -> pd.DataFrame:
        calls.append(1)
        return frame * 2

    source = pd.DataFrame({"a": [1]})
    assert state.derived(doubled, source) is state.derived(doubled, source)
    assert len(calls) == 1
    gone = weakref.ref(source)
    del source
    gc.collect()
    assert gone() is None  # keeping what is derived does not keep the frame


@pytest.mark.usefixtures("home")
def test_a_server_may_leave_workers_alone(by_hand, small, monkeypatch: pytest.MonkeyPatch) -> None:
    started = []
    monkeypatch.setattr(state, "ensure_worker", started.append)
    monkeypatch.setattr(state.st, "session_state", {})
    by_hand.leases.unregister(by_hand.token)
    assert state.launch(small).queued
    assert started == []
    monkeypatch.delenv(state.NO_WORKER)
    assert state.launch(small).queued == ()
    assert started == []  # nothing waits that was not there before
    state.launch(dataclasses.replace(small, seeds=(11,)))
    assert len(started) == 1


def test_looking_after_goes_on_after_an_error(by_hand, monkeypatch: pytest.MonkeyPatch, caplog) -> None:
    read, calls = Reader(str(by_hand.store.home)), []

    def supervise(_: object) -> None:
        calls.append(1)
        if len(calls) == 1:
            raise OSError("no space left")
        raise KeyboardInterrupt  # ends the test

    monkeypatch.setattr(reader, "ensure_worker", lambda _: None)
    monkeypatch.setattr(reader, "supervise", supervise)
    monkeypatch.setattr(reader, "SUPERVISE_SECONDS", 0.0)
    with pytest.raises(KeyboardInterrupt):
        read.look_after()
    assert "no space left" in caplog.text
    read.store.close()
