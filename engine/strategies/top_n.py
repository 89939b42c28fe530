"""Top-n only: the last n units and the head train; the cell of partial fine-tuning at the depth that leaves n units."""

from engine.strategies._base import STRATEGIES, Setting, Strategy

STRATEGIES.register(
    Strategy(
        name="top_n",
        label="Top units only",
        summary="Only the last few units and the head train, however deep the network is.",
        source="Yosinski et al. 2014; the usual recipe of practitioners",
        settings=(Setting("units", "Units that train", 2, "How many of the last units train.", 0, 1000),),
        at=lambda card, settings: max(0, card.n_units - settings["units"]),
        same_as=lambda card, depth, settings, schedule: ("partial_fine_tuning", depth),
    )
)
