"""Start: one button, presets, recent experiments, the device."""

from __future__ import annotations

import streamlit as st

from dashboard import state
from dashboard.widgets.experiments import title, try_it_now
from dashboard.widgets.go import link
from dashboard.widgets.literal import literal
from dashboard.widgets.offers import start, takes
from dashboard.widgets.overview import overview
from engine.presets import PRESETS, Preset

RECENT = 5


def page() -> None:
    """Draw the page."""
    st.title("What does freezing change?")
    st.markdown(
        "A network that learned from photographs already knows edges, textures and shapes. Take it to a new task with few"
        " labels: **which layers should stay as they are, and which should learn again?** Transferscope trains them all on"
        " this machine and shows what it measured."
    )
    try_it_now("start")
    _now()
    _presets()


def _presets() -> None:
    st.subheader("Ready to run")
    presets = list(PRESETS)
    for pair in zip(presets[::2], [*presets[1::2], None], strict=False):  # row by row: neighbours are equally high
        for column, preset in zip(st.columns(2), pair, strict=True):
            if preset is not None:
                with column, st.container(border=True, height="stretch"):
                    _preset(preset)


def _preset(preset: Preset) -> None:
    st.markdown(f"**{preset.label}**")
    st.markdown(preset.question)
    st.caption(literal(takes(preset.spec)))
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("Run", key=f"start-run-{preset.name}", icon=":material/play_arrow:"):
            start(preset.spec)
        link("lab", "Open in the Lab", ":material/science:", preset=preset.name)


@st.fragment(run_every=2.0)
def _now() -> None:
    st.caption(f":material/memory: {literal(state.device())} · everything stays on this machine")
    experiments = state.experiments()
    if not experiments:
        return
    st.subheader("Recent experiments")
    for experiment in experiments[:RECENT]:
        experiment_id = experiment["experiment_id"]
        now = state.derived(overview, state.frame("runs", experiment_id))
        path, icon = ("live", ":material/monitoring:") if now.active else ("compare", ":material/compare_arrows:")
        with st.container(horizontal=True, vertical_alignment="center", key=f"start-recent-{experiment_id}"):
            link(path, title(experiment), icon, experiment=experiment_id)
            st.caption(literal(now.headline))
    if len(experiments) > RECENT:
        link("library", f"All {len(experiments)} experiments", ":material/inventory_2:")
