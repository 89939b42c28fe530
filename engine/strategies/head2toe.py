"""Head2Toe: a linear classifier on selected features of all depths of the frozen backbone.

Evci et al. 2022: a group lasso over all features ranks them, the share that validates best is kept, and a linear head is
solved on those. We solve both convex problems instead of stepping toward them.
"""

from engine.strategies._base import STRATEGIES, Setting, Strategy, all_widths, nothing

STRATEGIES.register(
    Strategy(
        name="head2toe",
        label="Head2Toe",
        summary="Everything frozen; a linear classifier on the most useful features of all depths together.",
        source="Evci et al. 2022",
        group="freezing",
        settings=(
            Setting(
                "lasso", "Lasso", 0.05, "Share of the strongest useful penalty that ranks the features.", 0.001, 0.9
            ),
        ),
        depths=lambda n_units, asked: (n_units,),
        solves_head=True,
        moves=nothing,
        head_inputs=all_widths,
        tuning="head2toe",
    )
)
