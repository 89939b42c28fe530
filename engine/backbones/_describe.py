"""The card of any backbone, whatever that takes. Loads torch where the card is not known beforehand."""

from __future__ import annotations

from engine.backbones._base import Card, family_of
from engine.errors import BackboneError


def describe(name: str) -> Card:
    """The card of a backbone; built and measured if its family does not know it already.

    Raises:
        UnknownNameError: no family knows the name.
        BackboneError: it could not be built or measured.
    """
    family = family_of(name)
    known = family.card(name)
    if known is not None:
        return known
    if family.describe is None:
        raise BackboneError(f"The family {family.name!r} has no card for {name!r}.")
    return family.describe(name)
