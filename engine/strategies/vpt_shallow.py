"""Visual prompt tuning, shallow: learned tokens, before the first block (Jia et al. 2022, section 3.2)."""

from engine.strategies import _few
from engine.strategies._base import STRATEGIES, Setting, Strategy, nothing
from engine.strategies._layers import needs_tokens, token_width

STRATEGIES.register(
    Strategy(
        name="vpt_shallow",
        label="Prompt tuning, shallow",
        summary="Everything frozen; learned tokens join those of the image before the first block.",
        source="Jia et al. 2022",
        group="parameter-efficient",
        optimizer=_few.OPTIMIZER,
        rate_factors=_few.PROMPTS,
        settings=(Setting("tokens", "Tokens", 8, "How many learned tokens there are.", 0, 1024),),
        refuses=lambda card, settings: needs_tokens(card),
        moves=nothing,
        added=lambda card, settings: settings["tokens"] * token_width(card),
        tuning="vpt_shallow",
    )
)
