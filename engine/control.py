"""What a running computation needs of the outside: to be stopped between steps, and to say how far it is."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any


class Cancelled(Exception):
    """The run was asked to stop; what it has learned so far is kept."""


@dataclass
class Progress:
    """How far a run is. Read by the heartbeat, written by the computation; never part of a result."""

    phase: str = "starting"
    done: float = 0.0
    """Share of the whole run, 0..1."""
    epoch: int = 0
    images: int = 0
    """Training images processed."""
    began: float = field(default_factory=time.monotonic)
    training_began: float | None = None
    cost: dict[str, float | int | str] | None = None
    """What the run took, from `engine.measured_cost`; None until it has ended."""

    def to_dict(self) -> dict[str, Any]:
        """As shown: phase, done, epoch, images_per_second and eta_seconds (None while unknown); cost at the end."""
        now = time.monotonic()
        took = now - self.began
        trained = 0.0 if self.training_began is None else now - self.training_began
        rate = self.images / trained if trained > 0 and self.images else None
        eta = took / self.done * (1 - self.done) if self.done > 0.02 else None
        cost = {} if self.cost is None else {"cost": self.cost}
        return cost | {
            "phase": self.phase,
            "done": round(self.done, 4),
            "epoch": self.epoch,
            "images_per_second": rate,
            "eta_seconds": eta,
        }


class Control:
    """Passed into the computation, which calls `step` between two batches."""

    def __init__(self) -> None:
        self.progress = Progress()
        self.stop = False

    def step(self) -> None:
        """Raise Cancelled if the run was asked to stop."""
        if self.stop:
            raise Cancelled

    def enter(self, phase: str, done: float) -> None:
        """Begin a phase at a share of the whole run."""
        self.step()
        self.progress.phase, self.progress.done = phase, done

    def tell(self, phase: str, share: float) -> None:
        """Note how far preparations are that come before the run itself: its own share and its end are not known yet."""
        self.step()
        self.progress.phase = f"{phase}, {share:.0%}"
        self.progress.began = time.monotonic()


class Stretch(Control):
    """The control of a part of a run: what the part says of itself becomes a stretch of the whole's progress, at every step."""

    def __init__(self, whole: Control, begin: float, end: float, words: str) -> None:
        """`begin` and `end` are shares of the whole; `words` say which part it is."""
        super().__init__()
        self.whole, self.begin, self.end, self.words = whole, begin, end, words

    def step(self) -> None:
        """Pass the progress on; raise Cancelled if the whole was asked to stop."""
        mine, theirs = self.progress, self.whole.progress
        theirs.done = self.begin + (self.end - self.begin) * mine.done
        theirs.phase = f"{self.words}: {mine.phase}"
        theirs.epoch, theirs.images, theirs.training_began = mine.epoch, mine.images, mine.training_began
        self.whole.step()
