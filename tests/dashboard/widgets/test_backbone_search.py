"""The search over all networks: its words, and what the Lab makes of a choice."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from dashboard import state
from dashboard.widgets.backbone_search import PICKED, count_words, fits, words
from engine.backbones import Entry, card

SCRIPT = """
import streamlit as st

from dashboard.views import lab

st.navigation([st.Page(lab.page, url_path="lab")]).run()
"""
HUB = Entry(
    name="timm:some_net.tag_in1k",
    label="some_net.tag_in1k",
    family="some_family",
    source_data="ImageNet-1k",
    licence="apache-2.0",
    input_size=(3, 224, 224),
    weights="hub",
    repository="timm/some_net.tag_in1k",
    parameters=5_700_000,
    download_bytes=23_000_000,
)


@pytest.fixture(autouse=True)
def no_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of the hub."""
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub"


def test_what_is_known_is_one_line() -> None:
    assert words(HUB) == "some family · 5.7 M parameters · 224 px · downloads about 23 MB · ImageNet-1k · apache-2.0"


def test_what_is_not_known_is_said() -> None:
    bare = dataclasses.replace(HUB, parameters=None, download_bytes=None, licence="", source_data="")
    assert words(bare) == (
        "some family · size not counted · 224 px · downloads · source data not stated · licence not stated"
    )
    none = dataclasses.replace(bare, weights="none", repository="", parameters=307_000_000)
    assert words(none) == "some family · 307 M parameters · 224 px · no weights: random or your own"


def test_what_is_on_this_machine_is_marked(no_cache: Path) -> None:
    assert not fits(HUB, "here")
    folder = no_cache / "models--timm--some_net.tag_in1k"
    (folder / "refs").mkdir(parents=True)
    (folder / "refs" / "main").write_text("abc")
    (folder / "snapshots" / "abc").mkdir(parents=True)
    (folder / "snapshots" / "abc" / "model.safetensors").write_bytes(b"")
    assert fits(HUB, "here")
    assert "on this machine" in words(HUB)


@pytest.mark.parametrize(
    ("place", "changes", "kept"),
    [
        ("all", {}, True),
        ("small", {}, True),
        ("small", {"parameters": 10_000_000}, False),
        ("small", {"parameters": None}, False),
        ("free", {}, True),
        ("free", {"licence": "cc-by-nc-4.0"}, False),
        ("free", {"licence": ""}, False),
    ],
)
def test_kinds(place: str, changes: dict[str, object], kept: bool) -> None:
    assert fits(dataclasses.replace(HUB, **changes), place) is kept


def test_how_many_are_shown_is_said() -> None:
    assert count_words(0, 2_000).startswith("Nothing among 2,000")
    assert count_words(3, 2_000) == "3 of 2,000."
    assert "the first 40 are shown" in count_words(41, 2_000)


def test_what_was_picked_in_the_search_becomes_the_labs_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRANSFERSCOPE_HOME", str(tmp_path))
    monkeypatch.setenv(state.NO_WORKER, "1")
    shipped = card("resnet20_cifar10")  # under another name: describing one takes a process of its own
    (tmp_path / "cards").mkdir()
    other = dataclasses.replace(shipped, name=HUB.name, weights=f"hub:{HUB.repository}", weights_bytes=23_000_000)
    (tmp_path / "cards" / "timm_some_net.tag_in1k.json").write_text(other.to_json())
    lab = AppTest.from_string(SCRIPT, default_timeout=60).run()
    lab.session_state[PICKED] = HUB.name  # what the button "Use this network" leaves
    lab.run()
    assert not lab.exception
    assert HUB.name in lab.query_params["backbone"]
    assert any("hub \\(about 23 MB" in caption.value or "(about 23 MB" in caption.value for caption in lab.caption)
