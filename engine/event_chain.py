"""Events as the store holds them, each with a checksum over itself and all before it: what was altered or lost is noticed."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from engine.errors import StoreError
from engine.events import Event, parse


@dataclass(frozen=True)
class StoredEvent:
    """An event with its place: `seq` orders the whole store, `ordinal` the attempt it belongs to."""

    seq: int
    run_id: str
    attempt: int
    ordinal: int
    at: float
    kind: str
    body: str
    checksum: bytes

    def parsed(self) -> Event:
        """The event itself."""
        return parse(self.kind, self.body)


def chain(previous: bytes, ordinal: int, kind: str, body: str) -> bytes:
    """Checksum of an event that also covers every event before it."""
    return hashlib.blake2b(previous + f"{ordinal}/{kind}/{body}".encode(), digest_size=8).digest()


def check_link(previous: StoredEvent | None, event: StoredEvent) -> None:
    """Check that an event is what was written after the one before it in its attempt.

    Raises:
        StoreError: it was altered, or one is missing; the run and the place are named.
    """
    place, before = (previous.ordinal + 1, previous.checksum) if previous else (0, b"")
    if event.ordinal != place or chain(before, event.ordinal, event.kind, event.body) != event.checksum:
        raise StoreError(
            f"The store is damaged: event {event.ordinal} of run {event.run_id} is not what was written."
            " Use 'Run again' in the Library to compute the run anew."
        )
