"""Strategies made of the weights of other runs: how those are named, and what is refused."""

from __future__ import annotations

import re

from engine.strategies._base import Card, Setting, Settings, Strategy

RUNS = Setting(
    "runs", "Runs", "", "Ids of finished runs of this network and task that kept their weights, with commas between."
)  # fmt: skip


def ids(settings: Settings) -> list[str]:
    """The runs named, in order, each once."""
    return list(dict.fromkeys(re.findall(r"[^\s,]+", settings["runs"])))


def made_of(name: str, learned: Strategy, card: Card) -> bool:
    """Whether runs of one strategy can be mixed by another.

    Args:
        name: of the one that mixes: merged adapters take LoRA alone; a soup takes what changes weights of its own, and LoRA.
        learned: the strategy of the runs.
        card: of the network.
    """
    if name == "adapter_merging" or learned.name == "lora":
        return learned.name == "lora"
    usual = {setting.name: setting.default for setting in learned.settings}
    alone = learned.added(card, usual) == 0 and learned.head_inputs(card, usual) == card.units[-1].n_features
    return alone and learned.weights != "random" and not learned.mistake_of


def refuses(settings: Settings, least: int, most: int) -> str | None:
    """Too few or too many runs, or what is no id of a run."""
    found = ids(settings)
    if wrong := [one for one in found if not re.fullmatch(r"[0-9a-f]{16}", one)]:
        return f"{wrong[0]!r} is no id of a run: those have 16 hexadecimal digits"
    if not least <= len(found) <= most:
        many = f"{least}" if least == most else f"{least} or more"
        return (
            f"it is made of {many} runs that kept their weights (keep_weights = true); choose them in the Lab, or name their ids"
            " in its setting 'runs'"
        )
    return None


def several(card: Card, settings: Settings) -> str | None:
    """Fewer than two."""
    return refuses(settings, 2, 1000)


def two(card: Card, settings: Settings) -> str | None:
    """Not exactly two."""
    return refuses(settings, 2, 2)
