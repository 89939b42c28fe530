"""Controls that a comparison carries by itself: from scratch, a linear probe, and zero-shot where a text can answer. Pure.

The word gain needs a control (from scratch or a linear probe) on the same images, and the negative-transfer alarm needs training
from scratch. So wherever something that starts from learned weights is planned, they are planned beside it, cell by cell and
seed by seed, unless an experiment says `controls = false`. A control that was not named never refuses an experiment and never
downloads anything: it is left out, with its reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from engine.backbones import Card
from engine.cells import Cell, given, of_strategy, refusal
from engine.datasets import DatasetInfo
from engine.errors import SpecError
from engine.layer_transfer import CURVES
from engine.left_out import LeftOut, left_out_words
from engine.spec import ExperimentSpec
from engine.strategies import STRATEGIES, settled
from engine.strategies._runs import RUNS

if TYPE_CHECKING:
    from engine.plan import PlannedRun

NAMES = tuple(one.name for one in STRATEGIES if one.control)
NEEDED = tuple(one.name for one in STRATEGIES if one.control and one.refuses_task is None)
"""Those that every task and network has: without them nobody can say what is a gain."""


def is_contestant(strategy: str, weights: str) -> bool:
    """Whether a cell learns from weights that were learned before, and is no control itself.

    Mixes of finished runs learn nothing, copied units of a layer-transfer study have controls of their own, and what starts from
    random weights transfers nothing.
    """
    one = STRATEGIES[strategy]
    return weights != "random" and not one.control and RUNS not in one.settings and strategy not in CURVES


def cells(spec: ExperimentSpec, card: Card, info: DatasetInfo, asked: Sequence[Cell]) -> list[Cell]:
    """The controls that are added to what is planned of a backbone and a dataset.

    Args:
        spec: the experiment.
        card: of the backbone.
        info: of the dataset.
        asked: its cells there; none of them is returned again, whatever it is called.
    """
    if spec.controls is False or not any(is_contestant(name, weights) for name, _, weights, _ in asked):
        return []
    found = [
        cell
        for name in NAMES
        if name not in spec.strategies and not why_not(name, card, info, spec)
        for cell in of_strategy(name, card, spec)
    ]
    return [cell for cell in found if cell not in asked]


def why_not(name: str, card: Card, info: DatasetInfo, spec: ExperimentSpec) -> str | None:
    """Why a control is not added on a backbone and a dataset, or None where nothing speaks against it."""
    strategy = STRATEGIES[name]
    weights = strategy.weights or spec.weights
    asks = (strategy.refuses_task, strategy.uninvited)
    return refusal(name, card, spec) or next((why for ask in asks if ask and (why := ask(card, info, weights))), None)


def not_added(spec: ExperimentSpec, planned: Iterable[PlannedRun]) -> list[LeftOut]:
    """What is missing beside the contestants of a plan, and why.

    That a network has no text tower, and a classifier of other classes, is no reason that needs to be told: then there is no
    zero-shot to expect.

    Args:
        spec: the experiment.
        planned: from `plan`.
    """
    if spec.controls is False:
        return []
    blocks = {(one.run.backbone, one.run.dataset): one for one in planned if contests(one)}
    found = []
    for name in NAMES:
        strategy, settings = STRATEGIES[name], given(spec, name)
        for one in blocks.values() if name not in spec.strategies else ():
            expected = name in NEEDED or strategy.beside(one.card, settled(strategy, settings)) or settings
            why = why_not(name, one.card, one.info, spec) if expected else None
            found += [LeftOut(name, one.card.name, why)] if why else []
    return list(dict.fromkeys(found))


def check_settings(spec: ExperimentSpec, planned: Sequence[PlannedRun]) -> None:
    """Raise SpecError where settings are given for a control that was not named and is added nowhere."""
    ran = {one.run.strategy for one in planned}
    for name in spec.settings or {}:
        if name in NAMES and name not in spec.strategies and name not in ran:
            reasons = [one.why for one in not_added(spec, planned) if one.strategy == name]
            why = f" ({reasons[0]})" if reasons else ""
            raise SpecError(
                f"settings are given for {name!r}, which is not among the strategies and is not added to them here{why}. Add it"
                " or leave them out."
            )


def sentences(spec: ExperimentSpec, planned: Sequence[PlannedRun], seconds: float | None = None) -> list[str]:
    """What a plan has added, how it is left out, and what it could not add; or what cannot be said without controls.

    Args:
        spec: the experiment.
        planned: from `plan`.
        seconds: of the added runs; None where nobody has priced them.
    """
    added = [one for one in planned if one.added]
    said = []
    if added:
        about = "" if seconds is None else f", about {seconds:,.0f} s"
        said.append(
            f"Controls added: {listed(added)} ({len(added)} of these runs{about}). Without them nobody can say what is a gain;"
            " controls = false leaves them out."
        )
    elif lacking := missing(planned):
        said.append(without(lacking))
    return said + refusals(spec, planned)


def spared(runs: int) -> str:
    """What leaving the added controls out would spare where a queue is too full for them; `runs`: how many, at least one."""
    many = f"{runs:,} of the new runs are controls that were" if runs > 1 else "1 of the new runs is a control that was"
    return f"{many} added: controls = false leaves them out, and the others may wait."


def refusals(spec: ExperimentSpec, planned: Sequence[PlannedRun]) -> list[str]:
    """What could not be added, one sentence for each control and reason."""
    return left_out_words(not_added(spec, planned), "not added as a control")


def listed(runs: Iterable[PlannedRun]) -> str:
    """Their strategies in words, each once: "From scratch, Linear probe"."""
    return ", ".join(dict.fromkeys(STRATEGIES[one.run.strategy].label for one in runs))


def missing(planned: Sequence[PlannedRun]) -> list[str]:
    """The controls that every comparison can have, and one of this plan has not."""
    of = {(one.run.backbone, one.run.dataset) for one in planned if contests(one)}
    there = {(one.run.strategy, one.run.backbone, one.run.dataset) for one in planned}
    return [name for name in NEEDED if any((name, *block) not in there for block in of)]


def without(lacking: Sequence[str]) -> str:
    """What cannot be said in a comparison that lacks controls, in one sentence."""
    names = " and ".join(STRATEGIES[name].label[:1].lower() + STRATEGIES[name].label[1:] for name in lacking)
    if "from_scratch" not in lacking:
        return f"No {names} here: nobody can say what training the backbone adds to its features."
    return f"No {names} here: nobody can say what is a gain, and no alarm will tell where transfer hurts."


def contests(one: PlannedRun) -> bool:
    """Whether a planned run is of a contestant."""
    return is_contestant(one.run.strategy, one.run.weights)
