"""Shared by the engine's tests: a home, a store, small specs and small folders of images."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import json
import sys
import time
import types
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import pytest
from PIL import Image
from threadpoolctl import threadpool_limits

from engine.spec import ExperimentSpec, RunSpec, TrainSpec
from engine.store import Store


@pytest.fixture(autouse=True, scope="session")
def few_threads():
    """Small problems on shared cores: threads of linear algebra that wait for each other cost more than they give."""
    with threadpool_limits(1, user_api="blas"):
        yield


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


@pytest.fixture
def store(home: Path):
    opened = Store(home)
    yield opened
    opened.close()


@pytest.fixture
def make_run():
    """A RunSpec from the few fields a test is about."""

    def make(**changes: object) -> RunSpec:
        train = TrainSpec(**{"epochs": 1, "precision": "float32", **changes.pop("train", {})})
        plain = {"backbone": "resnet20_cifar10", "dataset": "digits", "strategy": "full_fine_tuning", "frozen_depth": 0}
        return RunSpec(**{**plain, "seed": 0, "weights": "random", "measures": (), "train": train, **changes})

    return make


@pytest.fixture
def make_spec():
    """An ExperimentSpec that needs no shipped weights and little time."""

    def make(**changes: object) -> ExperimentSpec:
        train = TrainSpec(**{"epochs": 1, "precision": "float32", **changes.pop("train", {})})
        plain = {"strategies": ("full_fine_tuning",), "seeds": (0,), "label_budgets": (20,), "measures": ()}
        return ExperimentSpec(**{**plain, "weights": "random", "train": train, **changes})

    return make


@pytest.fixture(scope="session")
def write_images():
    """Write n small images, each different, into a folder; classes differ in colour, so that they can be learned."""

    def write(
        folder: Path, n: int, colour: tuple[int, int, int] = (200, 40, 40), seed: int = 0, side: int = 16
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        draws = np.random.default_rng([seed, *colour])
        for place in range(n):
            noise = draws.integers(-30, 31, size=(side, side, 3))
            Image.fromarray((np.array(colour) + noise).clip(0, 255).astype(np.uint8)).save(folder / f"{place:03d}.png")

    return write


@pytest.fixture(scope="session")
def colours(tmp_path_factory: pytest.TempPathFactory, write_images) -> Path:
    """A folder of three classes with twelve images each."""
    root = tmp_path_factory.mktemp("data") / "colours"
    for name, colour in {"red": (200, 40, 40), "green": (40, 200, 40), "blue": (40, 40, 200)}.items():
        write_images(root / name, 12, colour)
    return root


TINY = "tiny"
"""A backbone of four units for images of 12 x 12, registered while a test asks for it: `execute` in milliseconds."""


def build_tiny(name: str = TINY):
    from torch import nn

    from engine.backbones._composition import ComposedNetwork

    widths = (3, 8, 8, 12, 16)
    units = [
        (f"unit {n}", "stage", nn.Sequential(nn.Conv2d(a, b, 3, padding=1, bias=False), nn.BatchNorm2d(b), nn.ReLU()))
        for n, (a, b) in enumerate(itertools.pairwise(widths), start=1)
    ]
    return ComposedNetwork(units, widths[-1])


@pytest.fixture(scope="session")
def tiny(tmp_path_factory):
    """The tiny backbone's name. Its pretrained weights are other than any seed's own."""
    import torch

    from engine.backbones import BACKBONES, Card, Family
    from engine.backbones._unit_costs import describe_units
    from engine.backbones._weights import load_file, save_backbone

    file = tmp_path_factory.mktemp("weights") / "tiny.safetensors"
    torch.manual_seed(12345)
    save_backbone(build_tiny(), file, {})
    size = (3, 12, 12)
    units = describe_units(build_tiny(), size)
    card = Card(TINY, "Tiny", "Four units.", TINY, "made up", size, (0.5,) * 3, (0.25,) * 3, "bilinear", units)
    BACKBONES.load()
    BACKBONES.register(
        Family(
            name=TINY,
            label="Tiny",
            summary="Four units.",
            source="made up",
            names=lambda: [TINY],
            accepts=lambda name: name == TINY,
            build=build_tiny,
            load=lambda network, name, home: load_file(network, name, file),
            card=lambda name: card,
        )
    )
    yield TINY
    del BACKBONES._entries[TINY]


TINY_VIT = "tiny_vit"
"""A transformer of a stem and three blocks for the same images."""


def build_tiny_vit(name: str = TINY_VIT):
    from timm.models.vision_transformer import VisionTransformer

    from engine.backbones._timm_network import ComposedTimm
    from engine.backbones._timm_units import composed

    model = VisionTransformer(img_size=12, patch_size=4, embed_dim=16, depth=3, num_heads=2, mlp_ratio=2, num_classes=0)
    return ComposedTimm(model, composed(model))


@pytest.fixture(scope="session")
def tiny_vit(tmp_path_factory):
    """The tiny transformer's name. Its pretrained weights are other than any seed's own."""
    import torch

    from engine.backbones import BACKBONES, Card, Family
    from engine.backbones._unit_costs import describe_units
    from engine.backbones._weights import load_file, save_backbone

    file = tmp_path_factory.mktemp("weights") / "tiny_vit.safetensors"
    torch.manual_seed(54321)
    save_backbone(build_tiny_vit(), file, {})
    size = (3, 12, 12)
    units = describe_units(build_tiny_vit(), size)
    card = Card(
        TINY_VIT, "Tiny ViT", "Four units.", TINY_VIT, "made up", size, (0.5,) * 3, (0.25,) * 3, "bilinear", units
    )
    BACKBONES.load()
    BACKBONES.register(
        Family(
            name=TINY_VIT,
            label="Tiny ViT",
            summary="Four units.",
            source="made up",
            names=lambda: [TINY_VIT],
            accepts=lambda name: name == TINY_VIT,
            build=build_tiny_vit,
            load=lambda network, name, home: load_file(network, name, file),
            card=lambda name: card,
        )
    )
    yield TINY_VIT
    del BACKBONES._entries[TINY_VIT]


@dataclass
class Hub:
    """What the stand-in has and how it misbehaves."""

    address: str = ""
    commit: str = "0123456789abcdef0123456789abcdef01234567"
    files: dict[str, bytes] = field(default_factory=dict)
    cuts: int = 0
    """How many answers break off half-way."""
    requests: list[str] = field(default_factory=list)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A stand-in that speaks the hub's protocol on this machine, and a client that does not wait before it tries again."""
    clock = types.SimpleNamespace(sleep=lambda seconds: None, time=time.time)
    monkeypatch.setattr("huggingface_hub.file_download.time", clock)
    state = Hub()

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.answer(send=False)

        def do_GET(self) -> None:
            self.answer(send=True)

        def answer(self, send: bool) -> None:
            state.requests.append(f"{self.command} {self.path}")
            content = state.files.get(self.path)
            if content is None:
                self.send_response(404)
                self.send_header("X-Error-Code", "RepoNotFound")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            start = int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").partition("-")[0])
            self.send_response(206 if start else 200)
            self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
            self.send_header("X-Repo-Commit", state.commit)
            self.send_header("Content-Length", str(len(content) - start))
            self.end_headers()
            if send and state.cuts:
                state.cuts -= 1
                self.wfile.write(content[start : start + (len(content) - start) // 2])
                self.close_connection = True
            elif send:
                self.wfile.write(content[start:])

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing on stderr."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.address = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield state
    server.shutdown()
    server.server_close()
    thread.join()


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
