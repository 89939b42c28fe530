"""Readers of datasets that are published as arrays: pickled batches, idx, .mat, raw bytes, text, HDF5.

Nothing here runs code from a file. CIFAR's batches are pickles: torchvision loads them with `pickle.load`, after comparing
their md5. Here they are read by an unpickler that knows what NumPy's arrays need and nothing else, so that their safety
does not hang on md5, which has been broken for a long time.
"""

from __future__ import annotations

import bz2
import io
import pickle
from pathlib import Path
from typing import Any

import numpy as np

from engine.datasets._known import Known
from engine.datasets._tables import TEST, TRAIN, VALIDATION, Table, of_arrays
from engine.errors import DatasetError

_ARRAYS = {
    (f"numpy.{core}.multiarray", "_reconstruct"): lambda: np._core.multiarray._reconstruct for core in ("core", "_core")
} | {
    ("numpy", "ndarray"): lambda: np.ndarray,
    ("numpy", "dtype"): lambda: np.dtype,
    ("_codecs", "encode"): lambda: _latin1,
}


def _latin1(text: str, encoding: str) -> bytes:
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"text in {encoding!r}")
    return text.encode("latin1")


class _ArraysOnly(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ARRAYS:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, and only arrays may be in it")
        return _ARRAYS[module, name]()


def unpickle_arrays(content: bytes) -> dict[str, Any]:
    """A pickled dictionary of arrays, lists and text, as Python 2 wrote them.

    Raises:
        DatasetError: it is damaged, or it holds anything else.
    """
    try:
        found = _ArraysOnly(io.BytesIO(content), encoding="latin1").load()
    except (pickle.UnpicklingError, EOFError, ValueError, TypeError, IndexError, KeyError, AttributeError) as error:
        raise DatasetError(f"A batch of images cannot be read: {error}.") from error
    if not isinstance(found, dict):
        raise DatasetError("A batch of images cannot be read: it is no dictionary.")
    return {key.decode("latin1") if isinstance(key, bytes) else key: value for key, value in found.items()}


def cifar(root: Path, known: Known) -> Table:
    """CIFAR-10 and CIFAR-100: rows of 3,072 bytes, red plane first, with their labels."""
    ten = known.name == "cifar10"
    folder = root / ("cifar-10-batches-py" if ten else "cifar-100-python")
    names = [f"data_batch_{n}" for n in range(1, 6)] if ten else ["train"]
    parts = []
    for name in [*names, "test_batch" if ten else "test"]:
        batch = unpickle_arrays((folder / name).read_bytes())
        rows = np.asarray(batch["data"], dtype=np.uint8)
        images = rows.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
        parts.append(
            (TEST if name.startswith("test") else TRAIN, images, np.asarray(batch["labels" if ten else "fine_labels"]))
        )
    meta = unpickle_arrays((folder / ("batches.meta" if ten else "meta")).read_bytes())
    return of_arrays(parts, meta["label_names" if ten else "fine_label_names"])


def read_idx(file: Path) -> np.ndarray:
    """The bytes of an idx file (LeCun's format: magic 0, 0, 8 = unsigned byte, dimensions; sizes, big-endian; data)."""
    content = file.read_bytes()
    n_dims = content[3] if content[:3] == b"\0\0\x08" and len(content) > 3 else 0
    shape = (
        tuple(int(size) for size in np.frombuffer(content, ">u4", n_dims, 4)) if len(content) >= 4 + 4 * n_dims else ()
    )
    if not n_dims or len(content) != 4 + 4 * n_dims + int(np.prod(shape)):
        raise DatasetError(f"{file.name} is not an idx file of bytes, or is cut off.")
    return np.frombuffer(content, np.uint8, offset=4 + 4 * n_dims).reshape(shape)


def idx(root: Path, known: Known) -> Table:
    """MNIST and what took its form."""
    return _idx_parts(root / known.folder, {TRAIN: "train-{}-ubyte", TEST: "t10k-{}-ubyte"}, known.class_names)


def emnist(root: Path, known: Known) -> Table:
    """EMNIST: as MNIST, but each image lies on its side, and letters are counted from 1."""
    kind = known.name.removeprefix("emnist_")
    names = {part: f"emnist-{kind}-{word}-{{}}-ubyte" for part, word in ((TRAIN, "train"), (TEST, "test"))}
    return _idx_parts(
        root / "EMNIST" / "raw", names, known.class_names, upright=True, first=1 if kind == "letters" else 0
    )


def _idx_parts(
    folder: Path, names: dict[str, str], class_names: tuple[str, ...], upright: bool = False, first: int = 0
) -> Table:
    parts = []
    for part, name in names.items():
        images = read_idx(folder / name.format("images-idx3"))
        labels = read_idx(folder / name.format("labels-idx1")).astype(np.int64) - first
        parts.append((part, images.transpose(0, 2, 1) if upright else images, labels))
    return of_arrays(parts, class_names)


def svhn(root: Path, known: Known) -> Table:
    """SVHN's .mat files: X is (32, 32, 3, n); the digit 0 has the label 10."""
    import scipy.io

    parts = []
    for part in (TRAIN, TEST):
        found = scipy.io.loadmat(root / f"{part}_32x32.mat")
        parts.append((part, found["X"].transpose(3, 0, 1, 2), found["y"].astype(np.int64).ravel() % 10))
    return of_arrays(parts, known.class_names)


def stl10(root: Path, known: Known) -> Table:
    """STL-10's raw bytes: planes, column by column; labels from 1."""
    folder, parts = root / "stl10_binary", []
    for part in (TRAIN, TEST):
        images = np.fromfile(folder / f"{part}_X.bin", dtype=np.uint8).reshape(-1, 3, 96, 96).transpose(0, 3, 2, 1)
        parts.append((part, images, np.fromfile(folder / f"{part}_y.bin", dtype=np.uint8).astype(np.int64) - 1))
    return of_arrays(parts, known.class_names)


def usps(root: Path, known: Known) -> Table:
    """USPS as libsvm's text: `label 1:value 2:value ...`, labels from 1, values -1..1."""
    parts = []
    for part, name in ((TRAIN, "usps.bz2"), (TEST, "usps.t.bz2")):
        with bz2.open(root / name, "rt", encoding="ascii") as file:
            rows = [line.split() for line in file]
        values = np.asarray([[pair.partition(":")[2] for pair in row[1:]] for row in rows], dtype=np.float32)
        images = ((values + 1) / 2 * 255).astype(np.uint8).reshape(-1, 16, 16)
        parts.append((part, images, np.asarray([int(row[0]) - 1 for row in rows])))
    return of_arrays(parts, known.class_names)


def pcam(root: Path, known: Known) -> Table:
    """PatchCamelyon's HDF5 files; images are read one by one, never all."""
    import h5py

    parts = []
    for part, word in ((TRAIN, "train"), (VALIDATION, "valid"), (TEST, "test")):
        name = f"camelyonpatch_level_2_split_{word}_{{}}.h5"
        with h5py.File(root / "pcam" / name.format("y")) as file:
            labels = file["y"][:].ravel().astype(np.int64)
        parts.append((part, h5py.File(root / "pcam" / name.format("x"))["x"], labels))
    return of_arrays(parts, known.class_names)
