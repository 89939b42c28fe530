"""The classifier that a backbone was pretrained with: what LEEP and NCE need. Loads torch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine import run_weights, text_towers
from engine.backbones._base import family_of
from engine.backbones._network import Network
from engine.backbones._source_data import source_data
from engine.backbones._weights import read_safetensors
from engine.errors import BackboneError


@dataclass(frozen=True)
class SourceHead:
    """A linear classifier of the source classes on what the network's own head reads."""

    weight: np.ndarray
    """(n_source_classes, n_features), float64"""
    bias: np.ndarray
    """(n_source_classes,)"""

    def probabilities(self, features: np.ndarray) -> np.ndarray:
        """Softmax over the source classes: (n, n_features) -> (n, n_source_classes)."""
        logits = features @ self.weight.T + self.bias
        odds = np.exp(logits - logits.max(axis=1, keepdims=True))
        return odds / odds.sum(axis=1, keepdims=True)


def source_head(network: Network, name: str, weights: str, home: Path | None) -> SourceHead:
    """Read the source task's classifier from the file that the weights came from.

    Args:
        network: built by the family of `name`.
        weights: as in a spec: `pretrained`, `random`, `file:PATH` or `run:RUN_ID` (the head that run has learned).
        home: where runs keep their weights.

    Raises:
        BackboneError: there is none, with the reason.
        WeightsError: the file cannot be read.
    """
    if weights == "random":
        raise BackboneError("random weights know no source classes")
    family = family_of(name)
    if _is_image_tower(network):
        raise BackboneError("an image-text model has no source classes: its last layer leads to the space of the texts")
    if weights.startswith(run_weights.PREFIX):
        path = run_weights.path(home or Path(), weights.removeprefix(run_weights.PREFIX))
    elif weights.startswith("file:"):
        path = Path(weights.removeprefix("file:")).expanduser()
    elif family.source_file is None:
        raise BackboneError(f"backbones of the family {family.label} come without a source classifier")
    else:
        path = family.source_file(network, name, home)
    tensors = read_safetensors(path)
    for layer in _names(network):
        weight, bias = tensors.get(f"{layer}.weight"), tensors.get(f"{layer}.bias")
        if weight is not None and weight.ndim == 2 and weight.shape[1] == network.n_features and len(weight) > 1:
            rows = weight.double().numpy()
            return SourceHead(rows, bias.double().numpy() if bias is not None else np.zeros(len(rows)))
    raise BackboneError(f"{path.name} holds no linear classifier of {network.n_features} features")


def _is_image_tower(network: Network) -> bool:
    told = getattr(getattr(network, "model", None), "pretrained_cfg", {})
    known = text_towers.is_known(f"{told.get('architecture')}.{told.get('tag')}")
    return known or text_towers.is_image_tower(source_data(told.get("tag") or ""))


def _names(network: Network) -> list[str]:
    """Where a classifier may be: ours, and where the family says its own is."""
    classifier = getattr(getattr(network, "model", None), "pretrained_cfg", {}).get("classifier") or ()
    own = (classifier,) if isinstance(classifier, str) else tuple(classifier)
    return ["head", *own, *(f"model.{layer}" for layer in own)]
