"""From scratch: the same architecture with random weights and the same budget; the control for every gain."""

from engine.strategies._base import STRATEGIES, Strategy

STRATEGIES.register(
    Strategy(
        name="from_scratch",
        label="From scratch",
        summary="Random weights, everything trains: what the target data alone can do.",
        source="the control in Yosinski et al. 2014 and Kornblith et al. 2019",
        depths=lambda n_units, asked: (0,),
        weights="random",
        control=True,
    )
)
