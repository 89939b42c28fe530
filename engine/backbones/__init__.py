"""Backbones: ordered units whose composition is the forward pass. `BACKBONES` describes them without loading torch."""

from engine.backbones._base import BACKBONES, Card, Family, Unit, canonical, card, family_of
from engine.backbones._catalogue import Entry, catalogue, search
from engine.backbones._disk import cached, in_words

__all__ = [
    "BACKBONES",
    "Card",
    "Entry",
    "Family",
    "Unit",
    "cached",
    "canonical",
    "card",
    "catalogue",
    "family_of",
    "in_words",
    "search",
]
