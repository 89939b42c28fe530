"""Heads that are solved on frozen features instead of trained: reading the features, putting the solution in place."""

from __future__ import annotations

import numpy as np
import torch

from engine.backbones._network import Network
from engine.depths import Prepared, parts_of, plain_features
from engine.features import extract
from engine.scores import FeatureSplit
from engine.scores.linear_probe import fit, solve
from engine.train import EVALUATION_BATCH


def put(network: Network, weight: np.ndarray, bias: np.ndarray) -> None:
    """Give the head these weights (n_classes, inputs) and biases (n_classes,)."""
    with torch.no_grad():
        network.head.weight.copy_(torch.from_numpy(weight))
        network.head.bias.copy_(torch.from_numpy(bias))


def splits(ready: Prepared) -> list[FeatureSplit]:
    """Features of every depth that has some, with their labels; those that the measures use."""
    labelled, tested = plain_features(ready)
    pairs = zip(labelled.units, tested.units, strict=True)
    return [parts_of(ready, known, hidden) for known, hidden in pairs if known is not None and hidden is not None]


def start_from_probe(ready: Prepared) -> int:
    """Solve a linear probe on the last features of the untrained network, and let the head begin from it.

    Fitted to the training images alone, its penalty chosen on validation: the epochs that follow are judged there. Returns
    how many images were passed through the network.
    """
    split, labels = ready.split, ready.images.labels
    chosen = np.concatenate([split.train, split.validation])
    ready.control.enter("solving the first head", ready.control.progress.done)
    rows = extract(ready.network, ready.pixels, chosen, EVALUATION_BATCH, ready.control).embedded
    train, validation = np.split(rows, [len(split.train)])
    none = np.empty((0, rows.shape[1])), np.empty(0, dtype=np.int64)
    parts = FeatureSplit(train, labels[split.train], validation, labels[split.validation], *none)
    c = solve(parts, ready.control.step).c
    put(ready.network, *fit(train, labels[split.train], ready.images.info.n_classes, c))
    return len(chosen)
