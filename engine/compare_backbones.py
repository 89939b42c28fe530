"""How alike the units of two backbones are on the same images: linear CKA of every pair, from one frozen pass of each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from engine import backbones, probe_set
from engine.caches import Caches
from engine.control import Control
from engine.depths import Prepared
from engine.device import Device
from engine.errors import DatasetError
from engine.features import extract
from engine.prepare import prepare
from engine.similarity import BATCH, IMAGES, cka_matrix
from engine.spec import RunSpec


def compare_backbones(
    first: str,
    second: str,
    dataset: str,
    device: Device,
    *,
    images: int = IMAGES,
    pooling: str | None = None,
    weights: str = "pretrained",
    seed: int = 0,
    home: Path | None = None,
    control: Control | None = None,
) -> dict[str, Any]:
    """Compare two backbones as they are, each with its own preprocessing, on the same training images.

    Args:
        first: a backbone's name; its units are the rows.
        second: another one's; its units are the columns.
        dataset: its name.
        device: where.
        images: at most so many, stratified and seeded.
        pooling: of both; None = global average.
        weights: of both, as in a spec.
        seed: of the choice of images.
        home: where downloaded and described things are kept.
        control: told the progress; may stop it.

    Returns:
        Plain values: backbones, dataset, weights, pooling, seed, unit_names (of each), values (rows of columns, None with a
        reason), reasons (by `row,column`), n_images, batch.

    Raises:
        TransferscopeError: a backbone, the dataset or the pooling cannot be used.
    """
    control, shared = control or Control(), Caches()
    taken: list[list[np.ndarray | None]] = []
    ready: list[Prepared] = []
    rows = np.empty(0, dtype=np.int64)
    for place, name in enumerate((first, second)):
        n_units = backbones.card(name, home).n_units
        run = RunSpec(name, dataset, "linear_probe", n_units, seed, None, weights, (), pooling=pooling)
        one, _, _ = prepare(run, device, home, control, shared)
        if place == 0:
            rows = probe_set.choose(one.images, one.split.train, images, seed)
        elif not np.array_equal(one.images.labels, ready[0].images.labels):
            raise DatasetError(f"The images of {dataset} changed while {first} read them. Start the comparison again.")
        control.enter(f"reading features of {name}", 0.1 + 0.4 * place)
        taken.append(extract(one.network, one.pixels, rows, BATCH, control, one.pooling).units)
        ready.append(one)
    control.enter("comparing units", 0.9)
    values, reasons = cka_matrix(*taken, step=control.step)
    return {
        "backbones": [first, second],
        "dataset": dataset,
        "weights": [one.weights for one in ready],
        "pooling": ready[0].pooling,
        "seed": seed,
        "unit_names": [list(one.network.unit_names) for one in ready],
        "values": values,
        "reasons": reasons,
        "n_images": len(rows),
        "batch": BATCH,
    }
