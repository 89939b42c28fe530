"""A run on a dataset that is not here: the worker downloads it, says how far it is, stops when asked, and says what failed."""

from __future__ import annotations

import importlib.util
import sys
import threading
import time
from pathlib import Path

import pytest

from engine import cli, downloads, execute
from engine.control import Cancelled, Control
from engine.datasets._known import known
from engine.device import cpu
from engine.errors import DownloadError
from engine.events import Event
from engine.spec import RunSpec, TrainSpec


@pytest.fixture
def server(monkeypatch):
    """MNIST's stand-in on a local server."""
    path = Path(__file__).parent / "datasets" / "stand_ins.py"
    spec = importlib.util.spec_from_file_location("stand_ins", path)
    module = sys.modules["stand_ins"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(downloads, "WAIT_SECONDS", 0.01)
    with module.serving() as running:
        monkeypatch.setitem(known(), "mnist", module.served(known()["mnist"], running))
        yield running


@pytest.fixture
def run(tiny) -> RunSpec:
    train = TrainSpec(epochs=1, batch_size=8, precision="float32")
    return RunSpec(tiny, "mnist", "full_fine_tuning", 0, 0, "1/class", "random", (), train)


class Watched(Control):
    """A control that remembers what it was told."""

    def __init__(self) -> None:
        super().__init__()
        self.phases: list[str] = []

    def tell(self, phase: str, share: float) -> None:
        super().tell(phase, share)
        self.phases.append(self.progress.phase)


def test_the_run_downloads_first_and_the_next_does_not(run, server, home):
    control = Watched()
    events = [item for item in execute.execute(run, cpu(), home=home, control=control) if isinstance(item, Event)]
    started = events[0]
    assert (started.n_train, started.n_validation, started.n_test) == (10, 10, 30)
    assert control.phases[0] == "downloading mnist (0 MB), 0%"
    assert any(phase.startswith("unpacking mnist") for phase in control.phases)
    assert events[-1].kind == "tested"
    asked = len(server.asked)
    again = Watched()
    list(execute.execute(run, cpu(), home=home, control=again))
    assert len(server.asked) == asked
    assert not any("mnist" in phase for phase in again.phases)


def test_a_stop_during_the_download_acts_within_three_seconds_and_leaves_nothing(run, server, home):
    server.silent_after["mnist/train-images-idx3-ubyte.gz"] = 100
    control = Control()
    pressed: list[float] = []

    def press() -> None:
        while not control.progress.phase.startswith("downloading"):
            time.sleep(0.01)
        time.sleep(0.3)
        pressed.append(time.monotonic())
        control.stop = True

    presser = threading.Thread(target=press)
    presser.start()
    with pytest.raises(Cancelled):
        list(execute.execute(run, cpu(), home=home, control=control))
    took = time.monotonic() - pressed[0]
    presser.join()
    assert took < 3
    assert [one.name for one in (home / "datasets").iterdir() if not one.name.endswith(".lock")] == []


def test_what_failed_is_the_runs_message(run, server, home):
    server.files["mnist/t10k-labels-idx1-ubyte.gz"] += b"?"
    with pytest.raises(
        DownloadError, match=r"MNIST: t10k-labels.*not what was published.*Nothing was kept.*Its page: http"
    ):
        list(execute.execute(run, cpu(), home=home))


def test_the_plan_says_what_will_be_downloaded(tmp_path, capsys, make_spec):
    file = tmp_path / "spec.toml"
    file.write_text(make_spec(datasets=("cifar10",), label_budgets=("5/class",)).to_toml())
    assert cli.main(["plan", str(file), "--home", str(tmp_path / "home")]) == 0
    out = capsys.readouterr().out
    assert "The first run downloads CIFAR-10: 170 MB, once; licence: not stated by its authors" in out
    assert "labels 5/class" in out
