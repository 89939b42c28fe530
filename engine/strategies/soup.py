"""Soup: the mean of the weights that several runs learned from the same start, backbone, statistics and head; nothing is trained.

Wortsman et al. 2022 ("Model soups"), the uniform soup. The runs are named in its setting: as in the paper, most usefully those
of several strategies with the same seed, which have learned from the same labels (`engine.mixes`).
"""

from functools import partial

from engine.strategies import _runs
from engine.strategies._base import STRATEGIES, Strategy, nothing

STRATEGIES.register(
    Strategy(
        name="soup",
        label="Soup of runs",
        summary="The mean of the weights of several finished runs; nothing is trained.",
        source="Wortsman et al. 2022 (Model soups)",
        group="weight space",
        settings=(_runs.RUNS,),
        refuses=partial(_runs.refuses, "soup"),
        solves_head=True,
        moves=nothing,
        tuning="soup",
    )
)
