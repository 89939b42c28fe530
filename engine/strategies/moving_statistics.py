"""The classic mistake: units are frozen by taking their gradients away, and their normalisation is left in training mode.

Weights stay; every batch is normalised by its own statistics, and the running ones that are used for testing drift towards the
target images. Nothing else differs from partial fine-tuning at the same depth, which is planned beside it: the pair shares seed,
split, batches and head. It may cost accuracy or, where the target is far from the source, even gain some (running statistics that
follow the target are what AdaBN does on purpose); either way the units were not frozen, and the freeze proof says so.
"""

from __future__ import annotations

from engine.strategies._base import STRATEGIES, Strategy
from engine.strategies._layers import no_batch_norm

STRATEGIES.register(
    Strategy(
        name="moving_statistics",
        label="Running statistics left on",
        summary="Partial fine-tuning as it often goes wrong: frozen units keep moving their running statistics.",
        source="Ioffe & Szegedy 2015 (running statistics); the keras.io guide to transfer learning, on this very mistake",
        group="mistake",
        depths=lambda n_units, asked: tuple(depth for depth in asked if 0 < depth < n_units),
        refuses=lambda card, settings: no_batch_norm(card),
        mistake_of="partial_fine_tuning",
        statistics_move=True,
    )
)
