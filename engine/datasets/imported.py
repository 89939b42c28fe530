"""Imported datasets: `imported:NAME`, images that were copied into the home (see `engine.imports`)."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

from engine import home as homes
from engine.datasets import _library
from engine.datasets._base import DATASETS, TEST, TRAIN, VALIDATION, Dataset, DatasetInfo
from engine.datasets._library import PREFIX, Imported
from engine.datasets._source import Source


def _home(home: Path | None) -> Path:
    return home if home is not None else homes.resolve()


def _info(one: Imported, name: str) -> DatasetInfo:
    n_test = sum(one.parts[TEST])
    pool = [sum(numbers) for numbers in zip(one.parts[TRAIN], one.parts[VALIDATION], strict=True)]
    skipped = one.report.get("n_skipped", 0)
    left_out = f"{skipped:,} file was" if skipped == 1 else f"{skipped:,} files were"
    notes = [f"{left_out} left out when it was imported."] if skipped else []
    if one.grouped:
        notes.append("Images of one group, and copies of one file, always lie in the same part.")
    return DatasetInfo(
        name=name,
        label=one.name,
        summary=f"{one.n_images:,} images in {len(one.class_names)} classes, imported from {one.source} on"
        f" {time.strftime('%Y-%m-%d', time.localtime(one.created))}.",
        source="your own images",
        licence="yours",
        class_names=one.class_names,
        n_pool=one.n_images - n_test,
        n_test=n_test,
        size="sizes as in the files",
        augmentation="crop_flip",
        notes=tuple(notes),
        smallest_class=min(pool),
        class_pool=tuple(pool),
        class_test=tuple(one.parts[TEST]),
    )


def describe(name: str, home: Path | None) -> DatasetInfo:
    """What the manifest says. Raises DatasetError."""
    return _info(_library.find(_home(home), name), name)


def signature(name: str, home: Path | None) -> str:
    """Hash of the list of images, which holds the hash of each. Raises DatasetError."""
    return _library.find(_home(home), name).images_sha


def open_source(name: str, home: Path | None) -> Source:
    """The images by number. Raises DatasetError."""
    one = _library.find(_home(home), name)
    rows = _library.rows(one)
    groups = rows["group"]
    return Source(
        info=_info(one, name),
        labels=np.asarray(rows["label"], dtype=np.int64),
        parts=np.asarray(rows["part"], dtype="<U10"),
        names=rows["name"],
        read=lambda index: (one.folder / rows["file"][index]).read_bytes(),
        groups=np.asarray(groups, dtype=np.int64) if one.grouped else None,
    )


DATASETS.register(
    Dataset(
        name="imported",
        label="Imported images",
        summary="Your own images, copied into the home and split once.",
        accepts=lambda name: name.startswith(PREFIX) and len(name) > len(PREFIX),
        describe=describe,
        open=open_source,
        signature=signature,
        listed=False,
        names=lambda home: {one.dataset: one.name for one in _library.listed(_home(home))},
    )
)
