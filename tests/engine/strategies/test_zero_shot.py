"""Zero-shot: the source head's own rows, nothing learned, and refusals that say which class has no name there."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from engine import backbones
from engine.backbones._source_head import source_head
from engine.device import cpu
from engine.errors import SpecError
from engine.events import EpochEnded, FreezeChecked, Notice
from engine.execute import build_network, execute
from engine.plan import left_out, left_out_words, plan
from engine.source_classes import missing, rows_of, source_classes
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

    said = STRATEGIES["zero_shot"].refuses(Tower(), {})
    assert "text tower" in said
    assert "open_clip_torch" in said
