"""Layer decay: the rate of unit l of L is decay^(L + 1 - l), so the image end moves least; the head learns at the full rate."""

from __future__ import annotations

from engine.strategies._base import STRATEGIES, Card, Phase, Setting, Settings, Strategy


def phases(card: Card, depth: int, settings: Settings, epochs: int) -> tuple[Phase, ...]:
    """One phase; unit by unit."""
    decay, n = settings["decay"], card.n_units
    return (Phase(1.0, (*(decay ** (n - place) for place in range(n)), 1.0)),)


STRATEGIES.register(
    Strategy(
        name="layer_decay",
        label="Layer-wise rate decay",
        summary="Everything trains; each unit learns a little more slowly than the one above it.",
        source="Clark et al. 2020 (ELECTRA); Bao et al. 2022 (BEiT); timm's layer decay",
        group="schedule",
        settings=(
            Setting(
                "decay", "Decay", 0.75, "Rate of a unit as a share of the unit's above it; 1 = all alike.", 0.01, 1.0
            ),
        ),
        same_as=lambda card, depth, settings, schedule: ("full_fine_tuning", 0) if settings["decay"] == 1 else None,
        phases=phases,
    )
)
