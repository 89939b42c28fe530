"""Adapters: everything frozen; after every unit a small bottleneck is added: h + up(relu(down(h))), up = 0 at first.

Houlsby et al. 2019, section 2.1 (for transformers, two per block); Rebuffi et al. 2017 (1 x 1 convolutions in residual
networks). Here: one after every unit of any network whose units compose.
"""

from __future__ import annotations

from engine.strategies import _few
from engine.strategies._base import STRATEGIES, Card, Setting, Settings, Strategy, nothing
from engine.strategies._layers import channels


def widths(card: Card, settings: Settings) -> list[tuple[int, int]]:
    """(channels, bottleneck) of every unit."""
    return [(channels(unit), min(settings["width"], channels(unit))) for unit in card.units]


def refuses(card: Card, settings: Settings) -> str | None:
    """Units that do not compose, or a bottleneck wider than the network."""
    if not card.composable or not all(channels(unit) for unit in card.units):
        return f"it works between units, and those of {card.name} do not compose, or not in channels"
    widest = max(channels(unit) for unit in card.units)
    if settings["width"] > widest:
        return f"width is {settings['width']}, and no unit of {card.name} has more than {widest} channels: it is no bottleneck"
    return None


STRATEGIES.register(
    Strategy(
        name="adapters",
        label="Adapters",
        summary="Everything frozen; a small bottleneck after every unit learns to correct its output.",
        source="Houlsby et al. 2019; Rebuffi, Bilen & Vedaldi 2017",
        group="parameter-efficient",
        optimizer=_few.OPTIMIZER,
        rate_factors=_few.SELECTED,
        settings=(Setting("width", "Width", 8, "Channels in the bottleneck; narrower units take their own.", 0, 4096),),
        refuses=refuses,
        moves=nothing,
        added=lambda card, settings: sum(c * w + w + w * c + c for c, w in widths(card, settings) if w),
        tuning="adapters",
    )
)
