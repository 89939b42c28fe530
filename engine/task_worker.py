"""How a worker does one background task: heartbeats and stops from a thread of its own, and every ending in the store."""

from __future__ import annotations

import threading
import traceback
from typing import Any

from engine import task_queue
from engine.control import Cancelled
from engine.errors import StaleLeaseError, TransferscopeError
from engine.store import Store
from engine.task_queue import Task
from engine.tasks import TASKS, TaskContext

BEAT_SECONDS = 0.5


def do(store: Store, task: Task, device: Any = None) -> None:
    """Do a claimed task and record how it ended. Raises StaleLeaseError where it was taken away meanwhile."""
    context = TaskContext(task.payload, store.home, device)
    beating = _Beating(store, task, context)
    state, message, result = "failed", "", None
    try:
        result = TASKS[task.kind].run(context)
        state = "finished"
    except Cancelled:
        state, message = "cancelled", "stopped by the user"
    except TransferscopeError as error:
        message = str(error)
    except MemoryError:
        message = "out of memory. Free some, or do it with fewer or smaller files."
    except OSError as error:  # the file system's own word (disk full, quota, read-only) is what the user needs
        message = f"{error.filename or 'the home directory'}: {error.strerror or error}."
    except Exception as error:  # a task must never take the worker with it; the log has the traceback
        traceback.print_exc()
        message = f"unexpected {type(error).__name__}: {error}"
    finally:
        beating.close()
    if beating.lost is not None:
        raise beating.lost
    task_queue.finish(store, task, state, message, result)


class _Beating:
    """Writes the progress of a task to the store and hears of a stop, twice a second."""

    def __init__(self, store: Store, task: Task, context: TaskContext) -> None:
        self.store, self.task, self.context = store, task, context
        self.lost: StaleLeaseError | None = None
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._loop, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop the thread; nothing is written any more."""
        self._ended.set()
        self._thread.join()

    def _loop(self) -> None:
        while not self._ended.wait(BEAT_SECONDS):
            try:
                if task_queue.beat(self.store, self.task, self.context.done, self.context.phase):
                    self.context.stop = True
            except StaleLeaseError as error:
                self.lost, self.context.stop = error, True
                return
            except TransferscopeError:
                # A full disk may have room again; without a heartbeat for 15 s the task is taken away all the same.
                traceback.print_exc()
