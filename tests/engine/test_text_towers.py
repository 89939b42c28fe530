"""The table of text towers, and what is said where one cannot be used: read without torch."""

from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace

import pytest
import safetensors.numpy

from engine import text_towers
from engine.errors import BackboneError
from engine.text_towers import WEIGHTS, TextTower, tower_of, towers, unusable


def card(name: str, weights: str | None = None):
    return SimpleNamespace(
        name=f"timm:{name}", weights=weights if weights is not None else f"hub:timm/{name}", licence="mit"
    )


LAION = card("vit_base_patch32_clip_224.laion2b")
SIGLIP = card("vit_base_patch16_siglip_224.webli")


def test_every_row_is_a_whole_one():
    assert len(towers()) > 80
    for name, tower in towers().items():
        assert name.count(".") == 1
        assert tower.repository.count("/") == 1
        assert tower.parameters > 1e7
        assert tower.flops > 1e9
        assert tower.bytes > 4 * tower.parameters, "both towers are in the file"
        assert tower.context in (16, 32, 64, 72, 77)
        assert not tower.repository.startswith(text_towers.PICKLED)
    # Of the files, as the hub lists them: 605 MB, 408 MB and 813 MB.
    sizes = [towers()[name].bytes / 1e6 for name in (LAION.name[5:], "resnet50_clip.openai", SIGLIP.name[5:])]
    assert [round(size) for size in sizes] == [605, 408, 813]


def test_the_families_that_people_use_are_there():
    kinds = [f"{name} {tower.repository}" for name, tower in towers().items()]
    for kind in ("openai", "laion", "DataComp", "metaclip", "SigLIP2", "convnext", "eva02", "MobileCLIP2", "PE-Core"):
        assert any(kind in one for one in kinds), kind


def test_a_name_without_a_tag_takes_the_weights_that_the_card_names():
    bare = card("vit_base_patch32_clip_224", "hub:timm/vit_base_patch32_clip_224.laion2b")
    assert tower_of(bare) == tower_of(LAION) == towers()["vit_base_patch32_clip_224.laion2b"]
    assert tower_of(card("resnet18.a1_in1k")) is None
    assert tower_of(card("vit_base_patch32_clip_224", "")) is None


def test_weights_of_the_other_activation_point_to_their_twin():
    openai = card("vit_base_patch16_clip_224.openai")
    assert tower_of(openai) is None
    assert "timm:vit_base_patch16_clip_quickgelu_224.openai has the same weights" in text_towers.refusal(openai)
    twin = card("vit_base_patch16_clip_quickgelu_224.openai", "hub:timm/vit_base_patch16_clip_224.openai")
    assert tower_of(twin).model == "ViT-B-16-quickgelu"
    with pytest.raises(BackboneError, match="QuickGELU"):
        text_towers.needed(openai)


def test_the_other_reasons_name_what_can_be_used():
    assert "published as a pickle alone" in text_towers.refusal(card("vit_base_patch16_clip_224.dfn2b"))
    assert "published as a pickle alone" in text_towers.refusal(
        card("vitamin_small_224.x", "hub:jienengchen/ViTamin-S")
    )
    said = text_towers.refusal(card("resnet18.a1_in1k"))
    assert "no text tower is known for timm:resnet18.a1_in1k" in said
    assert "timm:vit_base_patch32_clip_224.laion2b" in said


def test_image_towers_are_told_from_what_was_tuned_with_labels():
    assert text_towers.is_image_tower("LAION-2B")
    assert not text_towers.is_image_tower("LAION-2B, then ImageNet-1k")
    assert not text_towers.is_image_tower("")
    assert text_towers.is_known("vit_base_patch16_clip_224.openai")
    assert not text_towers.is_known("resnet18.a1_in1k")


def test_only_weights_that_it_belongs_to(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "none"))
    tower = tower_of(LAION)
    assert unusable(LAION, tower, "pretrained") is None
    assert "these runs start from others" in unusable(LAION, tower, "random")
    assert "these runs start from others" in unusable(LAION, tower, "run:0123456789abcdef")
    assert "holds no text tower" in unusable(LAION, tower, f"file:{tmp_path / 'none.safetensors'}")
    import numpy as np

    image, both = tmp_path / "image.safetensors", tmp_path / "both.safetensors"
    safetensors.numpy.save_file({"head.weight": np.zeros(2)}, image)
    safetensors.numpy.save_file({"text.token_embedding.weight": np.zeros(2)}, both)
    assert "holds no text tower" in unusable(LAION, tower, f"file:{image}")
    assert unusable(LAION, tower, f"file:{both}") is None
    (tmp_path / "bad").write_bytes(b"\xff" * 100)
    assert not text_towers.holds_text(tmp_path / "bad")
    (tmp_path / "short").write_bytes(b"\x00")
    assert not text_towers.holds_text(tmp_path / "short")


def test_without_a_network_its_size_and_command_are_said_before_anything_runs(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    tower = tower_of(LAION)
    said = unusable(LAION, tower, "pretrained")
    assert "HF_HUB_OFFLINE is set" in said
    assert f"({tower.repository}, about 605 MB)" in said
    assert "python -m engine weights timm:vit_base_patch32_clip_224.laion2b --text" in said
    folder = tmp_path / f"models--{tower.repository.replace('/', '--')}"
    for place in (folder / "refs" / "main", folder / "snapshots" / "abc" / WEIGHTS):
        place.parent.mkdir(parents=True)
        place.write_text("abc", encoding="utf-8")
    assert tower.on_disk
    assert unusable(LAION, tower, "pretrained") is None


def test_a_tokenizer_that_needs_another_library_says_what_to_install(monkeypatch):
    tower = tower_of(SIGLIP)
    assert tower.tokenizer
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert "pip install transformers" in unusable(SIGLIP, tower, "pretrained")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: object())
    assert unusable(SIGLIP, tower, "pretrained") is None


def test_its_words_hold_size_parameters_and_licence(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    assert text_towers.words(LAION, tower_of(LAION)) == (
        "Text tower: laion/CLIP-ViT-B-32-laion2B-s34B-b79K, about 605 MB to download (both towers in one file);"
        " 63,428,096 parameters; licence: mit."
    )
    assert "on this machine" not in text_towers.words(LAION, TextTower("a/b", "c", 1, 1, 1, 77))


def test_reading_the_table_loads_no_torch():
    code = "import engine.text_towers as t, engine.strategies, sys; t.towers(); print(*({'torch', 'timm'} & {*sys.modules}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
