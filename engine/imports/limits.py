"""What an import may cost at most; a hostile or mistaken source is refused before it does harm."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


@dataclass(frozen=True)
class Limits:
    """Bounds of one import; tests give smaller ones."""

    entries: int = 20_000
    """Entries of a zip, folders included."""
    total: int = 2_000_000_000
    """Unpacked bytes of a zip, counted as they come out."""
    file: int = 50_000_000
    """Bytes of one file."""
    ratio: int = 100
    """Unpacked bytes for one packed byte, from `ratio_from` on."""
    ratio_from: int = 10_000_000
    depth: int = 4
    """Folders above a file."""
    listed: int = 200_000
    """Files and folders of a folder on this machine that are looked at."""
    table: int = 50_000_000
    """Bytes of a CSV."""
    spare: int = 500_000_000
    """Bytes of disk that an import leaves free."""


LIMITS = Limits()


@dataclass(frozen=True)
class Item:
    """A file of the source: its path below the source's root, with `/`, and how to read it."""

    name: str
    size: int
    """As the source states it; not to be trusted."""
    read: Callable[[], bytes]
    """The content, at most `Limits.file` bytes. Raises BrokenImage where it cannot be had, DatasetError on a bomb."""

    @property
    def parts(self) -> list[str]:
        """The folders above the file, and its name."""
        return self.name.split("/")


def normal(name: str) -> str:
    """A name in one spelling: systems write the same letters in several ways (NFC is the usual one)."""
    return unicodedata.normalize("NFC", name)


def folded(name: str) -> str:
    """What two names share that some file system, or somebody's eye, takes for the same."""
    return normal(normal(name).casefold())


def shown(name: str) -> str:
    """A name for a message: quoted, control characters spelled out, cut where it is long."""
    return repr(name if len(name) <= 120 else f"{name[:80]}...{name[-30:]}")
