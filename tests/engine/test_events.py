"""Events: facts as JSON and back; what is not a number never looks like one."""

from __future__ import annotations

import dataclasses
import json
import math

import pytest

from engine import events
from engine.events import KINDS, DepthMeasured, Diverged, EpochEnded, FreezeChecked, Notice, Started, parse

EXAMPLES = [
    Started(
        "cpu: CPU",
        "float32",
        ["stem", "block"],
        10,
        5,
        8,
        2,
        4,
        ["a", "<b>"],
        "f",
        "random",
        {"size": [3, 32, 32]},
        "g",
    ),
    EpochEnded(0, None, None, 2.3, 0.1, None),
    DepthMeasured(1, "stem", "probe_accuracy", 0.5, 4, 16, {"C": 0.1}),
    events.PanelMeasured(2, 1, "stem", {"drift": 0.1, "logme": None}, {"logme": "no maximum"}, 64),
    events.PanelCost(2, 64, "ab12", 0.25, 8.5),
    events.SimilarityMeasured(["a", "b"], [[1.0, None], [0.2, 0.9]], 64, 32, {"1,2": "does not vary"}),
    FreezeChecked(3, "a", "b", ["units.0.weight"]),
    events.Tested(0.5, 4, None, 1, "best_validation", "ab"),
    events.TrialEnded(2, 0, 5, 0.05, {"rank": 4}, 0.5, None, 1e9, 2.5, 25.0),
    events.SettingChosen(2, 0.05, {"rank": 4}, 0.5, 0.9),
    events.Interpolated(0.5, 0.7, None, {"probe_accuracy": {"textures": 0.25}}),
    events.ForgettingMeasured("cifar10", "source_accuracy", 0.9, 0.5, 1000, 0),
    Diverged(1, 2, "the loss was not a number"),
    Notice("left out ünïcode \u2028 and \x1b"),
]


@pytest.mark.parametrize("event", EXAMPLES, ids=lambda event: event.kind)
def test_every_kind_survives_the_store(event):
    assert parse(event.kind, event.body()) == event
    assert "\n" not in event.body()


def test_every_kind_has_an_example_here():
    assert {event.kind for event in EXAMPLES} == set(KINDS)
    assert all(dataclasses.is_dataclass(kind) for kind in KINDS.values())


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_not_a_number_becomes_null_at_any_depth(value):
    event = DepthMeasured(1, "stem", "knn_accuracy", value, 4, 16, {"a": {"b": [value, 1.5]}})
    body = json.loads(event.body(), parse_constant=pytest.fail)
    assert body["value"] is None
    assert body["detail"] == {"a": {"b": [None, 1.5]}}


def test_equal_events_have_equal_bodies_whatever_the_order_of_keys():
    first = DepthMeasured(1, "stem", "m", 0.1, 4, 16, {"a": 1, "b": 2})
    second = DepthMeasured(1, "stem", "m", 0.1, 4, 16, {"b": 2, "a": 1})
    assert first.body() == second.body()


def test_events_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        EXAMPLES[0].device = "x"
    with pytest.raises(KeyError):
        events.parse("unheard of", "{}")
