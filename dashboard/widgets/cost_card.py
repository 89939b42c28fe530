"""What an experiment will take, before it is run: runs, parameters, time, memory, its place in the queue; and Run."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from html import escape

import streamlit as st

from dashboard import state
from dashboard.widgets import draft
from dashboard.widgets.go import go_live
from dashboard.widgets.literal import literal
from dashboard.widgets.overview import duration
from dashboard.widgets.pickers import size
from engine import added_controls, cost, limits
from engine.cautions import cautions as cautions_of
from engine.device import cpu
from engine.errors import TransferscopeError
from engine.plan import PlannedRun
from engine.spec import ExperimentSpec
from engine.store import RESUMABLE

_STYLE = """<style>
dl.lab-cost.lab-cost { display: grid; grid-template-columns: auto 1fr; gap: .45rem 1rem; margin: 0; padding: 0; }
.lab-cost dt, .lab-cost dd { margin: 0; font-weight: 400; line-height: 1.35; font-variant-numeric: tabular-nums; }
.lab-cost dt { opacity: .7; }
@media (min-width: 640px) {
  [data-testid="stColumn"]:has(.st-key-lab-cost) {
    position: sticky; top: 3.75rem; align-self: flex-start; max-height: calc(100vh - 4.5rem); overflow-y: auto;
  }
}
</style>"""


@dataclass(frozen=True)
class Foresight:
    """An experiment against this store: what is asked, what of it is new, and what waits before it."""

    whole: cost.Cost
    new: cost.Cost
    """Of the runs that would be computed; its time is this machine's."""
    computed: int
    under_way: int
    queued: int
    """Runs of all experiments that wait now."""
    running: int
    room: int
    """How many more may wait."""
    device: str
    cautions: tuple[str, ...] = ()
    """Sentences about choices that can run and probably should not."""
    added: tuple[PlannedRun, ...] = ()
    """The controls among the runs that nobody named."""
    image_memory: int = 0
    """Bytes of memory that decoded images may take."""


def foresee(spec: ExperimentSpec) -> Foresight:
    """Look ahead, without running anything. Raises TransferscopeError where the experiment cannot be run."""
    runs, states = state.laid_out(spec), state.run_states()
    fresh = ("failed", *RESUMABLE, None)
    new = tuple(one for one in runs if states.get(one.run.run_id) in fresh)
    under_way = sum(states.get(one.run.run_id) in ("queued", "running") for one in runs)
    everything = Counter(states.values())
    return Foresight(
        whole=cost.estimate(runs),
        new=state.price(new),
        computed=len(runs) - len(new) - under_way,
        under_way=under_way,
        queued=everything["queued"],
        running=everything["running"],
        room=state.store().max_queued - everything["queued"],
        device=state.device(),
        cautions=tuple(cautions_of(runs)),
        added=tuple(one for one in runs if one.added),
        image_memory=limits.image_memory(state.store().home),
    )


def rows(ahead: Foresight) -> list[tuple[str, str]]:
    """(what, how much) of the cost card, in plain words."""
    low, high = ahead.whole.trainable_parameters
    trained = f"{low:,}" if low == high else f"{low:,} to {high:,}"
    return [
        ("Runs", _runs(ahead)),
        *([("Controls", _controls(ahead))] if ahead.added else []),
        *([("Download", f"{_downloads(ahead)} first, once")] if _downloads(ahead) else []),
        ("Parameters", f"{ahead.whole.total_parameters:,} in all; {trained} trained"),
        ("Time", _time(ahead)),
        *([("Intervals", _intervals(ahead))] if ahead.whole.interval_seconds else []),
        ("Memory", _memory(ahead)),
        ("Images", _images(ahead)),
        ("Starts", _start(ahead)),
        ("Computed on", ahead.device),
    ]


def in_short(ahead: Foresight) -> str:
    """All of it in a sentence, for a button that runs a ready experiment."""
    many = f"{ahead.whole.runs} runs" if ahead.whole.runs != 1 else "1 run"
    known = ahead.computed + ahead.under_way
    known_words = f", {known} of them computed before or under way" if known and ahead.new.runs else ""
    download = f"{_downloads(ahead)} downloaded first, once" if _downloads(ahead) else "nothing is downloaded"
    return f"{many} on this machine{known_words}, {_time(ahead)}; {download}."


def _downloads(ahead: Foresight) -> str:
    parts = [(ahead.new.download_bytes, "images"), (ahead.new.towers_bytes, "text towers")]
    return " and ".join(f"{size(n_bytes)} of {what}" for n_bytes, what in parts if n_bytes)


def _runs(ahead: Foresight) -> str:
    reused = [f"{ahead.computed} computed before and reused"] if ahead.computed else []
    reused += [f"{ahead.under_way} under way already"] if ahead.under_way else []
    if not reused:
        return f"{ahead.whole.runs}, all new" if ahead.whole.runs != 1 else "1, new"
    return f"{ahead.whole.runs}: " + ", ".join([f"{ahead.new.runs} new"] * bool(ahead.new.runs) + reused)


def _controls(ahead: Foresight) -> str:
    return f"{len(ahead.added)} of these, added by the switch under 3: {added_controls.listed(ahead.added)}"


def _time(ahead: Foresight) -> str:
    if not ahead.new.runs:
        return "nothing new to compute"
    rough = "" if ahead.new.measured else " (rough: this machine's speed is not measured yet)"
    return f"about {duration(ahead.new.seconds)}{rough}"


def _intervals(ahead: Foresight) -> str:
    if not ahead.new.runs:
        return "of scores: computed before"
    return f"of scores: about {duration(ahead.new.interval_seconds)} of that, on one free core"


def _memory(ahead: Foresight) -> str:
    needed = f"about {size(ahead.whole.memory_bytes)}"
    return f"{needed} of {size(cpu().memory_bytes)}" if _on_cpu(ahead) else needed


def _images(ahead: Foresight) -> str:
    where = "in a file that is read as needed" if ahead.whole.images_mapped else "in memory"
    return (
        f"{size(ahead.whole.images_bytes)} once decoded, {where} (images may take {size(ahead.image_memory)} of memory)"
    )


def _on_cpu(ahead: Foresight) -> bool:
    return ahead.device.startswith("CPU")


def _start(ahead: Foresight) -> str:
    if not ahead.new.runs:
        return "shown at once"
    if ahead.queued:
        return f"after {ahead.queued} waiting run{'s' if ahead.queued > 1 else ''}"
    return "after the run that is being computed" if ahead.running else "at once"


def obstacles(ahead: Foresight) -> list[str]:
    """Why the experiment cannot be run now; empty where it can."""
    found = []
    if ahead.new.runs > ahead.room:
        found.append(
            f"{ahead.new.runs:,} runs would be added and only {max(ahead.room, 0):,} more may wait."
            " Choose fewer depths, seeds or label budgets."
            + (
                f" {len(ahead.added):,} of the runs are controls that were added (the switch under 3)."
                if ahead.added
                else ""
            )
        )
    if not ahead.whole.runs:
        found.append("These choices give no run: choose a strategy or a depth.")
    return found


def cautions(ahead: Foresight) -> list[str]:
    """What to think about before running."""
    said = list(ahead.cautions)
    if _on_cpu(ahead) and ahead.whole.memory_bytes > 0.9 * cpu().memory_bytes:
        said.append(
            f"One run needs about {size(ahead.whole.memory_bytes)} and this machine has {size(cpu().memory_bytes)}:"
            " it would probably be stopped. Choose a smaller batch size, a smaller network or a greater frozen depth."
        )
    return said


def cost_card(spec: ExperimentSpec | None, problem: str = "") -> None:
    """Draw the card with Run; `problem` says why there is no spec."""
    st.html(_STYLE)
    st.subheader("What this takes")
    ahead = None
    if spec is not None:
        try:
            ahead = foresee(spec)
        except TransferscopeError as error:
            problem = str(error)
    if ahead is not None:
        lines = "".join(f"<dt>{escape(what)}</dt><dd>{escape(much)}</dd>" for what, much in rows(ahead))
        st.html(f'<dl class="lab-cost">{lines}</dl>')
        for caution in cautions(ahead):
            st.warning(literal(caution), icon=":material/memory:")
    problems = obstacles(ahead) if ahead is not None else [problem]
    for one in problems:
        st.error(literal(one), icon=":material/error:")
    st.text_input(
        "Name", draft.start("name"), key=draft.key("name"), max_chars=200, placeholder="optional, to find it again"
    )
    again = ahead is not None and ahead.computed > 0 and st.checkbox(
        f"Compute {ahead.computed} again", key="lab-again", help="Earlier results stay in the store."
    )  # fmt: skip
    pressed = st.button(
        "Run", type="primary", icon=":material/play_arrow:", key="lab-run", shortcut="Ctrl+Enter", width="stretch",
        disabled=bool(problems),
    )  # fmt: skip
    if pressed and spec is not None and not problems:
        _run(spec, again)


def _run(spec: ExperimentSpec, again: bool) -> None:
    try:
        submission = state.launch(spec, again=again)
    except TransferscopeError as error:
        st.error(literal(error), icon=":material/error:")
        return
    go_live(submission.experiment_id)
