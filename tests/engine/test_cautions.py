"""What can run and should not is said, with its consequence; what is usual is not remarked on."""

from __future__ import annotations

import pytest

from engine import backbones
from engine.cautions import cautions
from engine.plan import plan
from engine.spec import ExperimentSpec, TrainSpec


def said(backbone, colours, *strategies, settings=None, **train) -> str:
    spec = ExperimentSpec(
        (backbone,), (f"folder:{colours}",), strategies, (2,), (0,), train=TrainSpec(**train), settings=settings,
        controls=False,
    )  # fmt: skip
    return " ".join(cautions(plan(spec)))


def test_the_usual_is_not_remarked_on(tiny, colours):
    assert said(tiny, colours, "full_fine_tuning", "lora", "partial_fine_tuning", "linear_probe") == ""


def test_a_rate_that_hardly_ever_works(tiny, colours):
    assert "A learning rate of 50 is 50 times" in said(tiny, colours, "full_fine_tuning", learning_rate=50.0)
    assert "diverged" in said(tiny, colours, "full_fine_tuning", learning_rate=0.5, optimizer="adamw")
    assert said(tiny, colours, "linear_probe", learning_rate=50.0) == ""


def test_a_rate_for_other_strategies(tiny, colours):
    assert said(tiny, colours, "full_fine_tuning", learning_rate=0.04) == ""
    assert "A learning rate of 0.04 is 13 times what LoRA usually takes with adamw on tiny" in said(
        tiny, colours, "full_fine_tuning", "lora", learning_rate=0.04
    )


def test_a_strategy_s_own_usual_rate_is_not_remarked_on(tiny_vit, colours):
    assert said(tiny_vit, colours, "vpt_deep") == ""
    assert said(tiny_vit, colours, "vpt_deep", learning_rate=0.1) == ""
    assert "10 times what adamw" in said(tiny_vit, colours, "vpt_deep", learning_rate=1.0)


def test_one_image_and_batch_normalisation(tiny, tiny_vit, colours):
    assert "normalised by itself" in said(tiny, colours, "full_fine_tuning", batch_size=1)
    assert "normalised by itself" in said(tiny, colours, "norm_only", batch_size=1)
    assert said(tiny, colours, "lora", batch_size=1) == ""  # its normalisation is frozen
    assert said(tiny_vit, colours, "full_fine_tuning", batch_size=1) == ""  # each token by itself anyway


def test_shrinking_every_direction(tiny, colours):
    assert "pulled to zero" in said(tiny, colours, "bss", settings={"bss": {"directions": 8}}, batch_size=8)


def test_the_shipped_backbone_takes_every_strategy_s_defaults_without_a_caution():
    from engine.strategies import STRATEGIES, settled

    card = backbones.card("resnet20_cifar10")
    elsewhere = (
        "selffer",
        "selffer_plus",
        "zero_shot",
    )  # with halves of the classes; where the source names the classes
    usable = [one for one in STRATEGIES if not one.mistake_of and not one.refuses(card, settled(one, {}))]
    names = [one.name for one in usable if one.name not in elsewhere]
    assert len(names) > 20
    assert cautions(plan(ExperimentSpec(strategies=names, frozen_depths=(4,), seeds=(0,)))) == []


@pytest.mark.parametrize("field", ["epochs", "batch_size"])
def test_nothing_to_train_on_is_refused(field):
    with pytest.raises(Exception, match=f"{field} is 0; it must be from 1"):
        TrainSpec(**{field: 0})


def test_mixes_of_several_seeds_have_seen_more_labels():
    spec = ExperimentSpec(
        strategies=("lora", "adapter_merging", "full_fine_tuning", "mixup", "soup"), seeds=(0, 1), label_budgets=(50,),
        settings={"adapter_merging": {"runs": "seeds:lora"}, "soup": {"runs": "full_fine_tuning, mixup"}},
    )  # fmt: skip
    said = [one for one in cautions(plan(spec)) if "seeds" in one]
    assert said == [
        "Merged adapters: each is made of the runs of 2 seeds, and every seed has labels of its own. They have seen more labels"
        " than the runs that they are compared with."
    ]
