"""Visual prompt tuning, deep: learned tokens, every block gets new ones (Jia et al. 2022, section 3.2)."""

from engine.strategies import _few
from engine.strategies._base import STRATEGIES, Setting, Strategy, nothing
from engine.strategies._layers import needs_tokens, token_width

STRATEGIES.register(
    Strategy(
        name="vpt_deep",
        label="Prompt tuning, deep",
        summary="Everything frozen; learned tokens join those of the image, new ones before every block.",
        source="Jia et al. 2022",
        group="parameter-efficient",
        optimizer=_few.OPTIMIZER,
        rate_factors=_few.PROMPTS,
        settings=(Setting("tokens", "Tokens", 8, "How many learned tokens every block gets.", 0, 1024),),
        refuses=lambda card, settings: needs_tokens(card),
        moves=nothing,
        added=lambda card, settings: settings["tokens"] * token_width(card) * (card.n_units - 1),
        tuning="vpt_deep",
    )
)
