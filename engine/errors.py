"""Every error a user can cause: one base, few children; the text says what was given, what is allowed, what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class TransferscopeError(Exception):
    """Base of all errors whose text is meant for the user; `str(error)` is the whole message."""


class SpecError(TransferscopeError):
    """A specification is malformed: an unknown key, a wrong type, a value out of range."""


class UnknownNameError(TransferscopeError):
    """A name that no registry knows; the message lists the near matches and the known names."""

    def __init__(self, kind: str, given: str, known: Iterable[str], hint: str = "") -> None:
        self.kind, self.given, self.known = kind, given, sorted(known)
        near = difflib.get_close_matches(given, self.known, n=3, cutoff=0.5)
        meant = f" Did you mean {' or '.join(repr(name) for name in near)}?" if near else ""
        shown = ", ".join(self.known[:20]) + (", ..." if len(self.known) > 20 else "")
        listed = f"Known: {shown}." if shown else "There are none yet."
        super().__init__(f"There is no {kind} named {given!r}.{meant} {listed}{' ' + hint if hint else ''}")


class AmbiguousNameError(UnknownNameError):
    """A name or the beginning of an id that several things have; the message lists their ids."""

    def __init__(self, kind: str, given: str, ids: Iterable[str]) -> None:
        self.kind, self.given, self.known = kind, given, sorted(ids)
        listed = ", ".join(self.known[:20]) + (", ..." if len(self.known) > 20 else "")
        TransferscopeError.__init__(
            self, f"{len(self.known)} {kind}s fit {given!r}: {listed}. Give the id of one of them."
        )


class DatasetError(TransferscopeError):
    """A dataset cannot be used: missing folder, one class, too few images, broken files (each is named)."""


class DownloadError(TransferscopeError):
    """A file could not be downloaded: no network, broken off, another file than was published, a full disk."""


class BackboneError(TransferscopeError):
    """A backbone cannot be built or cannot do what was asked, for example freeze more units than it has."""


class FeatureMemoryError(TransferscopeError):
    """The features of so many images after so many units do not fit into the memory that they may take."""


class StrategyError(TransferscopeError):
    """A strategy cannot be applied to this backbone, on this device or with these settings; the message is the reason."""


class WeightsError(TransferscopeError):
    """Weights cannot be used: not safetensors, names or shapes differ, values not finite, nothing on disk while offline."""


class HomeError(TransferscopeError):
    """The home directory cannot be created, read or written."""


class StoreError(TransferscopeError):
    """The store refuses: an unknown run, a full queue, a lease that is no longer held, a damaged event."""


class QueueFullError(StoreError):
    """More runs or tasks were submitted than may wait."""

    def __init__(self, text: str, *, over: int = 0, queued: Iterable[str] = ()) -> None:
        """`over`: how many too many; `queued`: ids of the runs that an experiment would have added."""
        super().__init__(text)
        self.over, self.queued = over, frozenset(queued)


class StaleLeaseError(StoreError):
    """A worker writes for a run that has been given to another worker (or taken away) since."""


class DeviceError(TransferscopeError):
    """A device was asked for that this machine does not have."""


class ScoreNotDefined(TransferscopeError):
    """A score has no meaning on these features; the message is the reason, to be shown instead of a number."""

    def __init__(self, score: str, reason: str) -> None:
        self.score, self.reason = score, reason
        super().__init__(f"{score} is not defined here: {reason}.")
