"""Runs of this home that kept their weights, to be picked for strategies that are made of them (soup, merged adapters)."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dashboard import choices, state
from dashboard.widgets import draft
from dashboard.widgets.literal import literal
from dashboard.widgets.overview import run_name
from engine import run_weights, service
from engine.backbones import Card
from engine.strategies import STRATEGIES, Setting, Strategy
from engine.strategies._runs import MOST, RUNS, SEEDS, ids, made_of


def picks(strategy: Strategy) -> list[Setting]:
    """The settings of a strategy that name runs."""
    return [one for one in strategy.settings if one == RUNS]


def pick(strategy: Strategy, card: Card, dataset: str) -> None:
    """Choose the runs that a strategy is made of; says what is missing where there are none.

    Args:
        strategy: that has such a setting.
        card: of the backbone in the Lab.
        dataset: of the Lab: runs on other data have other classes.
    """
    for setting in picks(strategy):
        name = choices.setting_key(strategy.name, setting.name)
        given = ids({setting.name: draft.start(name)})
        runs = usable(strategy, card, service.absolute(dataset), state.frame("runs"))
        labels = {row["run_id"]: label(row) for _, row in runs.iterrows()}
        labels |= {one: f"{words}, of this experiment" for one, words in own_runs(strategy, card).items()}
        options = list(dict.fromkeys([*labels, *given]))  # of a link: shown as they are, and refused with the reason
        if not options:
            st.info(literal(nothing(strategy, card, dataset)), icon=":material/inventory_2:")
            continue
        st.multiselect(
            f"{strategy.label}: runs that are mixed", options, given, key=draft.key(name),
            format_func=lambda one: labels.get(one, f"{one} (left no weights here)"),  # noqa: B023 - used at once
            placeholder="Choose two" if strategy.name == "adapter_merging" else "Choose two or more",
            help="Finished runs of this network on these data, in this home directory, that kept their weights; or runs of this"
            " experiment, which then keep theirs: of strategies, those of the same seed, which learned from the same labels.",
        )  # fmt: skip


def own_runs(strategy: Strategy, card: Card) -> dict[str, str]:
    """What this experiment itself will have to mix, as its setting names it, with words: strategies that train, or seeds."""
    chosen = [STRATEGIES[one] for one in choices.chosen(draft.values()) if one in STRATEGIES]
    fits = [one for one in chosen if not one.solves_head and made_of(strategy.name, one, card)]
    if strategy.name in MOST:  # too few for several strategies
        return {f"{SEEDS}{one.name}": f"Seeds of {one.label}" for one in fits}
    return {one.name: one.label for one in fits}


def usable(strategy: Strategy, card: Card, dataset: str, runs: pd.DataFrame) -> pd.DataFrame:
    """The runs that a strategy can be made of, each once, best first.

    Args:
        strategy: soup or merged adapters.
        card: of the network they must be of.
        dataset: that they must have learned.
        runs: the `runs` frame of this home.
    """
    rows = runs[(runs["state"] == "finished") & (runs["backbone"] == card.name) & (runs["dataset"] == dataset)]
    rows = rows[rows["weights"] != "random"].drop_duplicates("run_id")
    fits = {
        name: name in STRATEGIES and made_of(strategy.name, STRATEGIES[name], card) for name in set(rows["strategy"])
    }
    rows = rows[rows["strategy"].map(fits).astype(bool)]
    home = state.store().home
    there = rows["run_id"].map(lambda run_id: run_weights.path(home, run_id).is_file()).astype(bool)
    return rows[there].sort_values("val_accuracy", ascending=False)


def label(row: pd.Series) -> str:
    """A run as it is offered: what it is, its accuracy, and which experiment asked for it."""
    accuracy = f", {row['test_accuracy']:.1%} on test" if pd.notna(row["test_accuracy"]) else ""
    where = f" · {row['experiment']}" if row["experiment"] else ""
    return f"{run_name(row)}{accuracy}{where}"


def nothing(strategy: Strategy, card: Card, dataset: str) -> str:
    """Why there is nothing to choose, and what to do."""
    what = (
        "LoRA" if strategy.name == "adapter_merging" else "a strategy that trains the network's own weights, or LoRA,"
    )
    return (
        f"{strategy.label} is made of finished runs, and none of {card.name} on {dataset} has kept its weights in this home."
        f" Choose {what} with two seeds or more, switch on Keep the weights under Training settings, run it, and come back."
    )
