"""The state of an experiment with its buttons: progress, what is computed now, Stop, Resume, Run again."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from dashboard import feed, state
from dashboard.widgets.go import link
from dashboard.widgets.literal import literal
from dashboard.widgets.live_strip import live_strip
from dashboard.widgets.overview import Overview, duration, overview
from dashboard.widgets.terms import TERMS
from engine.errors import TransferscopeError
from engine.store import RESUMABLE

SHOWN = 4
"""Problems said at once."""


def status(experiment_id: str, runs: pd.DataFrame, *, key: str) -> Overview:
    """Draw progress, sentences and buttons of one experiment; returns how it stands."""
    now = state.derived(overview, runs)
    facts = partial(_facts, experiment_id)
    strip = feed.offer_facts(f"{state.store().home}/status/{experiment_id}", facts)
    if strip:
        live_strip(strip, **facts(), key=f"{key}-strip")
    else:
        st.progress(min(now.done, 1.0), text=literal(_headline(now)))
    with st.container(horizontal=True, vertical_alignment="center", key=f"{key}-actions"):
        _buttons(runs, now, key)
        _proof(now)
        if not strip:
            st.caption(literal(_said(experiment_id, runs, now)), width="content")
    told()
    _news(now)
    return now


def brief(experiment_id: str, runs: pd.DataFrame, measured: pd.DataFrame) -> bool:
    """One line on how an experiment stands, for a page about something else; returns whether there is more to draw.

    Where everything has ended and nothing was measured it says why instead.
    """
    now = state.derived(overview, runs)
    nothing = measured.empty and not now.active
    with st.container(horizontal=True, vertical_alignment="center", key="brief"):
        if now.active or now.problems or nothing:
            link("live", "Live", ":material/monitoring:", experiment=experiment_id)
        _proof(now)
        st.caption(literal(_headline(now)), width="content")
    if nothing:
        _news(now)
        st.markdown("**Nothing was measured here:** no run got as far. Run it again on the Live page.")
    return not nothing


def _facts(experiment_id: str) -> dict[str, Any]:
    """What the strip shows, with the shape of the page around it: another shape has other buttons, messages or links."""
    runs = state.frame("runs", experiment_id)
    now = state.derived(overview, runs)
    buttons = [sum(now.counts.get(one, 0) for one in states) for states in (RESUMABLE, ("failed", "diverged"))]
    shape = repr((now.active, buttons, _held(now), now.notes, now.problems, now.done > 0))
    return {
        "done": min(now.done, 1.0),
        "headline": _headline(now),
        "detail": _said(experiment_id, runs, now),
        "shape": hashlib.blake2b(shape.encode(), digest_size=8).hexdigest(),
    }


def _headline(now: Overview) -> str:
    return f"{now.headline}{_left(now)}"


def _left(now: Overview) -> str:
    return f" · about {duration(now.eta_seconds)} to go" if now.eta_seconds is not None else ""


def _proof(now: Overview) -> None:
    if now.proof:
        look = (
            {"icon": ":material/verified:", "color": "green"}
            if _held(now)
            else {"icon": ":material/error:", "color": "red"}
        )
        st.badge(now.proof, **look, help=TERMS["Frozen units unchanged"])
    if now.mistake:
        short, _, what = now.mistake.partition(", ")
        st.badge(short, icon=":material/error:", color="red", help=literal(f"{what[:1].upper()}{what[1:]}."))


def _held(now: Overview) -> bool | None:
    """Whether everything frozen stayed as it was; None before anything was checked."""
    return not any("changed a frozen tensor" in problem for problem in now.problems) if now.proof else None


def _news(now: Overview) -> None:
    for note in filter(None, (now.mistake, *now.notes[:SHOWN])):
        st.info(literal(note), icon=":material/info:")
    for problem in now.problems[:SHOWN]:
        st.warning(literal(problem), icon=":material/warning:")
    if len(now.problems) > SHOWN:
        st.caption(f"and {len(now.problems) - SHOWN} more: see the Library.")


def _said(experiment_id: str, runs: pd.DataFrame, now: Overview) -> str:
    if state.stopping(experiment_id):
        return "Stopping: what was learned is kept"
    return now.detail or _ended(runs, state.expected(experiment_id))


def _ended(runs: pd.DataFrame, expected: tuple[float, tuple[str, ...]] | None) -> str:
    """What it took, beside what was expected where this server knows that."""
    if expected is not None:
        seconds, ids = expected
        computed = runs[runs["run_id"].isin(ids)]
        if len(computed) and (computed["state"] == "finished").all():
            return f"Estimated {duration(seconds)}, took {duration(computed['seconds'].sum())}"
    took = runs["seconds"].sum()
    return f"Took {duration(took)} of computing" if took else ""


def _buttons(runs: pd.DataFrame, now: Overview, key: str) -> None:
    def of(*states: str) -> list[str]:
        return runs.loc[runs["state"].isin(states), "run_id"].tolist()

    store = state.store()
    if now.active:
        button(
            "Stop", ":material/stop_circle:", store.cancel, of("queued", "running"), key=key,
            done="Stopping. What was learned is kept.", help="Acts between two steps. What was learned is kept.",
        )  # fmt: skip
    if stopped := of(*RESUMABLE):
        help_ = "They go on from where they stopped."
        button(f"Resume {len(stopped)} stopped", ":material/resume:", store.resume, stopped, key=key, help=help_)
    if failed := of("failed", "diverged"):
        help_ = "From the beginning. What the earlier attempt measured stays in the store."
        label = f"Run {len(failed)} failed again"
        button(label, ":material/replay:", store.run_again, failed, key=key, help=help_)
    finished = of("finished")
    if finished and not now.active:
        with st.popover("Run again", icon=":material/replay:", key=f"{key}-again"):
            st.markdown("Identical runs give identical numbers, so they are computed once and reused.")
            again = f"Compute {len(finished)} again"
            button(
                again,
                ":material/replay:",
                store.run_again,
                finished,
                key=f"{key}-sure",
                help="Earlier results stay in the store.",
            )


def button(
    label: str,
    icon: str,
    act: Callable[[Sequence[str]], None],
    run_ids: Sequence[str],
    *,
    key: str,
    done: str = "",
    help: str | None = None,
) -> None:
    """A button that does something to runs before the page is drawn again; `told` says what came of it."""

    def press() -> None:
        try:
            act(run_ids)
        except TransferscopeError as error:
            st.session_state["told"] = (str(error), ":material/error:", "infinite")
        else:
            st.session_state["told"] = (done, ":material/check:", "short")

    # The name without numbers: a button must stay the same one while runs finish.
    name = "".join(character for character in label if character.isalpha()).lower()
    st.button(label, icon=icon, key=f"{key}-{name}", on_click=press, help=help)


def told() -> None:
    """Say what the last press did, in a toast: it outlives the ticks of a fragment; an error stays until it is closed."""
    text, icon, how_long = st.session_state.pop("told", ("", "", "short"))
    if text:
        st.toast(literal(text), icon=icon, duration=how_long)
