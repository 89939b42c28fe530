"""How far a target's images are from the source's, as the frozen backbone sees them: distances between two sets of features.

Both sets pass the untouched network, and what its head would read (the last unit, pooled) is compared:

- proxy A-distance (Ben-David et al. 2007): 0 where a linear classifier cannot tell the sets apart, 2 where it always can;
- Frechet distance (Heusel et al. 2017) and CORAL (Sun & Saenko 2016) of the features divided by the source's mean length.

The same distances between two halves of the source say what no distance at all looks like at this number of images. A large
distance is no proof of negative transfer, which needs a control; it is one of its known causes (Wang et al. 2019).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from engine import backbones, probe_set
from engine.caches import Caches
from engine.control import Control
from engine.device import Device
from engine.errors import DatasetError, ScoreNotDefined
from engine.features import extract
from engine.prepare import prepare
from engine.scores import SCORES
from engine.scores.proxy_a_distance import with_interval
from engine.spec import RunSpec
from engine.train import EVALUATION_BATCH

IMAGES = 1_000
"""Of each set, at most; halves of the source have half as many, so everything is compared at that number."""
LEAST = 40
"""Images of a set: ten in each half of the source in every fold's share are what proxy A needs."""
NAMES = ("proxy_a_distance", "frechet", "coral")


def domain_distance(
    backbone: str,
    dataset: str,
    source: str,
    device: Device,
    *,
    images: int = IMAGES,
    weights: str = "pretrained",
    seed: int = 0,
    home: Path | None = None,
    control: Control | None = None,
) -> dict[str, Any]:
    """Measure the distances between the training images of two datasets.

    Args:
        backbone: its name; both sets get its preprocessing.
        dataset: the target's name.
        source: name of the dataset that stands for the source task's images.
        device: where.
        images: of each set, at most; stratified and seeded.
        weights: as in a spec.
        seed: of the choice of images.
        home: where downloaded and described things are kept.
        control: told the progress; may stop it.

    Returns:
        Plain values: backbone, dataset, source, weights, seed, n_images (of each set that is compared), n_features, and
        `distances`: score, label, value, null (between halves of the source), low and high (95 % interval, of proxy A only) and
        reason (of a missing value).

    Raises:
        TransferscopeError: the backbone or a dataset cannot be used, or has too few images.
    """
    control, shared = control or Control(), Caches()
    sets = [
        _features(backbone, name, device, images, weights, seed, home, control, shared, 0.4 * place)
        for place, name in enumerate((source, dataset))
    ]
    n = min(len(sets[0]) // 2, len(sets[1]))
    if n < LEAST // 2:
        raise DatasetError(
            f"{source} has {len(sets[0])} and {dataset} {len(sets[1])} training images; a distance needs {LEAST} of the source"
            f" and {LEAST // 2} of the target."
        )
    length = float(np.sqrt((sets[0] ** 2).sum(axis=1)).mean()) or 1.0
    order = np.random.default_rng(seed).permutation(len(sets[0]))
    one, other = sets[0][order[:n]] / length, sets[0][order[n : 2 * n]] / length
    target = sets[1][np.random.default_rng(seed).permutation(len(sets[1]))[:n]] / length
    found = []
    for place, name in enumerate(NAMES):
        control.enter("comparing", 0.8 + 0.2 * place / len(NAMES))
        found.append(_measured(name, one, other, target))
    return {
        "backbone": backbone,
        "dataset": dataset,
        "source": source,
        "weights": weights,
        "seed": seed,
        "n_images": n,
        "n_features": int(target.shape[1]),
        "distances": found,
    }


def _features(
    backbone: str, dataset: str, device: Device, images: int, weights: str, seed: int, home: Path | None, control: Control,
    shared: Caches, begin: float,
) -> np.ndarray:  # fmt: skip
    """What the head would read of some training images, (n, n_features)."""
    run = RunSpec(backbone, dataset, "linear_probe", backbones.card(backbone, home).n_units, seed, None, weights, ())
    ready, _, _ = prepare(run, device, home, control, shared)
    control.enter(f"reading features of {dataset}", begin)
    rows = probe_set.choose(ready.images, ready.split.train, images, seed)
    return extract(ready.network, ready.pixels, rows, EVALUATION_BATCH, control).embedded.astype(np.float64)


def _measured(name: str, one: np.ndarray, other: np.ndarray, target: np.ndarray) -> dict[str, Any]:
    score = SCORES[name]
    about: dict[str, Any] = {
        "score": name,
        "label": score.label,
        "value": None,
        "null": None,
        "low": None,
        "high": None,
    }
    try:
        if name == "proxy_a_distance":
            value, low, high = with_interval(one, target)
            about |= {"low": low, "high": high}
        else:
            value = score(one, target)
        return about | {"value": value, "null": score(one, other), "reason": ""}
    except ScoreNotDefined as error:
        return about | {"reason": error.reason}
