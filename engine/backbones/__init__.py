"""Backbones: ordered units whose composition is the forward pass. `BACKBONES` describes them without loading torch."""

from engine.backbones._base import BACKBONES, Card, Family, Unit, canonical, card, family_of

__all__ = ["BACKBONES", "Card", "Family", "Unit", "canonical", "card", "family_of"]
