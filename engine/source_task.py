"""The dataset that a backbone's weights were learned from, where its images are on this machine. Without torch."""

from __future__ import annotations

from pathlib import Path

from engine import datasets
from engine.backbones import Card
from engine.errors import TransferscopeError

DATASETS_OF = {"CIFAR-100": "cifar100", "CIFAR-10": "cifar10"}
"""What cards call their source data -> the dataset of that name; the longer name first."""


def named(card: Card) -> str | None:
    """The dataset that the weights of a card were learned from last, where it is one of ours."""
    last = card.source_data.rpartition(", then ")[2]
    return next((name for said, name in DATASETS_OF.items() if last.startswith(said)), None)


def here(card: Card, weights: str, home: Path | None) -> str | None:
    """The dataset of the source task, where its images are on this machine and the weights are the card's own.

    Args:
        card: of the backbone.
        weights: as in a spec; only `pretrained` ones are those that the card speaks of.
        home: where downloaded datasets are.
    """
    name = named(card) if weights == "pretrained" else None
    return name if name and installed(name, home) else None


def installed(name: str, home: Path | None) -> bool:
    """Whether the images of a dataset are on this machine, so that using it downloads nothing."""
    try:
        return datasets.describe(name, home).download_bytes == 0
    except TransferscopeError:
        return False
