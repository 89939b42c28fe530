"""The text half of an image-text model, from OpenCLIP's file with both halves. Loads torch, and open_clip when it is asked.

The architecture and CLIP's tokenizer are those of the library open_clip (Ilharco et al. 2021, doi 10.5281/zenodo.5143773); the
weights come through our own reader of safetensors. Before a text is read, the file's image half is compared with the backbone:
texts mean something to the images of their own twin only.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from engine import text_towers
from engine.backbones import _hub, _timm
from engine.backbones._network import Network
from engine.backbones._weights import read_safetensors
from engine.errors import StrategyError, WeightsError
from engine.text_towers import TOKENIZER_FILES, WEIGHTS, TextTower

CLOSE = 2e-3
"""Largest difference between the two copies of an image tensor, as a share of its largest value: half precision rounds less."""
TEXTS_AT_ONCE = 64


@dataclass(frozen=True)
class Loaded:
    """A text tower that belongs to the backbone it was loaded for."""

    text: nn.Module
    """Token numbers (n, context) -> (n, n_dimensions)."""
    tokenize: Callable[[list[str]], Tensor]
    scale: float
    """What cosines are multiplied by: exp of the learned logarithm, 1 / temperature."""
    projection: tuple[np.ndarray, np.ndarray] | None
    """From what the network's head reads into the space of the texts: (n_dimensions, n_features) and (n_dimensions,)."""
    origin: str


def fetch(card: Any, tower: TextTower, progress: _hub.Progress | None = None) -> str:
    """Bring the text tower of a backbone onto this machine if it is not there; returns repository, revision and checksum.

    Raises:
        WeightsError: it cannot be had, or is damaged; says how large it is and what fetches it.
        Cancelled: `progress` raised it.
    """
    try:
        file = _hub.fetch(tower.repository, filename=WEIGHTS, progress=progress)
        for name in TOKENIZER_FILES if tower.tokenizer else ():
            _hub.fetch(tower.tokenizer, filename=name)
    except WeightsError as error:
        if tower.on_disk:
            raise
        raise WeightsError(f"{text_towers.missing(card, tower)}. {error}".replace("the text", "The text", 1)) from error
    return f"{file.repository}@{file.revision} sha256:{file.sha256}"


def load(network: Network, card: Any, tower: TextTower, weights: str) -> Loaded:
    """Load the text tower of a backbone that has its weights already.

    Args:
        network: with the image tower's weights.
        card: of the backbone.
        tower: from `text_towers.tower_of`.
        weights: `pretrained`, or `file:PATH` of a file with both halves.

    Raises:
        WeightsError: the file is not here or damaged, names or shapes do not fit, a value is not finite, or its image half has
            other weights than the network.
    """
    if weights.startswith("file:"):
        path = Path(weights.removeprefix("file:")).expanduser()
        origin = str(path)
    else:
        file = _hub.fetch(tower.repository, filename=WEIGHTS)
        path, origin = file.path, f"{file.repository}@{file.revision} sha256:{file.sha256}"
    import open_clip

    tensors = read_safetensors(path)
    config = open_clip.get_model_config(tower.model)
    text = build_text(config)
    fill(text, tensors, origin)
    if "logit_scale" not in tensors:
        raise WeightsError(f"{origin} does not say what cosines are multiplied by: logit_scale is missing.")
    images = {name: tensor for name, tensor in tensors.items() if name.startswith("visual.")}
    check_twin(network, images, card.name, origin)
    scale = float(tensors["logit_scale"].double().exp().reshape(-1)[0])
    found = classifier(network, images)
    projection = found and (found[0].double().numpy(), found[1].double().numpy())
    return Loaded(text, tokenizer(config["text_cfg"], tower), scale, projection, origin)


def build_text(config: dict[str, Any]) -> nn.Module:
    """The text tower of one of OpenCLIP's configurations, random weights, in eval mode."""
    from open_clip.model import _build_text_tower

    told = {**config["text_cfg"], "output_tokens": False}
    return _build_text_tower(config["embed_dim"], told, config.get("quick_gelu", False)).eval()


def fill(text: nn.Module, tensors: dict[str, Tensor], origin: str) -> None:
    """Copy a text tower's tensors into it, by either of OpenCLIP's two ways to name them.

    Raises:
        WeightsError: names are missing or shapes differ; nothing is loaded.
    """
    prefix = "text." if any(name.startswith("text.") for name in tensors) else ""
    wanted = text.state_dict()
    missing = [name for name in wanted if prefix + name not in tensors]
    shapes = [
        f"{name} {tuple(tensors[prefix + name].shape)} instead of {tuple(tensor.shape)}"
        for name, tensor in wanted.items()
        if name not in missing and tensors[prefix + name].shape != tensor.shape
    ]
    if missing or shapes:
        found = [f"{len(names)} {what}: {', '.join(names[:4])}" for names, what in
                 ((missing, "missing"), (shapes, "of another shape")) if names]  # fmt: skip
        raise WeightsError(f"The text tower of {origin} does not fit its architecture. {'; '.join(found)}.")
    with torch.no_grad():
        for name, tensor in wanted.items():
            tensor.copy_(tensors[prefix + name])


def check_twin(network: Network, images: dict[str, Tensor], name: str, origin: str) -> None:
    """Compare a file's image half with the backbone, tensor by tensor.

    Raises:
        WeightsError: tensors are missing, or hold other values than the network's.
    """
    given, wanted = _timm.rename(network, images), network.backbone_state()
    missing = [key for key in wanted if key not in given or given[key].shape != wanted[key].shape]
    if missing:
        raise WeightsError(
            f"The image tower of {origin} is not {name}: {len(missing)} of {len(wanted)} tensors are missing or of another shape"
            f" ({', '.join(missing[:4])}), so its texts say nothing about these images."
        )
    other = [key for key, tensor in wanted.items() if not _alike(tensor, given[key])]
    if other:
        raise WeightsError(
            f"The image tower of {origin} was learned elsewhere than {name}: {len(other)} of {len(wanted)} tensors hold other"
            f" values ({', '.join(other[:4])}), so its texts say nothing about these images."
        )


def _alike(one: Tensor, other: Tensor) -> bool:
    one, other = one.detach().float().cpu(), other.float()
    return float((one - other).abs().max()) <= CLOSE * float(other.abs().max()) if one.numel() else True


def classifier(network: Network, images: dict[str, Tensor]) -> tuple[Tensor, Tensor] | None:
    """The projection into the space of the texts: weight (n_dimensions, n_features) and bias, from a file's image half.

    None where images end in that space without one (SigLIP pools into it).
    """
    found = _timm.with_classifier(network, images)
    for layer in _timm.classifiers(network):
        weight, bias = found.get(f"model.{layer}.weight"), found.get(f"model.{layer}.bias")
        if weight is not None and weight.ndim == 2 and weight.shape[1] == network.n_features:
            return weight, bias if bias is not None else weight.new_zeros(len(weight))
    return None


def tokenizer(told: dict[str, Any], tower: TextTower) -> Callable[[list[str]], Tensor]:
    """Texts -> token numbers (n, context); raises StrategyError for a text that is longer than that.

    Raises:
        WeightsError: the files of a tokenizer that is not CLIP's own are not on this machine.
    """
    from open_clip.tokenizer import HFTokenizer, SimpleTokenizer

    if tower.tokenizer:
        (folder,) = {_hub.fetch(tower.tokenizer, filename=name).path.parent for name in TOKENIZER_FILES}
        tokens = HFTokenizer(str(folder), context_length=tower.context, **told.get("tokenizer_kwargs", {}))
    else:
        tokens = SimpleTokenizer(context_length=tower.context)

    def tokenize(texts: list[str]) -> Tensor:
        # Both cut what is too long without a word; with room for one more token the cut would be seen.
        found, roomy = tokens(texts), tokens(texts, tower.context + 1)
        for text, row, more in zip(texts, found, roomy, strict=True):
            if not torch.equal(row, more[:-1]):
                raise StrategyError(
                    f"The text {text!r} is longer than the {tower.context} tokens that the text tower reads. Give the class a"
                    " shorter name, or the strategy shorter prompts."
                )
        return found

    return tokenize


def embed(loaded: Loaded, texts: Sequence[Sequence[str]], device: torch.device, step: Callable[[], None]) -> np.ndarray:
    """One direction for each class: its texts' embeddings of length one, their mean, of length one again.

    Args:
        loaded: the text tower.
        texts: the texts of every class; the same number for each.
        device: where it is computed.
        step: called between batches; may raise to stop.

    Returns:
        (n_classes, n_dimensions), float64, rows of length one.

    Source: Radford et al. 2021, section 3.1.4 (an ensemble over the embedding space).
    """
    flat = [text for one in texts for text in one]
    tower = loaded.text.to(device)
    rows = []
    with torch.inference_mode():
        for begin in range(0, len(flat), TEXTS_AT_ONCE):
            step()
            tokens = loaded.tokenize(flat[begin : begin + TEXTS_AT_ONCE]).to(device)
            rows.append(tower(tokens).double().cpu())
    found = torch.cat(rows).numpy()
    found /= np.linalg.norm(found, axis=1, keepdims=True)
    means = found.reshape(len(texts), -1, found.shape[1]).mean(axis=1)
    return means / np.linalg.norm(means, axis=1, keepdims=True)
