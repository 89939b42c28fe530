"""Intervals, paired differences and tie groups: what may be said about measured numbers, and what may not."""

from __future__ import annotations

import itertools
import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import pandas as pd

LEVEL = 0.95
CLAIM_PAIRS = 6
"""Fewer pairs support no claim: with 5 the smallest two-sided sign-flip p-value is .0625, with 6 it is .031."""
STUDENT_T = "Student t"
OVER_SEEDS = "Student t over seeds"
OVER_IMAGES = "Wilson over images"
NO_INTERVAL = "none"
WHY_NONE = "no interval: "
"""Begins the kind of an interval that was asked for and that there is none of; the reason follows."""
_EXACT_FLIPS = 20  # 2**20 sums are a million floats; beyond that the flips are drawn
_DRAWN_FLIPS = 100_000


@dataclass(frozen=True)
class Interval:
    """A two-sided interval and how it was made; `low` and `high` are NaN where `kind` is "none"."""

    low: float
    high: float
    kind: str
    level: float = LEVEL


@dataclass(frozen=True)
class Summary:
    """Values of one cell over its seeds: mean, standard deviation (n - 1; NaN for one seed), n, and an interval."""

    mean: float
    sd: float
    n: int
    interval: Interval


@dataclass(frozen=True)
class PairedDifference:
    """First minus second over the seeds both have; differences in the unit of the values.

    `mean` is NaN without a shared seed; `sd` and the interval need two. `p_value` is the t-test that belongs to the
    interval, `sign_flip_p` the randomisation test, each two-sided and not corrected for other comparisons.
    `interval` is corrected (Bonferroni) where `comparisons` is above 1.
    """

    mean: float
    sd: float
    n: int
    interval: Interval
    p_value: float
    sign_flip_p: float
    comparisons: int = 1

    @property
    def claim(self) -> bool:
        """Whether there are pairs enough for a claim and the interval leaves out 0."""
        return self.n >= CLAIM_PAIRS and (self.interval.low > 0 or self.interval.high < 0)


def kinds(found: Sequence[str]) -> tuple[list[str], list[str]]:
    """The kinds of intervals that there are, and the reasons where there is none, each once, of the texts given."""
    each = list(dict.fromkeys(text for text in found if text))
    return (
        [text for text in each if not text.startswith(WHY_NONE)],
        [text.removeprefix(WHY_NONE) for text in each if text.startswith(WHY_NONE)],
    )


def wilson(accuracy: float, n: int, level: float = LEVEL) -> Interval:
    """Return the Wilson score interval of a proportion measured on n images.

    centre = (a + z^2/2n) / (1 + z^2/n), half width = z/(1 + z^2/n) * sqrt(a(1-a)/n + z^2/4n^2).

    Raises:
        ValueError: accuracy outside 0..1, or n below 1.

    Source: Wilson 1927; no continuity correction.
    """
    if not 0 <= accuracy <= 1:
        raise ValueError(f"accuracy is {accuracy}; it must be from 0 to 1.")
    if n < 1:
        raise ValueError(f"n is {n}; an interval needs at least one image.")
    z = NormalDist().inv_cdf(0.5 + level / 2)
    shrink = 1 + z * z / n
    centre = (accuracy + z * z / (2 * n)) / shrink
    half = z / shrink * math.sqrt(accuracy * (1 - accuracy) / n + z * z / (4 * n * n))
    # At 0 and 1 the bound is the value itself; rounding must not put it on the wrong side.
    return Interval(max(0.0, min(centre - half, accuracy)), min(1.0, max(centre + half, accuracy)), OVER_IMAGES, level)


def over_seeds(values: Sequence[float], n_images: int | None = None, level: float = LEVEL) -> Summary:
    """Summarise one cell, one value per seed: t interval from two seeds on, Wilson over the images for one.

    Args:
        values: finite, at least one.
        n_images: how many images one value was measured on; without it a single seed has no interval.
        level: of the interval.
    """
    given = np.asarray(values, dtype=float)
    if given.size == 0 or not np.isfinite(given).all():
        raise ValueError(f"values are {given.tolist()}; give one finite number per seed, at least one.")
    if given.size > 1:
        mean, sd, interval = _student(given, level, OVER_SEEDS)
        return Summary(mean, sd, given.size, interval)
    only = float(given[0])
    interval = wilson(only, n_images, level) if n_images else Interval(math.nan, math.nan, NO_INTERVAL, level)
    return Summary(only, math.nan, 1, interval)


def summarise(
    frame: pd.DataFrame, by: Sequence[str], value: str = "value", images: str | None = "n_images", level: float = LEVEL
) -> pd.DataFrame:
    """Return one row per cell of `by`: those columns and mean, sd, n (distinct seeds), low, high, interval (kind).

    Rows that share cell and seed are averaged first, so that n counts seeds and not rows. Rows whose value is
    missing are left out; a missing value in `by` is a value like any other.
    """
    columns = [*by, "mean", "sd", "n", "low", "high", "interval"]
    measured = frame[frame[value].notna()]
    records = []
    for cell, rows in measured.groupby(list(by), dropna=False, sort=False):
        seeds = rows.groupby("seed")[value].mean()
        counts = rows[images].dropna() if images else pd.Series(dtype="Int64")
        found = over_seeds(seeds.to_numpy(), int(counts.min()) if len(counts) else None, level)
        interval = found.interval
        records.append((*cell, found.mean, found.sd, found.n, interval.low, interval.high, interval.kind))
    table = pd.DataFrame.from_records(records, columns=columns)
    return table.astype({name: measured[name].dtype for name in by})


def paired(first: pd.Series, second: pd.Series, *, level: float = LEVEL, comparisons: int = 1) -> PairedDifference:
    """Return first minus second over the seeds that both have.

    Args:
        first, second: one value per seed, the seed as index; missing values are left out.
        level: of the interval.
        comparisons: how many the pair was picked from; the interval is widened accordingly (Bonferroni).

    Raises:
        ValueError: a seed occurs twice in one of them.
    """
    for series in (first, second):
        if series.index.has_duplicates:
            raise ValueError(f"seeds {sorted(set(series.index[series.index.duplicated()]))} occur more than once.")
    difference = (first - second).dropna().to_numpy(dtype=float)
    kind = f"{STUDENT_T}, corrected for {comparisons} comparisons" if comparisons > 1 else STUDENT_T
    if difference.size < 2:
        mean = float(difference[0]) if difference.size else math.nan
        flip = 1.0 if difference.size else math.nan
        none = Interval(math.nan, math.nan, NO_INTERVAL, level)
        return PairedDifference(mean, math.nan, difference.size, none, math.nan, flip, comparisons)
    mean, sd, wide = _student(difference, 1 - (1 - level) / comparisons, kind)
    interval = Interval(wide.low, wide.high, kind, level)
    flip = sign_flip_p(difference)
    return PairedDifference(
        mean, sd, difference.size, interval, _t_test_p(mean, sd, difference.size), flip, comparisons
    )


def sign_flip_p(differences: Sequence[float]) -> float:
    """Return the two-sided sign-flip p-value: the share of sign patterns whose |sum| is at least the observed one.

    Exact (all 2^n patterns) up to 20 differences; 100,000 patterns drawn with a fixed seed beyond that, where the
    observed pattern counts as one of them.

    Source: Fisher 1935, The Design of Experiments, section 21.
    """
    given = np.asarray(differences, dtype=float)
    if given.size == 0:
        return math.nan
    limit = abs(given.sum()) - 1e-9 * np.abs(given).sum()  # a sum in another order rounds differently
    if given.size > _EXACT_FLIPS:
        signs = np.random.default_rng(0).integers(0, 2, (_DRAWN_FLIPS, given.size), dtype=np.int8) * 2 - 1
        return float((np.count_nonzero(np.abs(signs @ given) >= limit) + 1) / (_DRAWN_FLIPS + 1))
    sums = np.zeros(1)
    for size in given:
        sums = np.concatenate([sums + size, sums - size])
    return float(np.mean(np.abs(sums) >= limit))


def holm(p_values: Sequence[float]) -> np.ndarray:
    """Return p-values corrected for their number (Holm 1979), shape `(n,)`, in the order given."""
    given = np.asarray(p_values, dtype=float)
    order = np.argsort(given)
    stepped = np.maximum.accumulate(given[order] * np.arange(given.size, 0, -1))
    corrected = np.empty_like(given)
    corrected[order] = np.minimum(stepped, 1.0)
    return corrected


def tie_groups(cells: Mapping[Hashable, pd.Series], level: float = LEVEL) -> tuple[tuple[Hashable, ...], ...]:
    """Return the largest groups of cells that cannot be told apart, best mean first; a cell may be in several.

    Two cells are told apart when at least `CLAIM_PAIRS` seeds are shared and the paired t-test, Holm-corrected over
    all pairs of cells, is below 1 - level. So with few seeds everything is one group.

    Args:
        cells: for each cell its values, the seed as index.
        level: 1 minus the chance of telling any equal cells apart.

    Source: compact letter display by insert-and-absorb, Piepho 2004.
    """
    ranked = sorted(cells, key=lambda cell: -cells[cell].mean())
    place = {cell: index for index, cell in enumerate(ranked)}
    pairs = [(a, b, paired(cells[a], cells[b])) for a, b in itertools.combinations(ranked, 2)]
    tested = [(a, b, found.p_value) for a, b, found in pairs if found.n >= CLAIM_PAIRS]
    corrected = holm([p for *_, p in tested])
    groups = {frozenset(ranked)} if ranked else set()
    for (a, b, _), p in zip(tested, corrected, strict=True):
        if p < 1 - level:
            split = {part for group in groups for part in ((group - {a}, group - {b}) if {a, b} <= group else (group,))}
            groups = {group for group in split if not any(group < other for other in split)}
    ordered = (tuple(sorted(group, key=place.__getitem__)) for group in groups)
    return tuple(sorted(ordered, key=lambda group: [place[cell] for cell in group]))


def sentence(first: str, second: str, difference: PairedDifference) -> str:
    """Say in one sentence what a paired difference of accuracies (0..1) shows; the better one is named first.

    Args:
        first, second: phrases such as "freezing 4 of 10 units" and "the linear probe", as given to `paired`.
        difference: first minus second.
    """
    n, interval = difference.n, difference.interval
    if n == 0:
        return f"{_capital(first)} and {second} share no seed, so they cannot be compared yet; exploring: no claim."
    better, worse = (first, second) if difference.mean >= 0 else (second, first)
    points = f"{abs(difference.mean) * 100:.1f} points"
    if n == 1:
        return f"In the one seed they share, {better} is {points} above {worse}; exploring: no claim from 1 pair."
    low, high = interval.low * 100, interval.high * 100
    if difference.mean < 0:
        low, high = -high, -low
    range_text = f"{interval.level * 100:g} % interval {low:z.1f} to {high:z.1f}, {n} pairs, {interval.kind}"
    if low <= 0 <= high:
        said = f"{_capital(better)} and {worse} cannot be told apart: {points} between their means ({range_text})"
    elif difference.claim:
        said = f"{_capital(better)} beats {worse} by {points} ({range_text})"
    else:
        said = f"{_capital(better)} is ahead of {worse} by {points} ({range_text})"
    return f"{said}." if n >= CLAIM_PAIRS else f"{said}; exploring: no claim with fewer than {CLAIM_PAIRS} pairs."


def _student(values: np.ndarray, level: float, kind: str) -> tuple[float, float, Interval]:
    from scipy.special import stdtrit  # scipy.stats would add half a second to the start of a page

    mean, sd = float(values.mean()), float(values.std(ddof=1))
    half = float(stdtrit(values.size - 1, 0.5 + level / 2)) * sd / math.sqrt(values.size)
    return mean, sd, Interval(mean - half, mean + half, kind, level)


def _t_test_p(mean: float, sd: float, n: int) -> float:
    from scipy.special import stdtr

    if sd == 0:
        return 1.0 if mean == 0 else 0.0
    return float(2 * stdtr(n - 1, -abs(mean) / (sd / math.sqrt(n))))


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
