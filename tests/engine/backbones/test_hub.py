"""Downloads against a stand-in that speaks the hub's protocol on this machine: nothing here reaches a network."""

from __future__ import annotations

import hashlib
import shutil
import socket
import time
import types
from pathlib import Path

import pytest
import safetensors.torch
import timm
import torch

from engine import networks
from engine.backbones import _disk, _hub, _timm
from engine.control import Cancelled, Control
from engine.errors import SpecError, WeightsError
from engine.spec import RunSpec
from engine.tasks import TASKS, TaskContext

NAME = "timm:test_resnet"
REPOSITORY = timm.create_model("test_resnet").pretrained_cfg["hf_hub_id"]


@pytest.fixture
def weights(hub) -> bytes:
    """Weights of a timm model as the hub has them, with timm's names and a classifier."""
    torch.manual_seed(1)
    content = safetensors.torch.save(timm.create_model("test_resnet").state_dict())
    hub.files[f"/{REPOSITORY}/resolve/main/{_hub.FILENAME}"] = content
    return content


def closed_port() -> str:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{bound.getsockname()[1]}"


def test_weights_are_downloaded_checked_and_loaded(hub, weights, tmp_path):
    told: list[tuple[int, int]] = []
    network = _timm.build(NAME)
    origin = _timm.load(
        network, NAME, cache_dir=str(tmp_path), endpoint=hub.address, progress=lambda *step: told.append(step)
    )
    assert origin == f"{REPOSITORY}@{hub.commit} sha256:{hashlib.sha256(weights).hexdigest()}"
    assert told[-1] == (len(weights), len(weights))
    given = safetensors.torch.load(weights)
    assert all(torch.equal(tensor, given[name]) for name, tensor in network.model.state_dict().items())
    assert {request.rpartition("/")[2] for request in hub.requests} == {_hub.FILENAME}


def test_a_cached_file_is_used_without_asking(hub, weights, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", hub.address)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    first = _hub.fetch(REPOSITORY)
    hub.requests.clear()
    monkeypatch.setenv("HF_ENDPOINT", closed_port())
    assert _hub.fetch(REPOSITORY) == first
    assert first.revision == hub.commit
    assert hub.requests == []


def test_a_download_cut_in_the_middle_is_resumed(hub, weights, tmp_path):
    hub.cuts = 2
    file = _hub.fetch(REPOSITORY, cache_dir=str(tmp_path), endpoint=hub.address)
    assert file.path.read_bytes() == weights
    assert hub.cuts == 0


def test_a_download_that_cannot_be_completed_leaves_nothing(hub, weights, tmp_path):
    hub.cuts = 10_000
    with pytest.raises(WeightsError, match=r"was not completed: .* Nothing of it was kept; try again\."):
        _hub.fetch(REPOSITORY, cache_dir=str(tmp_path), endpoint=hub.address)
    assert not [file for file in tmp_path.rglob("*") if file.is_file() and file.stat().st_size > 1000]
    hub.cuts = 0
    assert _hub.fetch(REPOSITORY, cache_dir=str(tmp_path), endpoint=hub.address).path.read_bytes() == weights


def test_without_a_network_the_answer_is_quick_and_says_what_to_do(tmp_path):
    began = time.monotonic()
    with pytest.raises(WeightsError) as caught:
        _timm.load(_timm.build(NAME), NAME, cache_dir=str(tmp_path), endpoint=closed_port())
    assert time.monotonic() - began < 5
    assert f"{REPOSITORY}/model.safetensors cannot be had" in str(caught.value)
    assert "none from the hub, only those that are shipped" in str(caught.value)
    assert "weights 'file:PATH', or 'random'" in str(caught.value)


def test_a_hub_that_does_not_answer_is_given_up_on(tmp_path, monkeypatch):
    monkeypatch.setattr(_hub, "ANSWER_SECONDS", 0.2)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        with pytest.raises(WeightsError, match="cannot be had"):
            _hub.fetch(REPOSITORY, cache_dir=str(tmp_path), endpoint=f"http://127.0.0.1:{silent.getsockname()[1]}")


def test_without_a_network_what_is_on_disk_is_offered(hub, weights, tmp_path):
    _hub.fetch(REPOSITORY, cache_dir=str(tmp_path), endpoint=hub.address)
    assert _disk.cached(REPOSITORY, tmp_path).read_bytes() == weights
    assert _disk.repositories(tmp_path) == {REPOSITORY}
    with pytest.raises(WeightsError, match=rf"Weights on this machine .*: timm:{REPOSITORY.removeprefix('timm/')}\."):
        _hub.fetch("timm/resnet18.a1_in1k", cache_dir=str(tmp_path), endpoint=closed_port())


def test_a_folder_without_weights_is_not_taken_for_weights(hub, tmp_path):
    other = tmp_path / f"models--{REPOSITORY.replace('/', '--')}" / "snapshots" / hub.commit / "config.json"
    other.parent.mkdir(parents=True)
    other.write_text("{}", encoding="utf-8")
    assert _disk.cached(REPOSITORY, tmp_path) is None
    with pytest.raises(WeightsError, match=r"no such public file \(HTTP 404\)\. Weights on this machine .*: none"):
        _hub.fetch(REPOSITORY, cache_dir=str(tmp_path), endpoint=hub.address)


def left(folder: Path) -> list[Path]:
    """Files that a download has left behind."""
    return [file for file in folder.rglob("*") if file.is_file() and file.stat().st_size > 1000]


def test_a_download_can_be_stopped_in_the_middle_and_leaves_nothing(hub, weights, tmp_path):
    def stop(done: int, whole: int) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        _hub.fetch(REPOSITORY, cache_dir=str(tmp_path), endpoint=hub.address, progress=stop)
    assert left(tmp_path) == []
    assert _hub.fetch(REPOSITORY, cache_dir=str(tmp_path), endpoint=hub.address).path.read_bytes() == weights


def test_a_disk_without_room_is_said_before_anything_is_downloaded(hub, weights, tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: types.SimpleNamespace(free=_hub.SPARE_BYTES + 1000))
    with pytest.raises(WeightsError, match=r"are free on the disk of .*Make room"):
        _hub.fetch(REPOSITORY, cache_dir=str(tmp_path / "not" / "there"), endpoint=hub.address)
    assert [request for request in hub.requests if request.startswith("GET")] == []


def test_a_disk_that_is_full_in_the_middle_leaves_nothing(hub, weights, tmp_path):
    resource = pytest.importorskip("resource")  # a limit on file sizes fails a write as a full disk does
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(weights) // 2, hard))
    try:
        with pytest.raises(WeightsError, match=r"was not completed: .*Nothing of it was kept"):
            _hub.fetch(REPOSITORY, cache_dir=str(tmp_path), endpoint=hub.address)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert left(tmp_path) == []
    assert _hub.fetch(REPOSITORY, cache_dir=str(tmp_path), endpoint=hub.address).path.read_bytes() == weights


def test_other_formats_are_never_asked_for(hub, tmp_path):
    hub.files[f"/{REPOSITORY}/resolve/main/pytorch_model.bin"] = b"a pickle"
    with pytest.raises(WeightsError, match="no such public file"):
        _hub.fetch(REPOSITORY, cache_dir=str(tmp_path), endpoint=hub.address)
    assert not [request for request in hub.requests if ".bin" in request]


def test_a_cached_file_that_was_altered_is_found_by_its_hash(hub, weights, tmp_path):
    file = _hub.fetch(REPOSITORY, cache_dir=str(tmp_path), endpoint=hub.address)
    damaged = bytearray(weights)
    damaged[-1] ^= 1
    Path(file.path).resolve().write_bytes(damaged)
    with pytest.raises(WeightsError, match=r"altered or damaged.*Delete"):
        _hub.fetch(REPOSITORY, cache_dir=str(tmp_path), endpoint=hub.address)


def test_a_server_that_sends_other_bytes_than_it_announced_is_caught(hub, weights, tmp_path, monkeypatch):
    announced = hashlib.sha256(weights)
    damaged = weights[:-1] + bytes([weights[-1] ^ 1])
    hub.files[f"/{REPOSITORY}/resolve/main/{_hub.FILENAME}"] = damaged
    monkeypatch.setattr(hashlib, "sha256", lambda content: announced)
    with pytest.raises(WeightsError, match=r"damaged on its way.*Nothing of it was kept"):
        _hub.fetch(REPOSITORY, cache_dir=str(tmp_path), endpoint=hub.address)
    assert left(tmp_path) == []
    monkeypatch.undo()
    hub.files[f"/{REPOSITORY}/resolve/main/{_hub.FILENAME}"] = weights
    assert _hub.fetch(REPOSITORY, cache_dir=str(tmp_path), endpoint=hub.address).path.read_bytes() == weights


def test_weights_of_another_model_are_refused_with_the_names(hub, tmp_path):
    other = safetensors.torch.save(timm.create_model("test_vit").state_dict())
    hub.files[f"/{REPOSITORY}/resolve/main/{_hub.FILENAME}"] = other
    with pytest.raises(WeightsError, match=rf"{REPOSITORY}.*do not fit.*model\.conv1"):
        _timm.load(_timm.build(NAME), NAME, cache_dir=str(tmp_path), endpoint=hub.address)


def test_a_model_without_hub_weights_says_so(tmp_path):
    network = _timm.build(NAME)
    network.model.pretrained_cfg["hf_hub_id"] = None
    with pytest.raises(
        WeightsError, match=r"no weights on the hub for 'timm:test_resnet' \(tags with weights: timm:test"
    ):
        _timm.load(network, NAME, cache_dir=str(tmp_path), endpoint=closed_port())


def test_a_run_downloads_its_weights_first_and_says_how_far_it_is(hub, weights, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", hub.address)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    run, control, phases = (
        RunSpec(backbone=NAME, dataset="digits", strategy="linear_probe", frozen_depth=1, seed=0),
        Control(),
        [],
    )
    tell = control.tell
    monkeypatch.setattr(control, "tell", lambda phase, share: (phases.append((phase, share)), tell(phase, share)))
    networks.fetch_weights(run, "random", tmp_path, control)
    assert hub.requests == []
    networks.fetch_weights(run, "pretrained", tmp_path, control)
    assert phases[-1] == (f"downloading weights ({_disk.in_words(len(weights))})", 1.0)
    assert control.progress.phase.endswith(", 100%")
    network, origin = networks.build_network(run, "pretrained", tmp_path)
    assert hub.commit in origin
    assert torch.equal(network.model.bn1.weight, safetensors.torch.load(weights)["bn1.weight"])


def test_a_run_that_is_stopped_while_it_downloads_ends(hub, weights, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", hub.address)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    run, control = RunSpec(backbone=NAME, dataset="digits", strategy="linear_probe", frozen_depth=1, seed=0), Control()
    control.stop = True
    with pytest.raises(Cancelled):
        networks.fetch_weights(run, "pretrained", tmp_path, control)


def test_a_task_downloads_weights_before_a_run_needs_them(hub, weights, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", hub.address)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    kind, told = TASKS["weights"], []
    context = TaskContext(kind.prepare({"backbone": NAME}, None), say=lambda done, phase: told.append((done, phase)))
    result = kind.run(context)
    assert result["weights"].startswith(f"{REPOSITORY}@{hub.commit}")
    assert told[0] == (0.0, "asking the hub")
    assert told[-1][0] == 1.0
    assert _disk.cached(REPOSITORY, tmp_path) is not None
    assert kind.run(TaskContext({"backbone": "resnet20_cifar10"}))["weights"].startswith("assets:")
    assert kind.prepare({"backbone": "torchvision:vgg16"}, None) == {"backbone": "timm:vgg16.tv_in1k"}
    with pytest.raises(SpecError, match="nothing else"):
        kind.prepare({"backbone": NAME, "url": "http://elsewhere"}, None)
