"""Weights fetched before a run: said with size and licence, queued once, watched, and what went wrong."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from dashboard import state
from engine import task_queue
from engine.leases import FILES, Leases

SCRIPT = """
import dataclasses
from dashboard.widgets import pickers
from engine import backbones

shipped = backbones.card("resnet20_cifar10")
pickers._backbone_card(dataclasses.replace(shipped, name="timm:resnet18", weights="{weights}", weights_bytes=46_800_000,
                                           licence="apache-2.0"), "{start}")
"""


@pytest.fixture
def draw(by_hand, monkeypatch, tmp_path):
    """The card of a network whose weights are on the hub, on a machine that has none of them."""
    monkeypatch.setenv("TRANSFERSCOPE_HOME", str(by_hand.store.home))
    monkeypatch.setenv(state.NO_WORKER, "1")
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))

    def drawn(start: str = "pretrained", weights: str = "hub:timm/resnet18.a1_in1k") -> AppTest:
        app = AppTest.from_string(SCRIPT.format(start=start, weights=weights), default_timeout=30).run()
        assert not app.exception
        return app

    return drawn


def test_the_button_says_the_size_and_queues_one_download(draw, by_hand):
    app = draw()
    said = "\n".join(one.value for one in app.caption).replace("\\", "")
    assert "licence: apache-2.0" in said
    assert "about 47 MB from timm/resnet18.a1_in1k" in said
    (button,) = app.button
    assert button.label == "Download now (47 MB)"
    button.click().run()
    (task,) = task_queue.list(by_hand.store, "weights")
    assert task.payload == {"backbone": "timm:resnet18"}
    assert "waiting for its turn" in app.get("progress")[0].proto.text
    assert [one.label for one in app.button] == ["Stop"]


def test_how_a_download_failed_is_said_and_it_can_be_tried_again(draw, by_hand):
    draw().button[0].click().run()
    task = task_queue.claim(by_hand.store, Leases(by_hand.store).register(FILES), torch=False)
    task_queue.finish(by_hand.store, task, "failed", "There is no network.")
    app = draw()
    assert "There is no network" in app.error[0].value
    assert [one.label for one in app.button] == ["Download now (47 MB)"]


def test_no_button_where_nothing_would_be_downloaded(draw, tmp_path):
    assert not draw(start="random").button
    assert not draw(weights="").button
    assert not draw(weights="assets:resnet20_cifar10.safetensors").button
    top = tmp_path / "hub" / "models--timm--resnet18.a1_in1k"
    for folder in ("refs", "snapshots/abc"):
        (top / folder).mkdir(parents=True)
    (top / "refs" / "main").write_text("abc")
    (top / "snapshots" / "abc" / "model.safetensors").write_bytes(b"x")
    app = draw()
    assert not app.button
    assert "on this machine already" in "".join(one.value for one in app.caption)


TOWER = """
import dataclasses
from dashboard import choices
from dashboard.widgets import strategies
from engine import backbones
from engine.strategies import STRATEGIES

card = dataclasses.replace(
    backbones.card("resnet20_cifar10"), name="{name}", weights="hub:{name}".replace("timm:", "timm/"), source_data="LAION-2B",
    licence="apache-2.0",
)
strategy = STRATEGIES["zero_shot"]
values = {{choices.setting_key(strategy.name, one.name): one.default for one in strategy.settings}}
strategies._beside(strategy, card, values)
"""


def test_a_text_tower_says_its_size_and_licence_and_comes_by_its_own_button(by_hand, monkeypatch, tmp_path):
    monkeypatch.setenv("TRANSFERSCOPE_HOME", str(by_hand.store.home))
    monkeypatch.setenv(state.NO_WORKER, "1")
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    script = TOWER.format(name="timm:vit_base_patch32_clip_224.laion2b")
    app = AppTest.from_string(script, default_timeout=30).run()
    assert not app.exception
    said = app.caption[0].value.replace("\\", "")
    assert "laion/CLIP-ViT-B-32-laion2B-s34B-b79K, about 605 MB to download" in said
    assert "licence: apache-2.0" in said
    (button,) = app.button
    assert button.label == "Download now (605 MB)"
    button.click().run()
    (task,) = task_queue.list(by_hand.store, "weights")
    assert task.payload == {"backbone": "timm:vit_base_patch32_clip_224.laion2b", "text": True}
    assert [one.label for one in app.button] == ["Stop"]
    other = AppTest.from_string(TOWER.format(name="timm:resnet18.a1_in1k"), default_timeout=30).run()
    assert not other.caption
    assert not other.button
