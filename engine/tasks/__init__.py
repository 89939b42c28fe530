"""Background tasks: long work that is not a run (import, download, doctor, ...). `TASKS` lists the kinds without torch."""

from engine.tasks._base import TASKS, TaskContext, TaskKind

__all__ = ["TASKS", "TaskContext", "TaskKind"]
