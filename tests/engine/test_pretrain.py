"""How shipped weights are made: a tiny recipe with two stages, from a folder to the three files."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from PIL import Image

from engine import device, pretrain
from engine.backbones import Card, _base
from engine.backbones._weights import file_sha256, read_safetensors
from engine.errors import SpecError, TransferscopeError
from engine.events import EpochEnded, Started

NAME = "resnet20_cifar10"


@pytest.fixture
def folder(tmp_path):
    """Two classes that a glance tells apart, in the layout of the real data."""
    draw = np.random.default_rng(0)
    for part, count in (("train", 20), ("test", 5)):
        for label, shade in (("dark", 40), ("light", 215)):
            where = tmp_path / "images" / part / label
            where.mkdir(parents=True)
            for place in range(count):
                pixels = np.clip(draw.normal(shade, 20, (32, 32, 3)), 0, 255).astype(np.uint8)
                Image.fromarray(pixels).save(where / f"{place}.png")
    return f"folder:{tmp_path / 'images'}"


def short(folder: str) -> tuple:
    """The shipped recipe, one epoch a stage."""
    return tuple(
        dataclasses.replace(stage, train=dataclasses.replace(stage.train, epochs=1, learning_rate=0.05))
        for stage in pretrain.recipe(NAME, folder)
    )


def test_a_recipe_becomes_weights_card_and_model_card(folder, tmp_path):
    said = []
    card = pretrain.pretrain(short(folder), device.cpu(), tmp_path / "out", said.append)
    weights = tmp_path / "out" / f"{NAME}.safetensors"
    assert sorted(file.suffix for file in weights.parent.iterdir()) == [".json", ".md", ".safetensors"]
    assert card == Card.from_json((weights.parent / f"{NAME}.json").read_text())
    assert card.weights_sha256 == file_sha256(weights)
    assert card.weights_bytes == weights.stat().st_size
    assert all(torch.isfinite(tensor).all() for tensor in read_safetensors(weights).values())
    text = (weights.parent / f"{NAME}.md").read_text()
    assert f"python -m engine pretrain {NAME} --data FOLDER" in text
    assert "test accuracy" in text
    assert card.weights_sha256 in text
    starts = [event.weights for event in said if isinstance(event, Started)]
    assert starts[0] == "random, seed 0"
    assert "stage1.safetensors" in starts[1]
    assert sum(isinstance(event, EpochEnded) and event.epoch == 1 for event in said) == 2


def test_the_stages_share_their_split_and_change_their_augmentation(folder):
    first, second = pretrain.recipe(NAME, folder)
    assert first.seed == second.seed
    assert (first.strategy, second.strategy) == ("from_scratch", "full_fine_tuning")
    assert first.train.selection == second.train.selection == "last_epoch"


def test_an_unknown_recipe_lists_those_there_are():
    with pytest.raises(SpecError, match=NAME):
        pretrain.recipe("resnet99", "folder:/nowhere")


def test_a_diverged_stage_writes_no_final_weights(folder, tmp_path):
    wild = tuple(
        dataclasses.replace(stage, train=dataclasses.replace(stage.train, epochs=8, learning_rate=100.0, batch_size=8))
        for stage in short(folder)
    )
    with pytest.raises(TransferscopeError, match="diverged"):
        pretrain.pretrain(wild, device.cpu(), tmp_path / "out", lambda event: None)
    assert not list((tmp_path / "out").glob("*.safetensors"))


def test_the_shipped_files_belong_together():
    folder = _base.ASSETS / "backbones"
    card = Card.from_json((folder / f"{NAME}.json").read_text())
    assert card.weights_sha256 == file_sha256(folder / f"{NAME}.safetensors")
    assert card.weights_sha256 in (folder / f"{NAME}.md").read_text()
