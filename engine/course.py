"""The course of a training: which units learn when, and at what rate. Pure, so that it can be drawn before anything runs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from engine.backbones import Card
from engine.recipes import resolved
from engine.schedules import schedule
from engine.spec import RunSpec
from engine.strategies import STRATEGIES, Phase, settled

PATIENCE = 2
"""Epochs in a row without a lower validation loss that end a phase, where phases end on a plateau."""
SAMPLES = 101


@dataclass(frozen=True)
class Course:
    """Rates of every unit and the head over a training."""

    phases: tuple[Phase, ...]
    learning_rate: float
    curve: str
    cycles: int
    on_plateau: bool = False

    @property
    def uniform(self) -> bool:
        """Whether all that may move learns at one rate throughout."""
        return len({rate for phase in self.phases for rate in phase.rates}) == 1

    def place(self, done: float, losses: Sequence[float] = ()) -> int:
        """The phase after a share `done` of the steps, given the validation losses of the epochs so far."""
        if self.on_plateau:
            return min(plateaus(losses), len(self.phases) - 1)
        return next((at for at, phase in enumerate(self.phases) if done < phase.end), len(self.phases) - 1)

    def rates(self, done: float, losses: Sequence[float] = ()) -> tuple[float, ...]:
        """Learning rate of every unit, then of the head, after a share `done` (0..1) of the steps; 0 = does not learn."""
        at = self.place(done, losses)
        phase = self.phases[at]
        if phase.curve and not self.on_plateau:
            begin = self.phases[at - 1].end if at else 0.0
            share = schedule(phase.curve, (done - begin) / (phase.end - begin))
        else:
            share = schedule(self.curve, done, self.cycles)
        return tuple(self.learning_rate * share * rate for rate in phase.rates)


def plateaus(losses: Sequence[float]) -> int:
    """How many phases have ended, each after `PATIENCE` epochs in a row without a loss below its lowest."""
    ended, lowest, waited = 0, math.inf, 0
    for loss in losses:
        lowest, waited = (loss, 0) if loss < lowest else (lowest, waited + 1)
        if waited >= PATIENCE:
            ended, lowest, waited = ended + 1, math.inf, 0
    return ended


def course(run: RunSpec, card: Card) -> Course:
    """The course of a planned run that trains by gradient steps; its epochs are a number."""
    assert isinstance(run.train.epochs, int), "plan the run first"
    strategy, train = STRATEGIES[run.strategy], resolved(run.train, run.strategy, card, 0)
    settings = settled(strategy, run.settings or {})
    if strategy.phases is None:
        phases = (Phase(1.0, (1.0,) * (card.n_units + 1)),)
    else:
        phases = strategy.phases(card, run.frozen_depth, settings, train.epochs)
    return Course(
        phases, train.learning_rate, strategy.curve or train.schedule, train.cycles, strategy.on_plateau(settings)
    )


@dataclass(frozen=True)
class Row:
    """One unit at one moment of a training."""

    share: float
    """Of the steps, 0..1."""
    unit: int
    """1-based; n_units + 1 is the head."""
    name: str
    trainable: bool
    rate: float


def schedule_table(run: RunSpec, card: Card, samples: int = SAMPLES) -> list[Row]:
    """Which units learn when and at what rate, at evenly spaced moments; nothing learns where the head is solved.

    Where phases end on a plateau nobody knows when: they are drawn at equal lengths, and `course` says so.
    """
    strategy = STRATEGIES[run.strategy]
    moves = strategy.moves(card, run.frozen_depth, settled(strategy, run.settings or {}))
    learns = [unit in moves.units or bool(moves.parts) for unit in range(card.n_units)] + [True]
    names = [*(unit.name for unit in card.units), "head"]
    plan = course(run, card)
    nominal = plan if not plan.on_plateau else Course(plan.phases, plan.learning_rate, plan.curve, plan.cycles)
    rows = []
    for sample in range(samples):
        done = sample / max(1, samples - 1)
        rates = (0.0,) * len(names) if strategy.solves_head else nominal.rates(min(done, 1 - 1e-9))
        for place, (name, rate) in enumerate(zip(names, rates, strict=True)):
            moving = learns[place] and rate > 0
            rows.append(Row(done, place + 1, name, moving, rate if moving else 0.0))
    return rows
