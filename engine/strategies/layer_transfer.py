"""The curves of a layer-transfer study, as strategies: the first n units come from a base, the others start anew.

Yosinski, Clune, Bengio, Lipson, "How transferable are features in deep neural networks?", NIPS 2014, section 2. Which base
the units come from, and at which depths, `engine.layer_transfer` plans: it is the whole study that has a meaning.
"""

from __future__ import annotations

from engine.strategies._base import STRATEGIES, Strategy

SOURCE = "Yosinski et al. 2014"


def _depths(n_units: int, asked: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(depth for depth in asked if depth > 0)


STRATEGIES.register(
    Strategy(
        name="selffer",
        label="Selffer, frozen (BnB)",
        summary="The first units of a base for the same classes, frozen; the others start anew.",
        source=SOURCE,
        group="layer transfer",
        depths=_depths,
    )
)
STRATEGIES.register(
    Strategy(
        name="selffer_plus",
        label="Selffer, fine-tuned (BnB+)",
        summary="The first units of a base for the same classes; the others start anew, everything trains.",
        source=SOURCE,
        group="layer transfer",
    )
)
STRATEGIES.register(
    Strategy(
        name="transfer",
        label="Transfer, frozen (AnB)",
        summary="The first units of a base for other classes, frozen; the others start anew.",
        source=SOURCE,
        group="layer transfer",
        depths=_depths,
    )
)
STRATEGIES.register(
    Strategy(
        name="transfer_plus",
        label="Transfer, fine-tuned (AnB+)",
        summary="The first units of a base for other classes; the others start anew, everything trains.",
        source=SOURCE,
        group="layer transfer",
    )
)
STRATEGIES.register(
    Strategy(
        name="random_frozen",
        label="Random units, frozen",
        summary="The first units keep random weights; the others train: what training the first units is worth.",
        source="Yosinski et al. 2014, section 4.3",
        group="layer transfer",
        depths=_depths,
        weights="random",
    )
)
