"""The contract of background tasks, by enumeration of the registry."""

from __future__ import annotations

import subprocess
import sys

import pytest

from engine.control import Cancelled
from engine.errors import UnknownNameError
from engine.tasks import TASKS, TaskContext


def test_every_kind_says_what_it_does():
    for kind in TASKS:
        assert kind.label.strip()
        assert kind.summary.strip().endswith(".")
        assert isinstance(kind.needs_torch, bool)


def test_listing_the_kinds_loads_no_torch():
    code = "import sys; from engine.tasks import TASKS; TASKS.load(); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_an_unknown_kind_is_refused():
    with pytest.raises(UnknownNameError, match="kind of task"):
        TASKS["no such kind"]


def test_progress_is_told_and_a_stop_is_heard():
    told = []
    context = TaskContext({}, say=lambda done, phase: told.append((done, phase)))
    context.progress(0.25, "reading")
    context.progress(7, "too far")
    context.progress(-1, "too little")
    assert told == [(0.25, "reading"), (1.0, "too far"), (0.0, "too little")]
    context.stop = True
    with pytest.raises(Cancelled):
        context.check()
    with pytest.raises(Cancelled):
        context.progress(0.5, "on")
