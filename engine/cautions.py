"""What a plan may be run with and probably should not: one sentence each, which names the consequence."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

from engine import mixes
from engine.cost import images_used
from engine.plan import PlannedRun
from engine.recipes import resolved
from engine.spec import AUTO
from engine.strategies import STRATEGIES, settled
from engine.strategies._runs import ids

HIGHEST_RATE = {"sgd": 1.0, "adamw": 0.05}
"""Above it trainings hardly ever go well, but for strategies whose own usual rate is higher."""

MANY_TIMES = 10
"""More than this often a strategy's usual rate is worth a sentence."""


def cautions(runs: Sequence[PlannedRun]) -> list[str]:
    """Sentences about runs of a plan, each once."""
    return list(dict.fromkeys([*(sentence for run in runs for sentence in _of(run)), *_mixed(runs)]))


def _mixed(runs: Sequence[PlannedRun]) -> Iterator[str]:
    """Of soups and merged adapters of several seeds of this plan."""
    seeds = {one.run.run_id: one.run.seed for one in runs}
    for run in (one.run for one in runs if one.run.strategy in mixes.MIXES):
        found = {seeds.get(name) for name in ids(run.settings or {})} - {None}
        if len(found) > 1:
            yield mixes.more_labels(run.strategy, len(found))


def _of(planned: PlannedRun) -> Iterator[str]:
    run, card = planned.run, planned.card
    strategy, train = STRATEGIES[run.strategy], resolved(run.train, run.strategy, card, images_used(planned)[0])
    if strategy.mistake_of:
        yield (
            f"{strategy.label} is a mistake, shown on purpose: frozen units will not stay as they were, and the freeze proof will"
            f" say so in red. It is compared with {STRATEGIES[strategy.mistake_of].label.lower()} at the same depth alone."
        )
    if strategy.solves_head:
        return
    usual = resolved(dataclasses.replace(train, learning_rate=AUTO), run.strategy, card, 1).learning_rate
    highest = max(HIGHEST_RATE[train.optimizer], usual)  # prompts take larger steps than anything else
    if train.learning_rate > highest:
        yield (
            f"A learning rate of {train.learning_rate:g} is {train.learning_rate / highest:,.0f} times what {train.optimizer}"
            " hardly ever survives: the loss will most likely stop being a number, and the runs end as diverged."
        )
    elif train.learning_rate > MANY_TIMES * usual:
        yield (
            f"A learning rate of {train.learning_rate:g} is {train.learning_rate / usual:,.0f} times what {strategy.label}"
            f" usually takes with {train.optimizer} on {card.name}: it will probably learn less."
            f" Leave the rate at 'auto', and it gets {usual:g}."
        )
    settings = settled(strategy, run.settings or {})
    moves = strategy.moves(card, run.frozen_depth, settings)
    pictures = any(len(unit.output) == 3 for unit in card.units)
    normalised = any(
        weight.kind == "norm"
        for place, unit in enumerate(card.units)
        if place in moves.units or moves.parts == "norm"
        for weight in unit.weights
    )
    if min(train.batch_size, images_used(planned)[0]) == 1 and pictures and normalised:
        yield (
            "A batch of one image and normalisation that trains: each image is normalised by itself, so batch normalisation"
            f" learns nothing from the others and {card.name} will hardly learn. Take a batch size of 8 or more."
        )
    if strategy.name == "bss" and settings["directions"] >= train.batch_size:
        yield (
            f"BSS shrinks {settings['directions']} directions, and a batch of {train.batch_size} has no more: all features are"
            " pulled to zero."
        )
