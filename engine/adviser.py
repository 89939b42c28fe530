"""The adviser: where a task lies between little and much data, near and far from the source, and what that speaks for.

Both axes are measured on the frozen backbone from the training labels alone, before anything is trained:

    labels per feature   N / D of the last unit; below 2 a linear classifier can give N points any labels (Cover 1965)
    evidence             2 ln B = 2 N (C - 1) (LogME of the best unit - LogME of the last unit), for C classes

LogME is the log evidence of one class against the rest per image, averaged over the classes (You 2021); C - 1 of the C
one-against-rest answers are free. Evidence above 10 is "very strong" (Kass & Raftery 1995, section 3.2): then the last units
are specific to the source and the task counts as far (Yosinski 2014). The four quadrants and what they speak for are those of
the CS231n notes ("Transfer Learning"), which give no numbers: the boundaries above are ours to name and theirs to prove, so
advice is never shown without how it fared in this home (`engine.adviser_grades`).

What this cannot see: images of the source task (the shipped backbones come without), the learning rate, and a backbone whose
every unit is a poor start.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.stats import CLAIM_PAIRS

if TYPE_CHECKING:
    import pandas as pd

CAPACITY = 2.0
"""Points per dimension up to which a linear classifier has a separating solution for random labels (Cover 1965, section V)."""
VERY_STRONG = 10.0
"""2 ln B from which evidence is called very strong (Kass & Raftery 1995, section 3.2)."""
STRENGTHS = ((2.0, "none worth a mention"), (6.0, "positive"), (VERY_STRONG, "strong"), (math.inf, "very strong"))
METRIC = "logme"


@dataclass(frozen=True)
class Rule:
    """What a quadrant speaks for."""

    strategy: str
    instead: tuple[str, ...]
    """Strategies of the same kind, taken for grading where the first was not run."""
    reason: str
    source: str


# (little data, near) -> rule
RULES = {
    (True, True): Rule(
        "linear_probe", (),
        "with so few labels training the backbone fits chance, and it distorts features that fit the task as they are",
        "CS231n notes, Transfer Learning; Kornblith et al. 2019; Kumar et al. 2022",
    ),
    (True, False): Rule(
        "partial_fine_tuning", ("early_features",),
        "early units are general and late ones specific to the source: keep those up to the best one, let the rest learn anew",
        "Yosinski et al. 2014; CS231n notes, Transfer Learning; Lee et al. 2023",
    ),
    (False, True): Rule(
        "full_fine_tuning", ("lp_ft",),
        "there are labels enough to train everything, and the pretrained weights are a good start",
        "CS231n notes, Transfer Learning; Kornblith et al. 2019",
    ),
    (False, False): Rule(
        "full_fine_tuning", ("lp_ft",),
        "there are labels enough to change every unit; pretrained weights still train faster, though from scratch may catch up"
        " and a far task likes a higher learning rate",
        "CS231n notes, Transfer Learning; He, Girshick & Dollar 2019; Li et al. 2020",
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Place:
    """Where one backbone, dataset and label budget lie."""

    n_train: int
    n_classes: int
    n_features: int
    """Width D of the last unit's features."""
    parameters: int | None
    """Of the backbone; None where not known."""
    n_units: int
    best_unit: int
    """Unit (1-based) whose frozen features have the highest LogME."""
    evidence: float
    """2 ln B for the best unit's features against the last unit's; 0 where the last is best."""

    @property
    def labels_per_feature(self) -> float:
        """Training labels per feature of the last unit."""
        return self.n_train / self.n_features

    @property
    def little(self) -> bool:
        """Whether a linear classifier alone could fit labels drawn at random."""
        return self.labels_per_feature < CAPACITY

    @property
    def near(self) -> bool:
        """Whether there is no very strong evidence against the last unit."""
        return self.evidence <= VERY_STRONG

    @property
    def quadrant(self) -> str:
        """In words: "little data, far"."""
        return f"{'little' if self.little else 'much'} data, {'near' if self.near else 'far'}"

    @property
    def rule(self) -> Rule:
        """What the quadrant speaks for."""
        return RULES[self.little, self.near]

    @property
    def depth(self) -> int:
        """The recommended frozen depth: leading units to keep fixed."""
        return {"linear_probe": self.n_units, "partial_fine_tuning": self.best_unit}.get(self.rule.strategy, 0)

    def measured(self) -> str:
        """The numbers that place it, in sentences."""
        side = "fewer" if self.little else "not fewer"
        each = f"{self.n_train / self.n_classes:.3g} per class"
        data = (
            f"{self.n_train:,} labels to train on ({each}) for {self.n_features:,} features of the last unit:"
            f" {self.labels_per_feature:.2g} for each, {side} than the {CAPACITY:g} below which a linear classifier fits any"
            " labels (Cover 1965)."
        )
        if self.parameters:
            data += f" The backbone has {self.parameters / self.n_train:,.0f} weights for each label."
        if self.best_unit == self.n_units:
            return f"{data} The last unit's frozen features have the highest LogME: nothing speaks against them."
        return (
            f"{data} LogME is highest after unit {self.best_unit} of {self.n_units}; the evidence against the last unit is"
            f" {strength(self.evidence)} (2 ln B = {self.evidence:.3g}; Kass & Raftery 1995)."
        )


@dataclass(frozen=True)
class Record:
    """How such advice fared in this home; accuracies as shares (0..1)."""

    graded: int
    """Tasks with a recommended strategy that was run."""
    decided: int
    """Of these, tasks whose runs tell some cell from the best one."""
    right: int
    """Of these, tasks in which the recommended cell is tied with the best."""
    regret: float
    """Mean over the graded: accuracy of the best cell minus that of the recommended one."""
    rivals: dict[str, float]
    """Mean regret of always taking one strategy, over the graded tasks that ran it; by strategy."""

    def sentence(self, called: dict[str, str] | None = None) -> str:
        """In words, with n.

        Args:
            called: what people call a strategy; its own name by default.
        """
        if not self.graded:
            return "Nobody knows yet how good such advice is: no task in this home has measured it."
        said = f"Such advice was graded on {self.graded} task{'s' if self.graded > 1 else ''} of this home: "
        if self.decided:
            said += f"in {self.right} of {self.decided} that tell strategies apart it was among the best; "
        else:
            said += f"none has the {CLAIM_PAIRS} seeds that tell strategies apart; "
        said += f"it cost {self.regret * 100:.1f} points on average against the best that was run"
        named = [f"always {(called or {}).get(name, name)} {cost * 100:.1f}" for name, cost in self.rivals.items()]
        return f"{said} ({', '.join(named)})." if named else f"{said}."

    def warning(self) -> str:
        """A sentence where a rule that looks at nothing has done better here; "" elsewhere."""
        better = [name for name, cost in self.rivals.items() if cost < self.regret]
        return "A rule that looks at nothing has cost less here: take this advice as a hypothesis." if better else ""


def place(
    scores: pd.DataFrame, n_classes: int, parameters: int | None = None, n_units: int | None = None
) -> Place | str:
    """Place a task, or say why it cannot be placed.

    Args:
        scores: columns unit, metric, value, n_images, n_features, of one frozen backbone on one dataset with one label budget,
            one or more seeds: the cells of `engine.layers`, or the `transfer_curve` of its linear probe.
        n_classes: of the dataset, 2 or more.
        parameters: of the backbone.
        n_units: of the backbone; None = the last one that has a row.
    """
    rows = scores[(scores["metric"] == METRIC) & scores["value"].notna()]
    last = int(n_units or (scores["unit"].max() if len(scores) else 0))
    if rows.empty or last not in set(rows["unit"]):
        reasons = scores.loc[scores["metric"] == METRIC, "reason"] if "reason" in scores else []
        return next((str(one) for one in reasons if one), "LogME of the last unit was not measured")
    if n_classes < 2:
        return f"{n_classes} class is no task"
    means = rows.groupby("unit")["value"].mean()
    final = rows[rows["unit"] == last]
    n_train = int(final["n_images"].min())
    gap = float(means.max() - means[last])
    best = last if gap == 0 else int(means.idxmax())
    evidence = 2 * n_train * (n_classes - 1) * gap
    return Place(n_train, n_classes, int(final["n_features"].iloc[0]), parameters, last, best, evidence)


def strength(evidence: float) -> str:
    """What Kass and Raftery call evidence of this size (2 ln B)."""
    return next(word for limit, word in STRENGTHS if evidence <= limit)
