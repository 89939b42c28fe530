"""Runs of tiny networks, each computed once: what the contract of strategies is checked on."""

from __future__ import annotations

import copy
import functools
from dataclasses import dataclass, field
from typing import Any

import pytest
import torch

from engine import backbones, datasets
from engine.backbones._network import Network
from engine.device import cpu
from engine.events import Event
from engine.execute import execute
from engine.networks import build_network
from engine.plan import PlannedRun
from engine.spec import RunSpec, TrainSpec
from engine.strategies import STRATEGIES, Strategy, settled
from engine.train import Savepoint

BUDGET = 21
TRAIN = TrainSpec(epochs=2, batch_size=4, precision="float32", weight_decay=0.1, selection="last_epoch")


@dataclass
class Computed:
    """A run with all that it said and left."""

    run: RunSpec
    events: list[Event]
    network: Network
    began: Network
    """With the weights the run started from."""
    savepoint: dict[str, Any] = field(default_factory=dict)
    """The first of its states to go on from, with how many events were before it."""
    before: int = 0


def given(strategy: Strategy, data: str) -> dict[str, Any]:
    """Settings without which a strategy has no use: those that name other data."""
    return {one.name: data for one in strategy.settings if one.name == "source"}


def _compute(run: RunSpec, resume: dict[str, Any] | None = None) -> Computed:
    """Execute a run, or what is left of it."""
    torch.manual_seed(99)  # nothing may depend on what was drawn before
    work, events, first, before = execute(run, cpu(), resume=resume), [], {}, 0
    while True:
        try:
            item = next(work)
        except StopIteration as done:
            began, _ = build_network(run, STRATEGIES[run.strategy].weights or run.weights, None)
            return Computed(run, events, done.value, began, first, before)
        if isinstance(item, Savepoint) and not first:
            first, before = copy.deepcopy(item.state()), len(events)
        if isinstance(item, Event):
            events.append(item)


@pytest.fixture(scope="session")
def run_of(colours, tiny, tiny_vit):
    """The spec of a strategy on a tiny backbone (`tiny` or `tiny_vit`), or None where it refuses."""

    def make(
        name: str, backbone: str = tiny, seed: int = 0, depth: int | None = None, **changes: Any
    ) -> RunSpec | None:
        data, strategy, card = f"folder:{colours}", STRATEGIES[name], backbones.card(backbone)
        settings = given(strategy, data) | changes.pop("settings", {})
        full = settled(strategy, settings)
        if strategy.refuses(card, full):
            return None
        if depth is None:
            depth = strategy.at(card, full) if strategy.at else strategy.depths(card.n_units, (2,))[0]
        plain = {"label_budget": BUDGET, "measures": (), "train": TRAIN, "settings": settings}
        return RunSpec(backbone, data, name, depth, seed, **{**plain, **changes})

    return make


@pytest.fixture(scope="session")
def computed(run_of):
    """What a strategy does on a tiny backbone; the same question is computed once."""

    @functools.cache
    def act(run: RunSpec) -> Computed:
        return _compute(run)

    return act


@pytest.fixture(scope="session")
def compute():
    """Execute a run anew, or what is left of it: `compute(run, resume)`."""
    return _compute


@pytest.fixture(scope="session")
def planned():
    """A run with what is known of its backbone and data, as the plan and the costs take it."""

    def make(run: RunSpec) -> PlannedRun:
        return PlannedRun(run, backbones.card(run.backbone), datasets.describe(run.dataset))

    return make
