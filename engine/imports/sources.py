"""Opens what is imported, a zip, a folder or a table, and lists its labelled images."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from engine.errors import DatasetError
from engine.imports import layout, table
from engine.imports.archive import Archive
from engine.imports.layout import Rows
from engine.imports.limits import LIMITS, Item, Limits, normal
from engine.imports.walk import reader, walk


@dataclass(frozen=True)
class Opened:
    """A source while it can be read."""

    rows: Rows
    ignored: int
    """Files that are no images and not the table."""


@contextlib.contextmanager
def opened(path: Path, csv: str | None, check: Callable[[], None], limits: Limits = LIMITS) -> Iterator[Opened]:
    """Open a source.

    Args:
        path: a folder, a zip, or a CSV whose files lie beside it.
        csv: the table in (or, for a folder, also outside of) the source; None: the only one at its top, if any.
        check: called now and then while a folder is listed.
        limits: of sizes and numbers.

    Raises:
        DatasetError: it cannot be used.
    """
    if path.is_dir():
        items = walk(path, check, limits)
        outside = Path(csv).expanduser() if csv else None
        if outside is not None and outside.is_file() and not any(item.name == normal(csv) for item in items):
            yield Opened(table.rows_of(_item(outside, limits), {item.name: item for item in items}, "", limits), 0)
            return
        yield _listed(items, csv, path.name, limits)
    elif path.suffix.lower() == ".csv":
        yield Opened(table.rows_of(_item(path, limits), _Beside(path.parent, limits), "", limits), 0)
    elif path.is_file():
        with Archive(path, limits) as archive:
            yield _listed(archive.items, csv, path.name, limits)
    else:
        raise DatasetError(f"There is no folder, zip or CSV {path}. Check the path.")


def _listed(items: list[Item], csv: str | None, name: str, limits: Limits) -> Opened:
    chosen = table.find(items, csv)
    images = sum(layout.is_image(item) for item in items)
    if chosen is None:
        return Opened(layout.by_folders(items, name), len(items) - images)
    base = chosen.name.removesuffix(chosen.parts[-1])
    return Opened(table.rows_of(chosen, {item.name: item for item in items}, base, limits), len(items) - images - 1)


def _item(path: Path, limits: Limits) -> Item:
    return Item(path.name, path.stat().st_size, reader(path, limits))


class _Beside(Mapping[str, Item]):
    """The files below a table's folder, looked at only when the table names them: the folder may hold much else."""

    def __init__(self, root: Path, limits: Limits) -> None:
        self.root, self.limits = root, limits

    def __getitem__(self, name: str) -> Item:
        path = self.root
        for part in name.split("/"):
            path = path / part
            if path.is_symlink():
                raise KeyError(name)
        try:
            if not path.is_file():
                raise KeyError(name)
            return Item(name, os.stat(path).st_size, reader(path, self.limits))
        except (OSError, ValueError) as error:  # a name that no file system takes
            raise KeyError(name) from error

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0
