"""The worker: `python -m engine.worker --home DIR`. Claims queued runs one by one, computes, reports, heartbeats.

With `--files` it is the worker of files instead: it does the background tasks that need no torch, and loads none.

Before it takes anything it looks whether the code on disk is still the code it was started from. Where it is not, it leaves the
device and starts itself anew: nobody else needs to notice, and no run is computed by code that is gone.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import threading
import time
import traceback
from pathlib import Path

from engine import code_version, renewal, task_queue, task_worker
from engine.control import Cancelled, Control
from engine.errors import StaleLeaseError, StoreError, TransferscopeError
from engine.events import Diverged, Event
from engine.leases import FILES, REPLACED, Lease, Leases
from engine.store import Store

BEAT_SECONDS = 0.5
FLUSH_SECONDS = 0.2
CHECKPOINT_SECONDS = 5.0
POLL_SECONDS = 0.2
IDLE_SECONDS = 900.0
FILES_IDLE_SECONDS = 120.0
"""The worker of files starts in half a second: it need not be kept warm for long."""
SETTLED_SECONDS = 10.0
"""Idle for so long, the speed is measured once more: at the start the dashboard was starting too, on the same cores."""


class Reporter:
    """Carries events and heartbeats of one run to the store from a thread of its own, so that no event waits for a step."""

    def __init__(self, leases: Leases, lease: Lease, control: Control, emitted: int) -> None:
        self.leases, self.lease, self.control = leases, lease, control
        self.written = self.emitted = emitted
        self.lost: Exception | None = None
        self._waiting: list[Event] = []
        self._lock, self._ended = threading.Lock(), threading.Event()
        self._thread = threading.Thread(target=self._loop, daemon=True)
        self._thread.start()

    def emit(self, event: Event) -> None:
        """Hand an event over; it is in the store at most 200 ms later."""
        with self._lock:
            self._waiting.append(event)
            self.emitted += 1

    def flush(self) -> None:
        """Write what waits, now. Raises StaleLeaseError if the run is no longer ours."""
        with self._lock:
            if self._waiting:
                self.leases.append(self.lease, self.written, self._waiting)
                self.written += len(self._waiting)
                self._waiting = []

    def close(self) -> None:
        """Stop the thread; nothing is written any more."""
        self._ended.set()
        self._thread.join()

    def _loop(self) -> None:
        beaten = 0.0
        while not self._ended.wait(FLUSH_SECONDS):
            try:
                self.flush()
                if time.monotonic() - beaten >= BEAT_SECONDS:
                    beaten = time.monotonic()
                    if self.leases.beat(self.lease.token, self.lease, self.control.progress.to_dict()):
                        self.control.stop = True
            except Exception as error:  # kept for the run's own thread: a broken reporter must stop the computation
                self.lost, self.control.stop = error, True
                return


class Worker:
    """One process on one device."""

    def __init__(self, home: Path, device: str | None) -> None:
        self.home, self.device = home, device
        self.store = Store(home)
        self.leases = Leases(self.store)
        self.slot = device or "auto"

    def serve(self, idle_seconds: float) -> int:
        """Work until nothing has been queued for `idle_seconds`, or the code changes.

        Returns:
            The exit code: 0 also if the device is taken; `renewal.CHANGED` where work waits that new code should do.
        """
        token = self.leases.register(self.slot)
        if token is None:
            return 0
        try:
            self._load(token)
            return self._loop(token, idle_seconds)
        except StaleLeaseError:
            return REPLACED
        finally:
            self.leases.unregister(token)

    def _load(self, token: int) -> None:
        # Loading torch takes seconds: the registration above already tells others not to start a second worker.
        loading = threading.Event()
        loaded = threading.Thread(target=self._beat_while, args=(token, loading))
        loaded.start()
        try:
            from engine import device as devices
            from engine.depths import Caches

            chosen = devices.choose(self.device)
            devices.prepare(chosen)
            speed = devices.training_speed(chosen)
        finally:
            loading.set()
            loaded.join()
        self.leases.introduce(token, chosen.description, speed)
        self.chosen, self.shared, self.speed = chosen, Caches(), speed

    def _beat_while(self, token: int, ended: threading.Event) -> None:
        while not ended.wait(BEAT_SECONDS):
            self.leases.beat(token)

    def _loop(self, token: int, idle_seconds: float) -> int:
        idle_since = beaten = time.monotonic()
        settled = False
        while time.monotonic() - idle_since < idle_seconds:
            if (self.leases.waiting() or task_queue.waiting(self.store, torch=True)) and renewal.due():
                return renewal.CHANGED
            # Tasks first: somebody waits for them before the next page, and they take seconds.
            task = task_queue.claim(self.store, token, torch=True)
            if task is not None:
                task_worker.do(self.store, task, self.chosen)
                renewal.worked()
                idle_since = time.monotonic()
                continue
            lease = self.leases.claim(token, self.chosen.name)
            if lease is None:
                if not settled and time.monotonic() - idle_since > SETTLED_SECONDS:
                    settled = True
                    self._measure_again(token)
                if time.monotonic() - beaten > BEAT_SECONDS * 4:
                    self.leases.beat(token)
                    beaten = time.monotonic()
                time.sleep(POLL_SECONDS)
                continue
            self._run(lease)
            renewal.worked()
            idle_since = time.monotonic()
        return 0

    def _measure_again(self, token: int) -> None:
        from engine.device import training_speed

        self.speed = max(self.speed, training_speed(self.chosen))
        self.leases.introduce(token, self.chosen.description, self.speed)

    def _run(self, lease: Lease) -> None:
        from engine import checkpoints

        began = time.monotonic()
        state, emitted, damage = checkpoints.newest(self.home, lease)
        control = Control()
        reporter = Reporter(self.leases, lease, control, emitted)
        outcome, message = "failed", ""
        try:
            outcome, message = self._compute(lease, control, reporter, state)
        except Cancelled:
            outcome, message = "cancelled", "stopped by the user; what was learned until then is kept"
            if isinstance(reporter.lost, StaleLeaseError):
                raise reporter.lost from None
            if reporter.lost:
                outcome, message = "interrupted", f"what was measured could not be stored: {reporter.lost}"
        except StaleLeaseError:
            raise
        except StoreError as error:  # a full disk, mostly: what is stored is good, and the run can go on from there
            outcome, message = "interrupted", str(error)
        except TransferscopeError as error:
            message = str(error)
        except MemoryError:
            message = OUT_OF_MEMORY
        except Exception as error:  # a run must never take the worker with it; the log has the traceback
            traceback.print_exc()
            message = OUT_OF_MEMORY if _is_out_of_memory(error) else f"unexpected {type(error).__name__}: {error}"
        finally:
            reporter.close()
        reporter.flush()
        if outcome == "finished":
            self.leases.beat(lease.token, lease, control.progress.to_dict())  # what it took stays in the run's row
        self.leases.finish(lease, outcome, "; ".join(filter(None, [message, damage])), time.monotonic() - began)
        if outcome in ("finished", "diverged"):
            checkpoints.discard(self.home, lease.spec.run_id)

    def _compute(self, lease: Lease, control: Control, reporter: Reporter, state: dict | None) -> tuple[str, str]:
        from engine import checkpoints
        from engine.execute import execute

        saved, outcome = time.monotonic(), ("finished", "")
        work = execute(lease.spec, self.chosen, home=self.home, control=control, shared=self.shared, resume=state)
        for item in work:
            if isinstance(item, Event):
                reporter.emit(item)
                if isinstance(item, Diverged):
                    outcome = ("diverged", item.reason)
            elif time.monotonic() - saved >= CHECKPOINT_SECONDS:
                # Events first: a checkpoint must never be ahead of what the store has acknowledged.
                reporter.flush()
                checkpoints.save(self.home, lease, item.state(), reporter.emitted)
                self.leases.forgive(lease)
                saved = time.monotonic()
        return outcome


def serve_files(home: Path, idle_seconds: float) -> int:
    """Do tasks without torch until none has been queued for `idle_seconds`. Returns the exit code as `Worker.serve`."""
    store = Store(home)
    leases = Leases(store)
    token = leases.register(FILES)
    if token is None:
        return 0
    idle_since = beaten = time.monotonic()
    try:
        while time.monotonic() - idle_since < idle_seconds:
            if task_queue.waiting(store, torch=False) and renewal.due():
                return renewal.CHANGED
            task = task_queue.claim(store, token, torch=False)
            if task is not None:
                task_worker.do(store, task)
                renewal.worked()
                idle_since = time.monotonic()
                continue
            if time.monotonic() - beaten > BEAT_SECONDS * 4:
                leases.beat(token)
                beaten = time.monotonic()
            time.sleep(POLL_SECONDS)
    except StaleLeaseError:
        return REPLACED
    finally:
        leases.unregister(token)
    return 0


OUT_OF_MEMORY = (
    "out of memory. Run it again with a smaller batch size, a smaller backbone, or a larger frozen depth"
    " (frozen units keep no activations)"
)


def _is_out_of_memory(error: Exception) -> bool:
    text = str(error).lower()
    return type(error).__name__ == "OutOfMemoryError" or "can't allocate memory" in text or "not enough memory" in text


def main(argv: list[str] | None = None) -> int:
    """Run a worker in this process."""
    parser = argparse.ArgumentParser(prog="python -m engine.worker", description="Compute queued runs.")
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--device", help="torch's name of a device; default: the best there is")
    parser.add_argument("--files", action="store_true", help="do the tasks without torch instead")
    parser.add_argument("--idle-seconds", type=float)
    args = parser.parse_args(argv)
    # Threads that wait for each other must sleep, not spin: with a browser on the same two cores, spinning trains 10 to 90
    # times slower (measured). Read by OpenMP when torch is loaded.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    with contextlib.suppress(OSError, AttributeError):
        os.nice(max(0, 5 - os.nice(0)))  # the dashboard and the user's own programs stay quick
    code_version.described()  # before anything can change
    try:
        if args.files:
            code = serve_files(args.home, args.idle_seconds or FILES_IDLE_SECONDS)
        else:
            code = Worker(args.home, args.device).serve(args.idle_seconds or IDLE_SECONDS)
    except TransferscopeError as error:
        print(f"transferscope worker: {error}", file=sys.stderr)
        return 2
    return renewal.start_again(sys.argv[1:] if argv is None else argv) if code == renewal.CHANGED else code


if __name__ == "__main__":
    sys.exit(main())
