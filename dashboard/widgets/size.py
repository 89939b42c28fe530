"""Bytes in words."""

from engine.backbones import in_words as size

__all__ = ["size"]
