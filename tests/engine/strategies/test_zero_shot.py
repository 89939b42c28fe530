"""Zero-shot: the source head's own rows, nothing learned, and refusals that say which class has no name there."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import open_clip
import pytest
import torch

from engine import backbones, cost, datasets, prompts
from engine import events as kinds
from engine.backbones._source_head import source_head
from engine.datasets._known import known
from engine.device import cpu
from engine.errors import SpecError, WeightsError
from engine.events import EpochEnded, FreezeChecked, Notice
from engine.execute import execute
from engine.left_out import left_out, left_out_words
from engine.networks import build_network
from engine.plan import plan
from engine.source_classes import listed, missing, rows_of, source_classes
from engine.spec import ExperimentSpec, RunSpec
from engine.strategies import STRATEGIES

NET = "resnet20_cifar10"
CIFAR = source_classes(backbones.card(NET).source_data)


@pytest.fixture(scope="module")
def pets(tmp_path_factory, write_images):
    """Three classes of CIFAR-10, one by another word; the order of the folders is not that of the source."""
    root = tmp_path_factory.mktemp("zero") / "things"
    for name, colour in (("Truck", (200, 30, 30)), ("car", (30, 200, 30)), ("cat", (30, 30, 200))):
        write_images(root / name, 12, colour)
    return f"folder:{root}"


def test_the_shipped_backbones_know_their_ten_classes():
    assert len(CIFAR) == 10
    assert list(CIFAR) == sorted(CIFAR)
    for name in ("resnet20_cifar10", "plain8_cifar10", "vit_cifar10"):
        assert source_classes(backbones.card(name).source_data) == CIFAR
    assert source_classes("CIFAR-100 (Krizhevsky 2009)") == ()


def test_names_are_compared_without_case_and_with_other_words():
    assert rows_of(CIFAR, ["Truck", "car", "CAT "]) == [9, 1, 3]
    assert rows_of(CIFAR, ["cat", "tulip"]) is None
    assert rows_of(CIFAR, ["car", "automobile"]) is None, "the same class twice"
    assert missing(CIFAR, ["cat", "tulip"]) == ["tulip"]


def test_the_thousand_classes_of_imagenet_are_read_from_timms_files():
    names = source_classes("ImageNet-21k, then ImageNet-1k")
    assert len(names) == 1000
    assert names[0].startswith("tench")
    assert names == source_classes("ImageNet-1k")
    assert source_classes("ImageNet-1k, then ImageNet-22k") == ()
    imagenette = [*known()["imagenette"].class_names]
    # The rows by their synsets, in the order in which Imagenette publishes them.
    assert rows_of(names, imagenette) == [0, 217, 482, 491, 497, 566, 569, 571, 574, 701]
    assert missing(names, ["crane", "Tinca tinca", "tulip"]) == ["crane", "tulip"], "two classes are called crane"
    assert listed(names, "ImageNet-1k").startswith("the 1,000 classes of ImageNet-1k (tench")
    assert listed(CIFAR, "CIFAR-10") == ", ".join(CIFAR)


def test_a_backbone_tuned_on_imagenet_answers_by_its_own_classifier(tmp_path, write_images):
    card = SimpleNamespace(name="timm:resnet18.a1_in1k", source_data="ImageNet-1k", weights="hub:timm/resnet18.a1_in1k")
    strategy = STRATEGIES["zero_shot"]
    assert strategy.refuses(card, {}) is None
    assert strategy.beside(card, {}) is None
    fish = SimpleNamespace(name="fish", class_names=("tench", "goldfish"), download_bytes=0)
    assert strategy.refuses_task(card, fish, "pretrained") is None
    said = strategy.refuses_task(card, SimpleNamespace(name="it", class_names=("tench", "tulip")), "pretrained")
    assert "does not name tulip; it names the 1,000 classes of ImageNet-1k (tench" in said


def test_counted_classes_have_nothing_to_tell_a_text_tower(pair):
    card, refuses = backbones.card(pair.name, pair.home), STRATEGIES["zero_shot"].refuses_task
    here = SimpleNamespace(name="flowers", class_names=("class 1", "class 2"), download_bytes=0)
    assert "have numbers and no names" in refuses(card, here, "pretrained")
    elsewhere = SimpleNamespace(name="flowers", class_names=("class 1", "class 2"), download_bytes=10)
    assert refuses(card, elsewhere, "pretrained") is None, "the names come with the files"


def test_the_head_is_the_source_heads_and_nothing_is_learned(pets):
    run = RunSpec(NET, pets, "zero_shot", 10, 0, 18, measures=())
    events, work = [], execute(run, cpu())
    while True:
        try:
            events.append(next(work))
        except StopIteration as ended:
            network = ended.value
            break
    began, _ = build_network(run, "pretrained", None)
    head = source_head(began, NET, "pretrained", None)
    names = backbones_classes(pets)
    rows = rows_of(CIFAR, names)
    assert np.allclose(network.head.weight.detach().numpy(), head.weight[rows])
    assert np.allclose(network.head.bias.detach().numpy(), head.bias[rows])
    for unit in range(network.n_units):
        for (_, one), (_, other) in zip(network.unit_tensors(unit), began.unit_tensors(unit), strict=True):
            assert torch.equal(one, other)
    assert all(parameter.grad is None for parameter in network.parameters())
    assert not any(isinstance(event, EpochEnded) for event in events)
    (proof,) = (event for event in events if isinstance(event, FreezeChecked))
    assert proof.changed == []
    assert "truck" in " ".join(event.text for event in events if isinstance(event, Notice))


def backbones_classes(data):
    from engine import datasets

    return datasets.describe(data).class_names


def test_a_class_without_a_name_is_refused_in_the_plan_and_can_be_left_out():
    spec = ExperimentSpec(strategies=("zero_shot", "linear_probe"), seeds=(0,), label_budgets=(50,))
    with pytest.raises(SpecError, match="Zero-shot cannot be used here: the head of resnet20_cifar10 does not name"):
        plan(spec)
    import dataclasses

    kept = dataclasses.replace(spec, leave_out_refused=True)
    assert [one.run.strategy for one in plan(kept)] == ["linear_probe"]
    (said,) = left_out_words(left_out(kept))
    assert "Zero-shot is left out on resnet20_cifar10" in said
    assert "every class of digits would have to be one of these" in said


def test_other_weights_and_towers_without_texts_say_what_is_missing(pets):
    spec = ExperimentSpec(datasets=(pets,), strategies=("zero_shot",), seeds=(0,), weights="random")
    with pytest.raises(SpecError, match="start from others"):
        plan(spec)

    class Tower:
        name, source_data = "timm:vit_base_patch16_clip_224.openai", "OpenAI's image-text pairs"
        weights = "hub:timm/vit_base_patch16_clip_224.openai"

    said = STRATEGIES["zero_shot"].refuses(Tower(), {})
    assert "text tower" in said
    assert "timm:vit_base_patch16_clip_quickgelu_224.openai" in said


@pytest.fixture
def served(pair, hub, tmp_path, monkeypatch):
    """The tiny pair on a stand-in of the hub, with an empty cache."""
    monkeypatch.setenv("HF_ENDPOINT", hub.address)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
    pair.serve(hub)
    return pair


@pytest.fixture(scope="module")
def things(tmp_path_factory, write_images):
    """Classes by names that no source head knows, one of them a number."""
    root = tmp_path_factory.mktemp("towers") / "things"
    for name, colour in (("001.black_cat", (20, 20, 20)), ("red thing", (200, 30, 30)), ("7", (30, 30, 200))):
        write_images(root / name, 12, colour, side=32)
    return f"folder:{root}"


def done(run, home, resume=None):
    """(events, network) of a run."""
    events, work = [], execute(run, cpu(), home=home, resume=resume)
    while True:
        try:
            events.append(next(work))
        except StopIteration as ended:
            return events, ended.value


def as_open_clip(pair, data, rows, settings=prompts.DEFAULT):
    """OpenCLIP's own logits of some images of a dataset, and their labels."""
    images = datasets.load(data, **backbones.card(pair.name, pair.home).sizing)
    card = backbones.card(pair.name, pair.home)
    pixels = torch.from_numpy(images.pixels[rows].copy()).permute(0, 3, 1, 2).float() / 255
    mean, std = (torch.tensor(values)[:, None, None] for values in (card.mean, card.std))
    names = [prompts.spoken(name) for name in images.info.class_names]
    templates = [lambda name, prompt=prompt: prompt.replace("{class}", name) for prompt in prompts.given(settings)]
    with torch.inference_mode():
        head = open_clip.build_zero_shot_classifier(
            pair.model, open_clip.SimpleTokenizer(context_length=24), names, templates
        )
        features = pair.model.encode_image((pixels - mean) / std, normalize=True)
        return (pair.model.logit_scale.exp() * features @ head).double(), torch.from_numpy(images.labels[rows])


def test_a_text_tower_answers_as_open_clip_does(served, things, hub):
    events, network = done(RunSpec(served.name, things, "zero_shot", 3, 0, 18, measures=()), served.home)
    tested = next(event for event in events if isinstance(event, kinds.Tested))
    split = datasets.make_split(datasets.load(things, **backbones.card(served.name, served.home).sizing), 0, 18)
    logits, labels = as_open_clip(served, things, split.test)
    assert tested.accuracy == pytest.approx(float((logits.argmax(1) == labels).double().mean()))
    checked, known = as_open_clip(served, things, split.validation)
    assert tested.validation_accuracy == pytest.approx(float((checked.argmax(1) == known).double().mean()))
    began, _ = build_network(RunSpec(served.name, things, "linear_probe", 3, 0), "pretrained", served.home)
    assert not any(isinstance(event, EpochEnded) for event in events)
    for unit in range(network.n_units):
        for (_, one), (_, other) in zip(network.unit_tensors(unit), began.unit_tensors(unit), strict=True):
            assert torch.equal(one, other)
    (proof,) = (event for event in events if isinstance(event, FreezeChecked))
    assert proof.changed == []
    started = next(event for event in events if isinstance(event, kinds.Started))
    (planned,) = plan(ExperimentSpec((served.name,), (things,), ("zero_shot",), seeds=(0,)), home=served.home)
    assert (started.total_parameters, started.trainable_parameters) == cost.parameters_of(planned)
    said = " ".join(event.text for event in events if isinstance(event, Notice))
    assert "answered by the text tower made/up@" in said
    assert "read 7 prompts" in said
    assert "number 7" in said or "black cat" in said
    # The network keeps a linear head: the same answers as the cosines, whatever an image's length.
    with torch.inference_mode():
        images = torch.randn(6, 3, 32, 32, generator=torch.Generator().manual_seed(5))
        ours, theirs = network.eval()(images).argmax(1), None
        features = served.model.encode_image(images, normalize=True).double()
        names = datasets.describe(things).class_names
        texts = [text for one in prompts.texts(names, prompts.DEFAULT) for text in one]
        rows = served.model.encode_text(open_clip.SimpleTokenizer(context_length=24)(texts), normalize=True).double()
        rows = rows.reshape(3, -1, rows.shape[1]).mean(1)
        theirs = (features @ (rows / rows.norm(dim=1, keepdim=True)).T).argmax(1)
    assert torch.equal(ours, theirs)


def test_the_loss_is_that_of_the_cosines(served, things):
    from engine import execute as joint
    from engine.control import Control
    from engine.depths import Caches

    run = RunSpec(served.name, things, "zero_shot", 3, 0, 18, measures=())
    ready, _, tuning = joint.prepare(run, cpu(), served.home, Control(), Caches())
    solved = tuning.solve(joint.heads.splits(ready))
    logits, labels = as_open_clip(served, things, ready.split.validation)
    assert solved.validation_loss == pytest.approx(float(torch.nn.functional.cross_entropy(logits, labels)), abs=1e-4)


def test_prompts_are_a_setting_and_change_the_answers_rows(served, things):
    asked = "a drawing of the {class} | {class}"
    one = RunSpec(served.name, things, "zero_shot", 3, 0, 18, measures=())
    other = RunSpec(served.name, things, "zero_shot", 3, 0, 18, measures=(), settings={"prompts": asked})
    assert one.run_id != other.run_id
    (_, usual), (events, changed) = done(one, served.home), done(other, served.home)
    assert not torch.allclose(usual.head.weight, changed.head.weight)
    assert "read 2 prompts" in " ".join(event.text for event in events if isinstance(event, Notice))
    logits, _ = as_open_clip(served, things, np.arange(6), asked)
    assert logits.shape == (6, 3)
    spec = ExperimentSpec((served.name,), (things,), ("zero_shot",), settings={"zero_shot": {"prompts": "a photo"}})
    with pytest.raises(SpecError, match=r"the prompt 'a photo' names \{class\} 0 times"):
        plan(spec, home=served.home)
    spec = ExperimentSpec((NET,), strategies=("zero_shot",), settings={"zero_shot": {"prompts": asked}})
    with pytest.raises(SpecError, match="prompts are for image-text backbones"):
        plan(spec)


def test_a_file_with_both_towers_needs_no_hub(served, things, hub, tmp_path):
    path = tmp_path / "both.safetensors"
    path.write_bytes(served.whole)
    run = RunSpec(served.name, things, "zero_shot", 3, 0, 18, f"file:{path}", measures=())
    _, from_file = done(run, served.home)
    assert hub.requests == []
    _, from_hub = done(RunSpec(served.name, things, "zero_shot", 3, 0, 18, measures=()), served.home)
    assert torch.allclose(from_file.head.weight, from_hub.head.weight)
    path.write_bytes(served.image)
    spec = ExperimentSpec((served.name,), (things,), ("zero_shot",), weights=f"file:{path}")
    with pytest.raises(SpecError, match="holds no text tower"):
        plan(spec, home=served.home)


def test_a_plan_prices_the_text_tower(served, things):
    spec = ExperimentSpec((served.name,), (things,), ("zero_shot", "linear_probe"), seeds=(0, 1), label_budgets=(18,))
    runs = plan(spec, home=served.home)
    zero = [one for one in runs if one.run.strategy == "zero_shot"]
    probe = [one for one in runs if one.run.strategy == "linear_probe"]
    assert len(zero) == len(probe) == 2
    both, alone = cost.estimate(zero), cost.estimate(probe)
    assert both.total_parameters == alone.total_parameters + 1_000
    assert both.trainable_parameters == alone.trainable_parameters
    assert both.flops == alone.flops + 2 * 2_000 * len(prompts.PROMPTS) * 3
    assert both.memory_bytes == alone.memory_bytes + 4 * 1_000 + 5_000_000
    assert (both.towers_bytes, alone.towers_bytes) == (5_000_000, 0)
    (words,) = [one.words for one in cost.beside(runs)]
    assert "Text tower: made/up, about 5.0 MB to download" in words
    done(zero[0].run, served.home)
    assert cost.estimate(zero).towers_bytes == 0


def test_a_run_that_cannot_have_the_text_tower_ends_before_anything_is_measured(served, things, hub):
    del hub.files["/made/up/resolve/main/open_clip_model.safetensors"]
    work = execute(RunSpec(served.name, things, "zero_shot", 3, 0, 18), cpu(), home=served.home)
    with pytest.raises(WeightsError, match=r"The text tower of .* is not on this machine.*--text"):
        next(work)


def test_offline_is_said_in_the_plan(served, things, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    spec = ExperimentSpec((served.name,), (things,), ("zero_shot",))
    with pytest.raises(
        SpecError, match=r"HF_HUB_OFFLINE is set and the text tower of timm:tiny_clip_32.made_up is not on this"
    ):
        plan(spec, home=served.home)


def test_classes_that_read_the_same_are_refused(served, tmp_path, write_images):
    for name in ("big_cat", "Big cat", "dog"):
        write_images(tmp_path / "same" / name, 12)
    spec = ExperimentSpec((served.name,), (f"folder:{tmp_path / 'same'}",), ("zero_shot",))
    with pytest.raises(SpecError, match="read the same, so no text tells them apart"):
        plan(spec, home=served.home)
