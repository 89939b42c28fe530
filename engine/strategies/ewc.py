"""EWC: a penalty toward the pretrained weights, stronger where the source task is sensitive to them.

strength / 2 * sum F_i (w_i - w_i,pretrained)^2 with F the diagonal Fisher information on the source data, divided by its mean
so that the strength compares with that of L2-SP (Kirkpatrick et al. 2017, equation 3, has it undivided). The source head is
a logistic regression on the source features, because backbones are kept without theirs. F_i is cut at 1,000 (see
`engine.tuning.ewc`).
"""

from __future__ import annotations

from engine.strategies._base import STRATEGIES, Card, Setting, Settings, Strategy


def refuses(card: Card, settings: Settings) -> str | None:
    """No source data."""
    if settings["source"].strip():
        return None
    return (
        "it needs images of the source task, which are not kept with a backbone; name a dataset that is on this machine in"
        " its setting 'source', for example cifar10 or folder:PATH"
    )


STRATEGIES.register(
    Strategy(
        name="ewc",
        label="EWC",
        summary="Full fine-tuning, pulled back where the source task is sensitive to a weight.",
        source="Kirkpatrick et al. 2017",
        group="regularised",
        settings=(
            Setting("source", "Source data", "", "Dataset of the source task: a name, or folder:PATH."),
            Setting("strength", "Strength", 0.01, "How strongly weights are pulled back; 0 = not at all.", 0.0, 1e6),
            Setting(
                "images", "Source images", 128, "How many source images the sensitivity is measured on.", 8, 10_000
            ),
        ),
        refuses=refuses,
        same_as=lambda card, depth, settings, schedule: ("full_fine_tuning", 0) if not settings["strength"] else None,
        tuning="ewc",
    )
)
