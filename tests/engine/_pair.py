"""A tiny image-text model as the hub would have it, in two files. Its fixtures are known through `conftest.py`."""

from __future__ import annotations

import contextlib
import json
import sys
import types
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.engine._hub import Hub

TOWER = "tiny_clip_32.made_up"
TOWER_CONFIG = {
    "embed_dim": 24,
    "vision_cfg": {"image_size": 32, "layers": 2, "width": 32, "head_width": 16, "patch_size": 8},
    "text_cfg": {"context_length": 24, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 2},
}


@dataclass
class Pair:
    """A tiny image-text model: in timm's halves and in OpenCLIP's whole."""

    name: str
    """Of the backbone."""
    model: Any
    """OpenCLIP's, with the weights of both files."""
    image: bytes
    """timm's file of the image tower, projection included."""
    whole: bytes
    """OpenCLIP's file of both towers."""
    home: Path
    """A home that knows the backbone's card: it is described in another process otherwise, which does not know it."""
    tower: Any
    """Its row of the table."""

    def serve(self, hub: Hub, *, text: bool = True) -> None:
        """Put both files where the hub has them."""
        hub.files[f"/timm/{TOWER}/resolve/main/model.safetensors"] = self.image
        if text:
            hub.files[f"/{self.tower.repository}/resolve/main/open_clip_model.safetensors"] = self.whole


@contextlib.contextmanager
def _in_timm() -> Iterator[None]:
    """While entered, timm has the tiny image tower: other tests list all of timm."""
    import timm
    import torch
    from timm.models import _registry, vision_transformer

    name = TOWER.partition(".")[0]

    def tiny_clip_32(pretrained: bool = False, **kwargs: Any):
        shape = {"img_size": 32, "patch_size": 8, "embed_dim": 32, "depth": 2, "num_heads": 2, "pre_norm": True}
        norm = {"norm_layer": lambda width, **more: torch.nn.LayerNorm(width, eps=1e-5, **more)}
        return vision_transformer._create_vision_transformer(name, pretrained, **shape, **norm, **kwargs)

    module = types.ModuleType("tiny_clip")
    told = vision_transformer._cfg(hf_hub_id="timm/", input_size=(3, 32, 32), num_classes=24, license="mit")
    module.default_cfgs = timm.models.generate_default_cfgs({TOWER: told})
    module.checkpoint_filter_fn = vision_transformer.checkpoint_filter_fn
    module.tiny_clip_32, tiny_clip_32.__module__ = tiny_clip_32, module.__name__
    sys.modules[module.__name__] = module
    timm.models.register_model(tiny_clip_32)
    try:
        yield
    finally:
        _registry._clear_model_entries(name)
        del _registry._model_entrypoints[name]
        del sys.modules[module.__name__]


@pytest.fixture(scope="session")
def made_pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    """A tiny CLIP with random weights, known to OpenCLIP from now on."""
    import open_clip
    import safetensors.torch
    import timm
    import torch
    from timm.models import vision_transformer

    from engine.backbones._timm_card import describe
    from engine.text_towers import TextTower

    name, folder = TOWER.partition(".")[0], tmp_path_factory.mktemp("pair")
    (folder / f"{name}.json").write_text(json.dumps(TOWER_CONFIG), encoding="utf-8")
    open_clip.add_model_config(folder / f"{name}.json")
    torch.manual_seed(77)
    model = open_clip.create_model(name).eval()
    with torch.no_grad():
        for parameter in model.parameters():  # biases and norms that matter
            parameter.add_(0.1 * torch.randn_like(parameter))
    state = {key: tensor.contiguous() for key, tensor in model.state_dict().items()}
    (folder / "home" / "cards").mkdir(parents=True)
    with _in_timm():
        image = timm.create_model(name, num_classes=24)
        image.load_state_dict(vision_transformer.checkpoint_filter_fn(state, image))
        card = describe(f"timm:{TOWER}").to_json()
    (folder / "home" / "cards" / f"timm_{TOWER}.json").write_text(card, encoding="utf-8")
    files = safetensors.torch.save(image.state_dict()), safetensors.torch.save(state)
    return Pair(
        f"timm:{TOWER}", model, *files, folder / "home", TextTower("made/up", name, 1_000, 2_000, 5_000_000, 24)
    )


@pytest.fixture
def pair(made_pair: Pair, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pair]:
    """The tiny CLIP, registered with timm and in the table of text towers."""
    from engine import text_towers

    known = text_towers._table()
    rows = known["towers"] | {TOWER: vars(made_pair.tower)}
    monkeypatch.setattr(text_towers, "_table", lambda: known | {"towers": rows})
    with _in_timm():
        yield made_pair
