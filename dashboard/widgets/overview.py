"""How an experiment stands, in numbers and words: pure, from its frame `runs`."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from dashboard.figures._style import cell_label

ENDED = ("finished", "failed", "diverged", "cancelled", "interrupted")
STATE_ICONS = {
    "queued": ":material/schedule:",
    "running": ":material/play_circle:",
    "finished": ":material/check_circle:",
    "failed": ":material/error:",
    "diverged": ":material/trending_up:",
    "cancelled": ":material/stop_circle:",
    "interrupted": ":material/power_off:",
}


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
    """One sentence per run that did not finish."""

    @property
    def active(self) -> bool:
        """Whether something still runs or waits."""
        return bool(self.counts.get("queued", 0) + self.counts.get("running", 0))


def overview(runs: pd.DataFrame) -> Overview:
    """Summarise the runs of one experiment (columns as in `engine.frames`)."""
    counts = {str(state): int(n) for state, n in runs["state"].value_counts().items()}
    ended = runs["state"].isin(ENDED)
    share = runs["progress"].where(~ended, 1.0)
    done = float(share.mean()) if len(runs) else 0.0
    typical = runs.loc[runs["state"] == "finished", "seconds"].mean()
    left = float((1.0 - share).sum() * typical) if pd.notna(typical) and not ended.all() else None
    parts = [f"{counts[state]} {state}" for state in ("finished", "running", "queued", *ENDED[1:]) if counts.get(state)]
    headline = f"{int(ended.sum())} of {len(runs)} runs ended: {', '.join(parts)}" if len(runs) else "No runs"
    return Overview(counts, done, left, headline, _detail(runs, counts), _problems(runs))


def _detail(runs: pd.DataFrame, counts: dict[str, int]) -> str:
    running = runs[runs["state"] == "running"]
    if len(running):
        row = running.iloc[0]
        return f"{run_name(row)}: {row['phase']}{_rate(row)}"
    if not counts.get("queued"):
        return ""
    place = int(runs["queue_position"].min())
    device = "the worker is starting" if place == 1 else f"{place - 1} other runs are computed first"
    return f"Waiting: {ordinal(place)} in the queue; {device}"


def _rate(row: pd.Series) -> str:
    return f", {row['images_per_second']:,.0f} images/s" if pd.notna(row["images_per_second"]) else ""


def _problems(runs: pd.DataFrame) -> tuple[str, ...]:
    lost = runs[runs["state"].isin(("failed", "diverged", "interrupted")) | (runs["freeze_proof"] == "broken")]
    said = []
    for _, row in lost.iterrows():
        reason = row["message"] or "a frozen tensor changed during training"
        said.append(f"{run_name(row)}: {row['state']}. {reason}")
    return tuple(said)


def run_name(row: pd.Series) -> str:
    """A run in a few words: "Frozen depth 4, seed 0"."""
    budget = f", {row['label_budget']} labels" if pd.notna(row["label_budget"]) else ""
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
