"""How an experiment stands, in numbers and words: pure, from its frame `runs`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

from dashboard.figures._style import cell_label
from engine.budgets import words
from engine.mistakes import only_statistics
from engine.strategies import STRATEGIES

ENDED = ("finished", "failed", "diverged", "cancelled", "interrupted")
WORDS = {"cancelled": "stopped"}
"""States in other words than the store's: people press Stop."""
NAMED = 3
"""Runs with the same problem that are named."""
CHANGED = 4
"""Frozen tensors that changed, of those that are named."""


@dataclass(frozen=True)
class Overview:
    """Counts by state, the share done (0..1), seconds to go (None while unknown) and sentences."""

    counts: dict[str, int]
    done: float
    eta_seconds: float | None
    headline: str
    detail: str
    """What is computed now, or what is waited for; empty once everything has ended."""
    problems: tuple[str, ...]
    """One sentence per reason for which runs did not finish."""
    notes: tuple[str, ...]
    """What happened to runs that go on: their worker died, say."""
    proof: str
    """Whether what was frozen stayed as it was; empty before anything was checked."""
    mistake: str = ""
    """What moved in runs that are a mistake on purpose, by name; empty where there are none."""

    @property
    def active(self) -> bool:
        """Whether something still runs or waits."""
        return bool(self.counts.get("queued", 0) + self.counts.get("running", 0))

    @property
    def word(self) -> str:
        """The experiment in one word: running, queued, or how it ended."""
        return next(
            (WORDS.get(one, one) for one in ("running", "queued", *ENDED[1:]) if self.counts.get(one)), "finished"
        )


def overview(runs: pd.DataFrame) -> Overview:
    """Summarise the runs of one experiment (columns as in `engine.frame_columns`)."""
    counts = {str(state): int(n) for state, n in runs["state"].value_counts().items()}
    ended = runs["state"].isin(ENDED)
    share = runs["progress"].where(~ended, 1.0)
    return Overview(
        counts=counts,
        done=float(share.mean()) if len(runs) else 0.0,
        eta_seconds=_seconds_to_go(runs, share) if not ended.all() else None,
        headline=_headline(counts, len(runs)),
        detail=_detail(runs, counts),
        problems=tuple(_problems(runs)),
        notes=tuple(_notes(runs)),
        proof=_proof(runs),
        mistake=_mistake(runs),
    )


def _headline(counts: dict[str, int], n: int) -> str:
    finished = counts.get("finished", 0)
    if finished == n:
        return {0: "No runs", 1: "The run finished"}.get(n, f"All {n} runs finished")
    rest = [
        f"{counts[state]} {WORDS.get(state, state)}" for state in ("running", "queued", *ENDED[1:]) if counts.get(state)
    ]
    return f"{finished} of {n} runs finished, {', '.join(rest)}"


def _seconds_to_go(runs: pd.DataFrame, share: pd.Series) -> float | None:
    """Runs are computed one after another: what is left of each, at what a run typically takes."""
    typical = runs.loc[runs["state"] == "finished", "seconds"].mean()
    if pd.isna(typical):  # not one has finished: what the first one under way says of itself
        rate = runs["eta_seconds"] / (1.0 - share)
        typical = rate[share < 1.0].mean()
    return None if pd.isna(typical) else float((1.0 - share).sum() * typical)


def _detail(runs: pd.DataFrame, counts: dict[str, int]) -> str:
    running = runs[runs["state"] == "running"]
    if len(running):
        row = running.iloc[0]
        return f"{run_name(row)}: {row['phase']}{_rate(row)}"
    if not counts.get("queued"):
        return ""
    before = int(runs["queue_position"].min()) - 1
    if not before:
        return "Waiting: next in the queue, the worker is starting"
    others = "1 run of another experiment is" if before == 1 else f"{before} runs of other experiments are"
    return f"Waiting: {ordinal(before + 1)} in the queue, {others} computed first"


def _rate(row: pd.Series) -> str:
    return f", {row['images_per_second']:,.0f} images/s" if pd.notna(row["images_per_second"]) else ""


def _problems(runs: pd.DataFrame) -> Iterator[str]:
    lost = runs[runs["state"].isin(("failed", "diverged", "interrupted"))]
    for (state, message), same in lost.groupby(["state", "message"], sort=False):
        yield f"{_who(same)} {state}: {message}" if message else f"{_who(same)} {state}"
    broken = runs[runs["freeze_proof"] == "broken"]
    if len(broken):
        yield f"{_who(broken)} changed a frozen tensor during training: the result is not that of freezing{_changed(broken)}"


def _changed(broken: pd.DataFrame) -> str:
    """The names of what changed, and the usual reason where all of it is running statistics."""
    names = list(dict.fromkeys(name for text in broken["freeze_changed"] for name in text.split(", ") if name))
    if not names:
        return ""
    more = f" and {len(names) - CHANGED} more" if len(names) > CHANGED else ""
    why = (
        ". All of them are running statistics: normalisation was left in training mode"
        if only_statistics(names)
        else ""
    )
    return f". Changed: {', '.join(names[:CHANGED])}{more}{why}"


def _mistake(runs: pd.DataFrame) -> str:
    shown = runs[runs["freeze_proof"] == "mistake"]
    if shown.empty:
        return ""
    many = f"{len(shown)} run{'s' if len(shown) > 1 else ''}"
    return f"Frozen units CHANGED in {many}, on purpose to show the mistake{_changed(shown)}"


def _notes(runs: pd.DataFrame) -> Iterator[str]:
    going_on = runs[runs["state"].isin(("queued", "running")) & (runs["message"] != "")]
    for message, same in going_on.groupby("message", sort=False):
        yield f"{_who(same)}: {message}"


def _who(runs: pd.DataFrame) -> str:
    """Runs by name: "Frozen depth 4, seed 0", or how many with the first ones named."""
    names = [run_name(row) for _, row in runs.head(NAMED).iterrows()]
    if len(runs) == 1:
        return names[0]
    more = f" and {len(runs) - NAMED} more" if len(runs) > NAMED else ""
    return f"{len(runs)} runs ({'; '.join(names)}{more})"


def _proof(runs: pd.DataFrame) -> str:
    efficient = [one.name for one in STRATEGIES if one.group == "parameter-efficient"]  # frozen beside what they add
    frozen = (runs["frozen_depth"] > 0) | runs["strategy"].isin(efficient)
    checked = runs[frozen & ~runs["freeze_proof"].isin(("", "mistake"))]
    if checked.empty:
        return ""
    held = int((checked["freeze_proof"] == "held").sum())
    return f"Frozen units unchanged: {held} of {len(checked)} runs"


def run_name(row: pd.Series) -> str:
    """A run in a few words: "Frozen depth 4, seed 0"."""
    budget = "" if row["budget"] == "all" else f", {words(row['budget'])}"
    return f"{cell_label(row['strategy'], row['frozen_depth'])}, seed {row['seed']}{budget}"


def ordinal(n: int) -> str:
    """1st, 2nd, 3rd, 4th, ..., 11th, ..., 21st."""
    ending = "th" if 10 <= n % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(n % 10, "th")
    return f"{n}{ending}"


def duration(seconds: float) -> str:
    """Seconds in words: "8 s", "3 min 20 s", "2 h 5 min"."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s" if whole % 60 else f"{whole // 60} min"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
