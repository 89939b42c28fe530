"""Early stopping: full fine-tuning that ends once the validation loss has not fallen for some epochs."""

from engine.strategies._base import STRATEGIES, Setting, Strategy

STRATEGIES.register(
    Strategy(
        name="early_stopping",
        label="Early stopping",
        summary="Full fine-tuning that ends once validation has stopped improving.",
        source="Prechelt 1998",
        group="regularised",
        settings=(
            Setting("patience", "Patience", 5, "Epochs without a lower validation loss to wait for.", 1, 10_000),
        ),
        tuning="early_stopping",
    )
)
