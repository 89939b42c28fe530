"""A dataset opened: labels, parts and names, and a way to read each image; nothing decoded yet."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from engine.datasets._base import TEST, DatasetInfo
from engine.errors import DatasetError

FEWEST = 2
"""Images outside the test part that a class must keep when broken ones are left out: one to train on, one to validate."""
MAX_BROKEN_SHARE = 0.05
"""More broken files than this stop the import: the data are probably not what their owner thinks they are."""

Settle = Callable[[np.ndarray, np.ndarray, np.ndarray, tuple[str, ...]], tuple[DatasetInfo, np.ndarray]]


@dataclass(frozen=True)
class Source:
    """What decoding, the data doctor and galleries read a dataset through."""

    info: DatasetInfo
    labels: np.ndarray
    """int64, (n_images,)"""
    parts: np.ndarray
    """str, (n_images,): as pinned by the source."""
    names: Sequence[str]
    """What to call each image when it is spoken of: a path below the folder, or its number."""
    read: Callable[[int], bytes | np.ndarray]
    """One image: the bytes of its file, or pixels as uint8 (height, width, 3), or (height, width) for grey. Threads call it
    at the same time. Raises OSError where a file cannot be read."""
    groups: np.ndarray | None = None
    """int64, (n_images,): see `Images.groups`."""
    settle: Settle | None = None
    """(labels, parts, keys, skipped) of the images that could be read -> what is known of them and their parts, a test
    part held out where none is pinned. Raises DatasetError where too few are left. None: parts stay as they are."""

    def settled(
        self, labels: np.ndarray, parts: np.ndarray, keys: np.ndarray, skipped: tuple[str, ...]
    ) -> tuple[DatasetInfo, np.ndarray]:
        """Facts and parts of the images that could be read. Raises DatasetError where too many could not, or a class ran out."""
        if self.settle is not None:
            return self.settle(labels, parts, keys, skipped)
        n_classes = self.info.n_classes
        pool, test = (np.bincount(labels[there], minlength=n_classes) for there in (parts != TEST, parts == TEST))
        few: list[str] = []
        if skipped and len(labels) + len(skipped) == len(self.labels):  # all were looked at, not a sample
            before = np.bincount(self.labels[self.parts != TEST], minlength=n_classes)
            few = [self.info.class_names[at] for at in np.flatnonzero((pool < FEWEST) & (pool < before))]
        refuse_broken(self.info.name, len(self.labels), skipped, few)
        return counted(self.info, pool, test), parts


def counted(info: DatasetInfo, pool: np.ndarray, test: np.ndarray) -> DatasetInfo:
    """What is known of a dataset with its images per class, int (n_classes,), outside the test part and in it."""
    return dataclasses.replace(
        info,
        n_pool=int(pool.sum()),
        n_test=int(test.sum()),
        class_pool=tuple(pool.tolist()),
        class_test=tuple(test.tolist()),
        smallest_class=int(pool.min()),
    )


def refuse_broken(name: str, n_files: int, skipped: tuple[str, ...], few: Sequence[str] = ()) -> None:
    """Stop where more than 5 % of the files cannot be read, or classes (`few`) are left with too few images.

    Raises:
        DatasetError: names up to ten of the files, each with its reason.
    """
    if len(skipped) > MAX_BROKEN_SHARE * n_files or few:
        named = "; ".join(skipped[:10]) + (f"; and {len(skipped) - 10} more" if len(skipped) > 10 else "")
        raise DatasetError(
            f"{len(skipped)} of {n_files} files of {name} cannot be read: {named}."
            f"{' Without them too few images are left in: ' + ', '.join(few) + '.' if few else ''}"
            " Repair or remove these files, then try again."
        )
