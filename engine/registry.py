"""A registry of plug-ins: names to records that carry data (label, summary, source) beside the thing itself."""

from __future__ import annotations

import importlib
import pkgutil
import threading
from collections.abc import Iterator
from typing import Generic, Protocol, TypeVar

from engine.errors import UnknownNameError


class Named(Protocol):
    """Whatever can be registered: a record with a unique name."""

    @property
    def name(self) -> str: ...


Entry = TypeVar("Entry", bound=Named)


class Registry(Generic[Entry]):
    """An ordered mapping of names to entries; a duplicate is an error, an unknown name lists the known ones."""

    def __init__(self, kind: str, package: str | None = None, hint: str = "") -> None:
        """`package` is the family's package, whose modules register themselves; None where one file registers all."""
        self.kind, self.package, self.hint = kind, package, hint
        self._entries: dict[str, Entry] = {}
        self._loaded = package is None
        # Re-entrant: a module may read the registry while it is imported. Other threads wait for all of it.
        self._loading = threading.RLock()
        self._began = False

    def register(self, entry: Entry) -> Entry:
        """Add an entry under its name.

        Raises:
            ValueError: the name is taken (a mistake of ours, not the user's).
        """
        if entry.name in self._entries:
            raise ValueError(f"{self.kind} {entry.name!r} is registered twice")
        self._entries[entry.name] = entry
        return entry

    def load(self) -> None:
        """Import every module of the family once; adding a plug-in is adding a file."""
        if self._loaded:
            return
        with self._loading:
            if self._loaded or self._began:
                return
            self._began = True
            try:
                package = importlib.import_module(self.package)
                for module in sorted(module.name for module in pkgutil.iter_modules(package.__path__)):
                    if not module.startswith("_"):
                        importlib.import_module(f"{self.package}.{module}")
                self._loaded = True
            finally:
                self._began = False

    def __getitem__(self, name: str) -> Entry:
        self.load()
        if name not in self._entries:
            raise UnknownNameError(self.kind, name, self._entries, self.hint)
        return self._entries[name]

    def __contains__(self, name: str) -> bool:
        self.load()
        return name in self._entries

    def __iter__(self) -> Iterator[Entry]:
        self.load()
        return iter(self._entries.values())

    def __len__(self) -> int:
        self.load()
        return len(self._entries)

    def names(self) -> list[str]:
        """All names, in order of registration."""
        return [entry.name for entry in self]
