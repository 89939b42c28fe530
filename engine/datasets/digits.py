"""scikit-learn's handwritten digits: 1,797 real 8x8 images that come with the package."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np

from engine.datasets._base import DATASETS, TEST, TRAIN, Dataset, DatasetInfo, unique_keys
from engine.datasets._source import Source

N_TEST_PER_CLASS = 79
"""Of 174 to 183 images per class; leaves 1,007 for training and validation."""

INFO = DatasetInfo(
    name="digits",
    label="Handwritten digits",
    summary="1,797 real handwritten digits, 8x8 grey, 10 classes; far from photographs, and tiny.",
    source="Alpaydin & Kaynak 1998, UCI Optical Recognition of Handwritten Digits (test part), through scikit-learn",
    licence="CC BY 4.0",
    class_names=tuple(str(digit) for digit in range(10)),
    n_pool=1_007,
    n_test=790,
    size="8x8 grey, shown at the network's size",
    augmentation="crop",
    notes=("Mirroring is off: a mirrored digit is another sign.",),
    smallest_class=95,
    class_pool=(99, 103, 98, 104, 102, 103, 102, 100, 95, 101),
    class_test=(N_TEST_PER_CLASS,) * 10,
)


def open_source(name: str, home: Path | None) -> Source:
    """The digits; the test part is drawn by content, because the bundled order carries a writer shift."""
    from engine.datasets._decode import content_hash
    from engine.datasets._splits import rank

    images, labels = _read()
    grey = np.round(images * (255 / 16)).astype(np.uint8)
    keys = unique_keys(content_hash(image.tobytes()) for image in grey)
    places = rank(keys, 0, "digits test part")
    parts = np.full(len(labels), TRAIN, dtype="<U10")
    for label in range(10):
        members = np.flatnonzero(labels == label)
        parts[members[np.argsort(places[members])[:N_TEST_PER_CLASS]]] = TEST
    return Source(INFO, labels, parts, [f"digit {place}" for place in range(len(labels))], grey.__getitem__)


def _read() -> tuple[np.ndarray, np.ndarray]:
    """Images (1797, 8, 8) of 0..16 and labels (1797,), from the package's own file.

    To import scikit-learn takes half a second, a sixth of what a new worker needs to its first point.
    """
    for folder in importlib.util.find_spec("sklearn").submodule_search_locations or ():
        file = Path(folder) / "datasets" / "data" / "digits.csv.gz"
        if file.exists():
            rows = np.loadtxt(file, delimiter=",")
            return rows[:, :-1].reshape(-1, 8, 8), rows[:, -1].astype(np.int64)
    from sklearn.datasets import load_digits  # a version that keeps them elsewhere

    raw = load_digits()
    return raw.images, raw.target.astype(np.int64)


DATASETS.register(
    Dataset(
        name="digits",
        label=INFO.label,
        summary=INFO.summary,
        accepts=lambda name: name == "digits",
        describe=lambda name, home: INFO,
        open=open_source,
    )
)
