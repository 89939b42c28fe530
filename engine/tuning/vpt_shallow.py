"""Visual prompt tuning, shallow: learned tokens join before the first block and go through all of them."""

from engine.tuning._prompts import Prompting as Tuning

__all__ = ["Tuning"]
