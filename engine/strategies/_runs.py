"""Strategies made of the weights of other runs: how those are named, and what is refused.

Named are ids of finished runs, or strategies of the same experiment (see `engine.mixes`): several (their runs of one seed), or
the seeds of one, `seeds:NAME`.
"""

from __future__ import annotations

import re

from engine.strategies._base import STRATEGIES, Card, Setting, Settings, Strategy

SEEDS = "seeds:"
RUNS = Setting(
    "runs", "Runs", "",
    "Ids of finished runs of this network and task that kept their weights, with commas between; or strategies of the same"
    f" experiment, whose runs of each seed are mixed; or {SEEDS}NAME, the seeds of one.",
)  # fmt: skip
LEAST = 2
MOST = {"adapter_merging": 2}
"""Runs that a mix is made of at most."""


def ids(settings: Settings) -> list[str]:
    """The runs named, in order, each once."""
    return list(dict.fromkeys(re.findall(r"[^\s,]+", settings.get("runs", ""))))


def named(settings: Settings) -> tuple[str, ...]:
    """The strategies of the same experiment whose runs are meant; none where ids are given, or it is not made of runs."""
    return tuple(one.removeprefix(SEEDS) for one in ids(settings) if not _is_id(one))


def over_seeds(settings: Settings) -> bool:
    """Whether the seeds of one strategy are meant."""
    return any(one.startswith(SEEDS) for one in ids(settings))


def _is_id(text: str) -> bool:
    return bool(re.fullmatch(r"[0-9a-f]{16}", text))


def made_of(name: str, learned: Strategy, card: Card) -> bool:
    """Whether runs of one strategy can be mixed by another.

    Args:
        name: of the one that mixes: merged adapters take LoRA alone; a soup takes what changes weights of its own, and LoRA.
        learned: the strategy of the runs.
        card: of the network.
    """
    if RUNS in learned.settings or learned.refuses_task:  # a mix itself, or nothing that was learned
        return False
    if name == "adapter_merging" or learned.name == "lora":
        return learned.name == "lora"
    usual = {setting.name: setting.default for setting in learned.settings}
    alone = learned.added(card, usual) == 0 and learned.head_inputs(card, usual) == card.units[-1].n_features
    return alone and learned.weights != "random" and not learned.mistake_of


def refuses(name: str, card: Card, settings: Settings) -> str | None:
    """Why a mix of this name cannot be made of the runs that its settings name: too few or many, or what is none."""
    found, most = ids(settings), MOST.get(name)
    given = [one for one in found if _is_id(one)]
    others = named(settings)
    if wrong := [one for one in others if one not in STRATEGIES]:
        return f"{wrong[0]!r} is no id of a run (those have 16 hexadecimal digits) and no strategy"
    if given and others:
        return "it is made of runs that are named by their ids, or of strategies of this experiment, not of both"
    if bad := [one for one in others if not made_of(name, STRATEGIES[one], card)]:
        return (
            f"it cannot be made of the runs of {STRATEGIES[bad[0]].label}, which are no weights of this network alone"
        )
    if over_seeds(settings):
        return None if len(found) == 1 else f"{SEEDS}NAME stands alone: the seeds of one strategy are mixed"
    if len(found) < LEAST or len(found) > (most or len(found)):
        return (
            f"it is made of {most or f'{LEAST} or more'} runs that kept their weights (keep_weights = true); choose them in the"
            f" Lab, name their ids in its setting 'runs', or name strategies of this experiment there ({SEEDS}NAME: the seeds"
            " of one)"
        )
    return None
