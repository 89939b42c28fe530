"""Charts that the browser asks for: new data once, nothing where it has them, 404 for what nobody offered."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from dashboard import feed


@pytest.fixture
def client(monkeypatch):
    monkeypatch.setattr(feed, "_mounted", False)
    monkeypatch.setattr(feed, "_charts", {})
    monkeypatch.setattr(feed, "_facts", {})
    with TestClient(Starlette(routes=[*feed.routes()])) as client:
        yield client


def chart_of(points: list[int]) -> SimpleNamespace:
    light, dark = (json.dumps({"data": [{"y": points}], "layout": {"theme": name}}) for name in ("light", "dark"))
    return SimpleNamespace(
        light=SimpleNamespace(alt=f'"{len(points)}" pointś', reading=f"{len(points)} points: <b>"),
        light_json=light,
        dark_json=dark,
    )


def test_the_newest_data_come_with_their_alt_text_in_the_theme_asked_for(client):
    points = [1]
    address = feed.offer("here", lambda: chart_of(points))
    points.append(2)
    answer = client.get(f"/{address}?theme=dark").json()
    assert answer["spec"] == {"data": [{"y": [1, 2]}], "layout": {"theme": "dark"}}
    assert (answer["alt"], answer["reading"]) == ('"2" pointś', "2 points: <b>")
    assert client.get(f"/{address}").json()["spec"]["layout"]["theme"] == "light"


def test_nothing_is_sent_twice(client):
    points = [1]
    address = feed.offer("here", lambda: chart_of(points))
    have = client.get(f"/{address}").json()["digest"]
    again = client.get(f"/{address}?have={have}")
    assert (again.status_code, again.content) == (204, b"")
    points.append(2)
    assert client.get(f"/{address}?have={have}").status_code == 200
    assert again.headers["cache-control"] == "no-store"


def test_the_same_place_keeps_its_address_and_takes_the_newest_chart(client):
    first, second = feed.offer("a", lambda: chart_of([1])), feed.offer("a", lambda: chart_of([7]))
    assert first == second != feed.offer("b", lambda: chart_of([1]))
    assert client.get(f"/{first}").json()["spec"]["data"] == [{"y": [7]}]


def test_what_nobody_offered_is_not_there(client):
    assert client.get("/transferscope/chart/0123").status_code == 404


def test_offers_are_bounded(client, monkeypatch):
    monkeypatch.setattr(feed, "KEPT", 2)
    oldest, *_ = [feed.offer(place, lambda: chart_of([1])) for place in "abc"]
    assert client.get(f"/{oldest}").status_code == 404
    assert client.get(f"/{feed.offer('c', lambda: chart_of([1]))}").status_code == 200


def test_without_the_route_there_is_no_address(monkeypatch):
    monkeypatch.setattr(feed, "_mounted", False)
    assert feed.offer("here", lambda: chart_of([1])) is None


def test_facts_come_once_per_change(client):
    facts = {"done": 0.25, "headline": 'one "of" four'}
    address = feed.offer_facts("status", lambda: facts)
    first = client.get(f"/{address}").json()
    assert facts.items() <= first.items()
    assert client.get(f"/{address}?have={first['digest']}").status_code == 204
    facts["done"] = 0.5
    assert client.get(f"/{address}?have={first['digest']}").json()["done"] == 0.5
    assert client.get("/transferscope/facts/0123").status_code == 404
