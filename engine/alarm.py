"""The negative-transfer alarm: pretrained weights that did worse than random ones, and why that is known to happen."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine import comparisons, mistakes
from engine.comparisons import Comparison
from engine.stats import CLAIM_PAIRS
from engine.strategies import STRATEGIES

if TYPE_CHECKING:
    import pandas as pd

CONTROL = "from_scratch"
SERIES = ("backbone", "dataset", "budget")
_CELL = [*SERIES, "strategy", "frozen_depth"]
DECLINE = 0.02
"""Fall of the frozen features' probe accuracy from the best unit to the last one that is worth a word."""


FAR = "The source task is far from this one, so the units that were copied answer other questions."


@dataclass(frozen=True)
class Cause:
    """A likely cause of negative transfer. `measured` is what speaks for it in these runs; "" where nothing was measured."""

    text: str
    source: str
    measured: str = ""


@dataclass(frozen=True)
class Alarm:
    """One cell whose interval of (transfer - scratch), corrected for all cells looked at, lies below 0."""

    backbone: str
    dataset: str
    budget: str
    strategy: str
    frozen_depth: int
    found: Comparison
    causes: tuple[Cause, ...]

    @property
    def sentence_end(self) -> str:
        """What was measured, to follow the cell's name: "is 3.1 points below training from scratch (...)"."""
        difference, interval = self.found.difference, self.found.together
        numbers = f"95 % interval {interval.low * 100:.1f} to {interval.high * 100:.1f}, {difference.n} pairs, {interval.kind}"
        said = f"is {-difference.mean * 100:.1f} points below training from scratch ({numbers})"
        return (
            said if difference.n >= CLAIM_PAIRS else f"{said}; exploring: no claim with fewer than {CLAIM_PAIRS} pairs"
        )


def negative_transfer(transfer: pd.DataFrame) -> list[Alarm]:
    """Return the alarms of an experiment whose weights are pretrained, worst first.

    Args:
        transfer: the `transfer_curve` frame: its test accuracies are compared, its probes are what speaks for a cause.
            Strategies that start from random weights by definition are not transfer, and mistakes alarm nobody.
    """
    if transfer.empty:
        return []
    tested = transfer[(transfer["metric"] == "test_accuracy") & transfer["value"].notna()]
    random = {name for name in set(tested["strategy"]) - {CONTROL} if name in STRATEGIES and STRATEGIES[name].weights}
    tested = mistakes.without(tested[~tested["strategy"].isin(random)]).drop_duplicates("run_id")
    values = {key: rows.groupby("seed")["value"].mean() for key, rows in tested.groupby(_CELL, sort=False)}
    control = {key[:3]: series for key, series in values.items() if key[3] == CONTROL}
    cells = {key: (values[key], control[key[:3]]) for key in values if key[3] != CONTROL and key[:3] in control}
    found = [one for one in comparisons.against(cells) if one.together.high < 0]
    found.sort(key=lambda one: one.difference.mean)
    return [
        Alarm(str(b), str(d), str(n), str(s), int(depth), one, causes(transfer, (b, d, n), int(depth)))
        for one in found
        for b, d, n, s, depth in [one.cell]  # type: ignore[misc]
    ]


def with_distance(found: Alarm, distance: str) -> Alarm:
    """The alarm with a measured domain distance beside the cause that it speaks of, which then comes among the first.

    Args:
        found: the alarm.
        distance: a sentence of `engine.distance_words`.
    """
    told = [
        dataclasses.replace(cause, measured="; ".join(filter(None, (cause.measured, distance.rstrip(".")))))
        if cause.text == FAR
        else cause
        for cause in found.causes
    ]
    return dataclasses.replace(found, causes=tuple(sorted(told, key=lambda cause: not cause.measured)))


def causes(transfer: pd.DataFrame, series: tuple[str, str, str], frozen_depth: int) -> tuple[Cause, ...]:
    """Return the likely causes, those that something measured speaks for first.

    Args:
        transfer: the `transfer_curve` frame.
        series: backbone, dataset and budget.
        frozen_depth: of the cell that did worse.
    """
    decline = _decline(transfer, series)
    far = specific = ""
    if decline is not None:
        best, fall, last = decline
        far = f"frozen features read best after unit {best} of {last}; by the last they lose {fall * 100:.1f} points"
        if frozen_depth > best:
            specific = f"{frozen_depth} units were frozen, {frozen_depth - best} beyond the best one"
    named = [
        Cause(
            FAR,
            "Ben-David et al. 2010, A theory of learning from different domains; Wang et al. 2019, Characterizing and avoiding"
            " negative transfer",
            far,
        ),
        Cause(
            "Units that are specific to the source, or torn from units they learned together with, were kept fixed.",
            "Yosinski et al. 2014, How transferable are features in deep neural networks?",
            specific,
        ),
        Cause(
            "Labels enough, and training long enough, that random weights catch up: then pretraining only narrows the start.",
            "He, Girshick & Dollar 2019, Rethinking ImageNet pre-training; Raghu et al. 2019, Transfusion",
        ),
        Cause(
            "The learning rate does not suit pretrained weights: too high distorts what they know, too low cannot leave it.",
            "Li et al. 2020, Rethinking the hyperparameters for fine-tuning; Kumar et al. 2022, Fine-tuning can distort",
        ),
        Cause(
            "Components of the pretrained features with small singular values do not transfer; shrinking them (BSS) helps.",
            "Chen et al. 2019, Catastrophic forgetting meets negative transfer",
        ),
    ]  # fmt: skip
    return tuple(sorted(named, key=lambda cause: not cause.measured))


def _decline(transfer: pd.DataFrame, series: tuple[str, str, str]) -> tuple[int, float, int] | None:
    """The unit after which the frozen features are probed best, the fall from there to the last unit, and that unit."""
    rows = transfer[(transfer["strategy"] == "linear_probe") & (transfer["metric"] == "probe_accuracy")]
    for name, value in zip(SERIES, series, strict=True):
        rows = rows[rows[name] == value]
    means = rows[rows["value"].notna()].groupby("unit")["value"].mean()
    if len(means) < 2:
        return None
    best, last = int(means.idxmax()), int(means.index.max())
    fall = float(means[best] - means[last])
    return (best, fall, last) if fall >= DECLINE else None
