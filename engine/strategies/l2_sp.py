"""L2-SP: an L2 penalty toward the pretrained weights in place of weight decay: strength / 2 * sum (w - w_pretrained)^2."""

from engine.strategies._base import STRATEGIES, Setting, Strategy

STRATEGIES.register(
    Strategy(
        name="l2_sp",
        label="L2-SP",
        summary="Full fine-tuning, pulled back to the pretrained weights instead of to zero.",
        source="Li, Grandvalet & Davoine 2018",
        group="regularised",
        settings=(
            Setting("strength", "Strength", 0.01, "How strongly weights are pulled back; 0 = not at all.", 0.0, 1e4),
        ),
        same_as=lambda card, depth, settings, schedule: ("full_fine_tuning", 0) if not settings["strength"] else None,
        tuning="l2_sp",
    )
)
