"""Visual prompt tuning, deep: every block gets learned tokens of its own."""

from engine.tuning._prompts import Prompting


class Tuning(Prompting):
    """New tokens before every block; those of the block before are dropped."""

    deep = True
