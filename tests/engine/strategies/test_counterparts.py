"""Strategies at zero strength are their plain counterpart, bit for bit; cells that are equal are planned once."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from engine import backbones
from engine.backbones._weights import tensors_sha256
from engine.cells import refusal
from engine.errors import SpecError
from engine.events import EpochEnded
from engine.plan import plan
from engine.spec import ExperimentSpec, RunSpec
from engine.strategies import STRATEGIES
from tests.engine.strategies.conftest import TRAIN

ZERO = [
    ("l2_sp", {"strength": 0.0}),
    ("bss", {"strength": 0.0}),
    ("delta", {"strength": 0.0}),
    ("ewc", {"strength": 0.0}),
    ("feature_distillation", {"strength": 0.0}),
    ("stochastic_norm", {"share": 0.0}),
    ("mixup", {"alpha": 0.0}),
    ("cutmix", {"alpha": 0.0}),
    ("label_smoothing", {"smoothing": 0.0}),
    ("head_dropout", {"share": 0.0}),
    ("early_stopping", {"patience": 1000}),
    ("discriminative_rates", {"factor": 1.0}),
    ("layer_decay", {"decay": 1.0}),
    ("gradual_unfreezing", {"share": 0.0, "factor": 1.0}),
    ("one_cycle", {}),
]
EMPTY = [
    ("lora", {"rank": 0}),
    ("adapters", {"width": 0}),
    ("vpt_shallow", {"tokens": 0}),
    ("vpt_deep", {"tokens": 0}),
    ("prefix_tuning", {"tokens": 0}),
]


def bits(done) -> str:
    return tensors_sha256(done.network.state_dict())


@pytest.mark.parametrize(("name", "settings"), ZERO, ids=[name for name, _ in ZERO])
def test_zero_strength_is_full_fine_tuning(name, settings, run_of, computed):
    plain, zero = computed(run_of("full_fine_tuning")), computed(run_of(name, settings=settings))
    assert bits(zero) == bits(plain)
    losses = [[one.body() for one in done.events if isinstance(one, EpochEnded)] for done in (plain, zero)]
    assert losses[0] == losses[1]


@pytest.mark.parametrize(("name", "settings"), EMPTY, ids=[name for name, _ in EMPTY])
def test_nothing_put_in_is_a_trained_head_on_a_frozen_backbone(name, settings, run_of, computed, tiny_vit):
    # At the same rate: left alone, what is put in gets a higher one than the rest of a network.
    given = {"train": dataclasses.replace(TRAIN, optimizer="sgd", learning_rate=0.02)}
    plain = computed(run_of("partial_fine_tuning", tiny_vit, depth=4, **given))
    assert bits(computed(run_of(name, tiny_vit, settings=settings, **given))) == bits(plain)


def test_depth_zero_of_partial_is_full_fine_tuning(run_of, computed):
    assert bits(computed(run_of("partial_fine_tuning", depth=0))) == bits(computed(run_of("full_fine_tuning")))


@pytest.mark.parametrize("name", ["lora", "dora", "ia3", "adapters", "ssf"])
def test_what_is_put_in_changes_nothing_at_first(name, run_of, computed, tiny_vit):
    for backbone in ("tiny", tiny_vit):
        plain, done = computed(run_of("partial_fine_tuning", backbone, depth=4)), computed(run_of(name, backbone))
        before = [next(one for one in each.events if isinstance(one, EpochEnded)) for each in (plain, done)]
        assert before[1].validation_loss == pytest.approx(before[0].validation_loss, abs=1e-6)


def test_the_linear_probe_and_lora_leave_the_same_backbone(run_of, computed):
    one, other = (computed(run_of(name)).network.backbone_state() for name in ("linear_probe", "lora"))
    assert all(torch.equal(one[key], other[key]) for key in one)


def spec_of(tiny, colours, *names, **changes) -> ExperimentSpec:
    plain = {"frozen_depths": (2,), "seeds": (0,), "measures": ()}
    return ExperimentSpec((tiny,), (f"folder:{colours}",), names, **{**plain, "controls": False, **changes})


def test_equal_cells_are_planned_once(tiny, colours):
    def names(*given, **changes):
        return [(one.run.strategy, one.run.frozen_depth) for one in plan(spec_of(tiny, colours, *given, **changes))]

    assert names("top_n", "partial_fine_tuning") == [("partial_fine_tuning", 2)]
    assert names("top_n", settings={"top_n": {"units": 9}}) == [("full_fine_tuning", 0)]
    assert names("top_n", settings={"top_n": {"units": 9}}, weights="random") == [("from_scratch", 0)]
    assert names("top_n", "linear_probe", settings={"top_n": {"units": 0}}) == [("linear_probe", 4)]
    assert names("surgical", settings={"surgical": {"block": 4}}) == [("partial_fine_tuning", 3)]
    assert names("surgical") == [("surgical", 1)]
    assert names("full_fine_tuning", "one_cycle") == [("full_fine_tuning", 0)]
    assert names("full_fine_tuning", "warmup_cosine") == [("full_fine_tuning", 0), ("warmup_cosine", 0)]
    assert names("l2_sp", settings={"l2_sp": {"strength": 0.0}}) == [("full_fine_tuning", 0)]


def test_settings_are_part_of_a_run_s_identity_and_defaults_are_not(tiny, colours):
    def runs(*names, **settings) -> list[RunSpec]:
        return [one.run for one in plan(spec_of(tiny, colours, *names, settings=settings))]

    (plain,), (same,), (other,) = runs("lora"), runs("lora", lora={"rank": 8}), runs("lora", lora={"rank": 4})
    assert plain == same
    assert plain.run_id != other.run_id
    assert other.settings == {"rank": 4}
    assert RunSpec.from_json(other.to_json()) == other
    assert "settings" not in plain.to_dict()
    # Those of one strategy do not make runs of another anew.
    both = runs("lora", "full_fine_tuning", lora={"rank": 4})
    assert runs("full_fine_tuning")[0] in both


def test_settings_survive_toml(tiny, colours):
    spec = spec_of(tiny, colours, "lora", settings={"lora": {"rank": 4, "where": "all"}})
    assert ExperimentSpec.from_toml(spec.to_toml()) == spec
    assert spec.experiment_id != dataclasses.replace(spec, settings=None).experiment_id
    assert (
        spec_of(tiny, colours, "lora", settings={"lora": {}}).experiment_id
        == spec_of(tiny, colours, "lora").experiment_id
    )


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"lora": {"rnak": 4}}, "settings.lora has no key 'rnak'. Did you mean 'rank'"),
        ({"lora": {"rank": 2.5}}, "settings.lora.rank is 2.5; it must be a whole number from 0 to 4096"),
        ({"lora": {"rank": True}}, "settings.lora.rank is True"),
        ({"lora": {"alpha": 1e9}}, "settings.lora.alpha is 1e.09; it must be a number from 0 to 10000"),
        ({"lora": {"where": "atention"}}, "Did you mean 'attention'"),
        ({"lora": {"rank": 500}}, "rank is 500, and no layer of tiny is wider than 16"),
        ({"lora": {"where": "attention"}}, "tiny has no attention"),
        ({"lora": [8]}, "settings.lora is .8.; it must be a table"),
        ({"l2_sp": {"strength": 1.0}}, "'l2_sp', which is not among the strategies"),
        ({"lroa": {"rank": 4}}, "Did you mean 'lora'"),
        ({"full_fine_tuning": {"rank": 4}}, "'full_fine_tuning' has no settings, and was given rank"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings, said, tiny, colours):
    with pytest.raises(Exception, match=said) as refused:
        plan(spec_of(tiny, colours, "lora", "full_fine_tuning", settings=settings))
    assert type(refused.value).__name__ in ("SpecError", "UnknownNameError")


@pytest.mark.parametrize(
    ("name", "settings", "said"),
    [
        (
            "vpt_shallow",
            {},
            "it needs a plain vision transformer, whose units pass tokens of one width on, and tiny is none",
        ),
        ("vpt_deep", {}, "vision transformer"),
        ("prefix_tuning", {}, "vision transformer"),
        ("ewc", {}, "images of the source task, which are not kept with a backbone; name a dataset"),
        ("qlora", {}, "bitsandbytes|CUDA|linear layer"),
        ("surgical", {"block": 9}, "block is 9, and tiny has 4 units"),
        ("adapters", {"width": 99}, "width is 99, and no unit of tiny has more than 16 channels"),
    ],
)
def test_what_cannot_apply_says_why(name, settings, said, tiny, colours):
    spec = spec_of(tiny, colours, name, settings={name: settings})
    with pytest.raises(SpecError, match=f"{STRATEGIES[name].label} cannot be used here: .*({said})"):
        plan(spec)
    assert refusal(name, backbones.card(tiny), spec)
