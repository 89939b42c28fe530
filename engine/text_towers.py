"""Which backbones are the image tower of an image-text model whose text tower can be had: data, read without torch.

A text tower writes a linear head for any classes from their names (Radford et al. 2021, section 3.1.2). It belongs to one
image tower with one set of weights; `assets/backbones/text_towers.json` lists the pairs (`_text_tower_table` makes it anew).
"""

from __future__ import annotations

import importlib.util
import json
import os
import struct
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from engine.backbones import _disk
from engine.backbones._base import ASSETS
from engine.backbones._disk import in_words
from engine.errors import BackboneError

FILE = ASSETS / "backbones" / "text_towers.json"
WEIGHTS = "open_clip_model.safetensors"
"""What OpenCLIP calls the file with both towers."""
TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json")
"""Of a tokenizer that is not CLIP's own."""
TEXT_TRAINED = ("image-text", "LAION", "DataComp", "WebLI", "DFN-", "DFNDR", "Merged-2B", "CC-12M", "YFCC-15M")
"""Source data of models that were learned with texts."""
SIGNS = ("token_embedding.weight", "text.token_embedding.weight")
"""Tensors that every text tower of ours has, in one of OpenCLIP's two ways to name them."""
PICKLED = ("apple/", "jienengchen/")
"""Owners on the hub who publish both towers in a format that can run code and nothing else, as far as is known here."""


@dataclass(frozen=True)
class TextTower:
    """The text half of an image-text model."""

    repository: str
    """On the hub; holds `WEIGHTS` with both halves."""
    model: str
    """OpenCLIP's name of the architecture."""
    parameters: int
    flops: int
    """Of one text."""
    bytes: int
    """About, of the file with both halves; an estimate, headers left out."""
    context: int
    """Tokens of one text that it reads."""
    tokenizer: str = ""
    """Repository of a tokenizer that needs the library transformers; empty for CLIP's own."""

    @property
    def on_disk(self) -> bool:
        """Whether its file is on this machine now."""
        return _disk.cached(self.repository, filename=WEIGHTS) is not None


@cache
def _table() -> dict[str, Any]:
    return json.loads(FILE.read_text(encoding="utf-8"))


def towers() -> dict[str, TextTower]:
    """Every pair that is known, by the image tower: `architecture.tag`."""
    return {name: TextTower(**values) for name, values in _table()["towers"].items()}


def tower_of(card: Any) -> TextTower | None:
    """The text tower of a backbone's pretrained weights, or None; `card` is `engine.backbones.Card`."""
    return towers().get(_key(card))


def tokenizer_here(tower: TextTower) -> bool:
    """Whether a text tower can read words without a download."""
    files = TOKENIZER_FILES if tower.tokenizer else ()
    return all(_disk.cached(tower.tokenizer, filename=name) is not None for name in files)


def needed(card: Any) -> TextTower:
    """As `tower_of`. Raises BackboneError with the reason where there is none."""
    tower = tower_of(card)
    if tower is None:
        raise BackboneError(f"There is no text tower to use: {refusal(card)}.")
    return tower


def _key(card: Any) -> str:
    """Architecture and tag: a name without a tag takes timm's preferred weights, which the card names."""
    architecture = card.name.rpartition(":")[2].partition(".")[0]
    return f"{architecture}.{getattr(card, 'weights', '').rpartition('.')[2]}"


def is_known(name: str) -> bool:
    """Whether `architecture.tag` is an image tower whose text tower is known, whatever activation it computes with."""
    return name in _table()["towers"] or name in _table()["instead"]


def is_image_tower(source_data: str) -> bool:
    """Whether weights were last learned with texts, so that what stands at their end is no classifier."""
    return any(word in source_data.rpartition(", then ")[2] for word in TEXT_TRAINED)


def refusal(card: Any) -> str:
    """Why this backbone, which has no tower in the table, cannot be asked by texts."""
    key = _key(card)
    if instead := _table()["instead"].get(key):
        return (
            f"{card.name} computes with GELU and its weights were learned with QuickGELU, so its images do not end where its text"
            f" tower's texts do; timm:{instead} has the same weights and the right activation"
        )
    repository = getattr(card, "weights", "").removeprefix("hub:")
    if repository.startswith(PICKLED) or "dfn" in key.rpartition(".")[2]:
        return (
            f"the text tower of {card.name} is published as a pickle alone, which can run code and is never opened; those of"
            f" {_some()} are safetensors"
        )
    return (
        f"no text tower is known for {card.name}; they are known for {len(towers())} image towers, {_some()} among them: python"
        " -m engine backbones text tower lists them"
    )


def _some() -> str:
    asked = ("vit_base_patch32_clip_224.laion2b", "vit_base_patch16_clip_quickgelu_224.openai", "resnet50_clip.openai")
    return ", ".join(f"timm:{name}" for name in asked if name in towers())


def unusable(card: Any, tower: TextTower, weights: str) -> str | None:
    """Why a text tower cannot be used with these starting weights on this machine now, or None.

    Args:
        card: of the backbone.
        tower: of its pretrained weights.
        weights: as in a spec.
    """
    if tower.tokenizer and importlib.util.find_spec("transformers") is None:
        return (
            f"the text tower of {card.name} reads through a tokenizer of the library transformers, which is not installed:"
            " pip install transformers"
        )
    if weights.startswith("file:"):
        path = Path(weights.removeprefix("file:")).expanduser()
        return (
            None if holds_text(path) else f"{path} holds no text tower: it takes OpenCLIP's file with both ({WEIGHTS})"
        )
    if weights != "pretrained":
        return f"the text tower belongs to the pretrained weights of {card.name}, and these runs start from others"
    if offline() and not tower.on_disk:
        return f"HF_HUB_OFFLINE is set and {missing(card, tower)}"
    return None


def missing(card: Any, tower: TextTower) -> str:
    """That a text tower is not here, how large it is, and what fetches it."""
    return (
        f"the text tower of {card.name} is not on this machine ({tower.repository}, about {in_words(tower.bytes)}); where there"
        f" is a network, python -m engine weights {card.name} --text fetches it"
    )


def offline() -> bool:
    """Whether the user forbids the hub's client to use the network."""
    return os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE")


def holds_text(path: Path) -> bool:
    """Whether a safetensors file names the tensors of a text tower; reads its header alone, and never raises."""
    try:
        with path.open("rb") as stream:
            (size,) = struct.unpack("<Q", stream.read(8))
            if size > min(path.stat().st_size, 16_000_000):
                return False
            return any(name in SIGNS for name in json.loads(stream.read(size)))
    except (OSError, ValueError, struct.error):
        return False


def words(card: Any, tower: TextTower) -> str:
    """Where a text tower comes from, how large it is, and under which licence."""
    how = "on this machine" if tower.on_disk else f"about {in_words(tower.bytes)} to download (both towers in one file)"
    licence = getattr(card, "licence", "") or "not stated"
    return f"Text tower: {tower.repository}, {how}; {tower.parameters:,} parameters; licence: {licence}."
