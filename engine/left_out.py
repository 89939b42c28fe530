"""What an experiment leaves out where a backbone or a task refuses it, and why, in words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine import backbones, datasets, layer_transfer
from engine.backbones import Card
from engine.cells import refusal
from engine.datasets import DatasetInfo
from engine.spec import ExperimentSpec
from engine.strategies import STRATEGIES


@dataclass(frozen=True)
class LeftOut:
    """A strategy that an experiment asks for, or would carry as a control, and that a backbone or a task refuses."""

    strategy: str
    backbone: str
    why: str


def left_out(
    spec: ExperimentSpec,
    *,
    home: Path | None = None,
    card: Callable[[str, Path | None], Card] = backbones.card,
    describe: Callable[[str, Path | None], DatasetInfo] = datasets.describe,
) -> list[LeftOut]:
    """What a plan of this experiment leaves out (`leave_out_refused`), with the reasons; nothing where it refuses instead.

    Raises:
        UnknownNameError: a backbone or strategy that no registry knows.
        SpecError: a setting is not one of a strategy's.
    """
    if not spec.leave_out_refused:
        return []
    cards = [card(name, home) for name in spec.backbones]
    asked = [name for name in spec.strategies if name not in layer_transfer.CURVES]
    found = []
    for name in asked:
        weights = STRATEGIES[name].weights or spec.weights
        for one in cards:
            reasons = [refusal(name, one, spec)]
            if not reasons[0] and (of_task := STRATEGIES[name].refuses_task):
                reasons = [of_task(one, describe(data, home), weights) for data in spec.datasets]
            found += [LeftOut(name, one.name, why) for why in reasons if why]
    return found


def left_out_words(found: Sequence[LeftOut], done: str = "left out") -> list[str]:
    """One sentence for each strategy and reason, with the backbones that it holds for; `done` is what happened to it."""
    told: dict[tuple[str, str], list[LeftOut]] = {}
    for one in dict.fromkeys(found):
        alike = one.why.replace(one.backbone, "this network")  # the same reason for several networks is said once
        told.setdefault((one.strategy, alike), []).append(one)
    return [
        f"{STRATEGIES[name].label} is {done} on {', '.join(one.backbone for one in those)}:"
        f" {alike if len(those) > 1 else those[0].why}."
        for (name, alike), those in told.items()
    ]
