"""The live path: from Run to the first point, and what an open dashboard costs the training.

    python tests/benchmarks/live_path.py [--pairs 5] [--skip-browser]

1. First point: seconds from `service.queue` (what the Run button does) to the first measured depth in the store, with a
   worker that is warm (as the dashboard keeps it) beside one that has to start.
2. Quick: seconds until the whole preset `quick` has ended, warm.
3. Slow-down: seconds of one training with the Live page open in a real Chromium beside the same training without a
   dashboard; gate: the trained weights are the same bits.
4. Control: the same training beside a process that has nothing to do with it and computes, without touching memory, for as
   large a share of a core as server and browser took: what this machine takes for being used at all.
"""

from __future__ import annotations

import argparse
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from _pairs import alternate, report

from engine import service
from engine.events import DepthMeasured, Tested
from engine.leases import Leases
from engine.presets import PRESETS
from engine.spec import ExperimentSpec, TrainSpec
from engine.store import Store

TRAINING = ExperimentSpec(
    strategies=("full_fine_tuning",), seeds=(0,), label_budgets=(500,), measures=(), train=TrainSpec(epochs=20),
    controls=False,
)  # fmt: skip


def first_point(warm: bool) -> float:
    """Seconds from Run to the first depth measured, in a fresh home."""
    with home() as store:
        if warm:
            service.ensure_worker(store)
            until(lambda: any(worker["speed"] for worker in Leases(store).workers()))
        began = time.perf_counter()
        service.queue(store, PRESETS["quick"].spec)
        until(lambda: any(event.kind == DepthMeasured.kind for event in store.tail()))
        return time.perf_counter() - began


def whole_preset() -> float:
    """Seconds from Run to the end of the quick preset, with a warm worker."""
    with home() as store:
        service.ensure_worker(store)
        until(lambda: any(worker["speed"] for worker in Leases(store).workers()))
        began = time.perf_counter()
        submission = service.queue(store, PRESETS["quick"].spec)
        for runs in service.wait(store, submission.experiment_id, every=0.1):
            ended = runs
        assert all(run["state"] == "finished" for run in ended), [run["message"] for run in ended]
        return time.perf_counter() - began


class Training:
    """One training, again and again in one home with one warm worker, with and without a page that watches it."""

    def __init__(self, store: Store) -> None:
        self.store, self.weights = store, set()
        self.seconds()  # the first one decodes the images and sets kernels up

    def seconds(self) -> float:
        """Seconds that the worker worked on it."""
        submission = service.queue(self.store, TRAINING, again=True)
        for runs in service.wait(self.store, submission.experiment_id, every=0.1):
            ended = runs
        assert ended[0]["state"] == "finished", ended[0]["message"]
        tested = [one.parsed() for one in self.store.events(ended[0]["run_id"]) if one.kind == Tested.kind]
        self.weights.add(tested[0].weights_sha256)
        return ended[0]["seconds"]

    def watched(self) -> float:
        """The same with the Live page open."""
        with dashboard(self.store.home) as url, page(f"{url}/live?experiment={TRAINING.experiment_id}"):
            return self.seconds()

    def beside_a_load(self, share: float) -> float:
        """The same with an unrelated process that computes for a share of the time, in slices of 20 ms."""
        code = f"""
import time
while True:
    until = time.perf_counter() + 0.02 * {share}
    while time.perf_counter() < until: pass
    time.sleep(0.02 * (1 - {share}))
"""
        process = subprocess.Popen([sys.executable, "-c", code])
        try:
            return self.seconds()
        finally:
            process.kill()
            process.wait()


@contextmanager
def home() -> Iterator[Store]:
    """A fresh home directory; its worker is ended with it."""
    folder = Path(tempfile.mkdtemp(prefix="transferscope-benchmark-"))
    store = Store(folder)
    try:
        yield store
    finally:
        import psutil

        for worker in Leases(store).workers():
            psutil.Process(worker["pid"]).kill()
        store.close()
        shutil.rmtree(folder, ignore_errors=True)


def until(condition: object, seconds: float = 120) -> None:
    """Wait for a condition, looking fifty times a second."""
    deadline = time.perf_counter() + seconds
    while not condition():  # type: ignore[operator]
        if time.perf_counter() > deadline:
            raise TimeoutError("this should not take so long")
        time.sleep(0.02)


@contextmanager
def dashboard(folder: Path) -> Iterator[str]:
    """The dashboard as a process on a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "dashboard", "--no-browser", "--port", str(port), "--home", str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until(lambda: answers(f"http://127.0.0.1:{port}/_stcore/health"))
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def answers(url: str) -> bool:
    """Whether a server is there."""
    try:
        with urllib.request.urlopen(url, timeout=1):
            return True
    except OSError:
        return False


@contextmanager
def page(url: str) -> Iterator[None]:
    """A real Chromium that shows a page until the block ends."""
    from playwright.sync_api import sync_playwright

    executable = next(filter(None, map(shutil.which, ("chromium", "google-chrome", "chrome"))))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox", "--disable-gpu"])
        shown = browser.new_page()
        shown.goto(url)
        shown.wait_for_selector(".js-plotly-plot", timeout=60_000)
        yield
        browser.close()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--skip-browser", action="store_true")
    parser.add_argument("--load", type=float, default=0.2, help="share of a core of the control (default: 0.2)")
    args = parser.parse_args()
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before")
    print("first point: warm worker, cold worker")
    report("cold / warm", alternate(lambda: first_point(True), lambda: first_point(False), args.pairs))
    print(f"quick preset, warm worker: {whole_preset():.1f} s in all")
    if not args.skip_browser:
        with home() as store:
            training = Training(store)
            print("training: alone, with the Live page open")
            report("watched / alone", alternate(training.seconds, training.watched, args.pairs))
            print(f"training: alone, beside an unrelated load of {args.load:.0%} of a core")
            report("loaded / alone", alternate(training.seconds, lambda: training.beside_a_load(args.load), args.pairs))
            print(f"accuracy gate: {'same bits every time' if len(training.weights) == 1 else 'WEIGHTS DIFFER'}")


if __name__ == "__main__":
    main()
