from __future__ import annotations

import json
import subprocess
import sys

import pytest
import torchvision.models
from hypothesis import given, settings
from hypothesis import strategies as st
from timm.models import get_pretrained_cfg, is_model, list_models, list_pretrained

from engine import backbones, cli, service, text_towers
from engine.backbones import _catalogue, _timm, _timm_sizes
from engine.backbones._catalogue import HUB, NONE, SHIPPED, Entry, catalogue, find, search
from engine.backbones._describe import describe
from engine.backbones._torchvision_names import ALIASES, of_timm
from engine.errors import UnknownNameError
from engine.spec import ExperimentSpec


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def entries(home) -> tuple[Entry, ...]:
    return catalogue(home)


def test_text_towers_are_told_and_found(entries):
    named = {entry.name.removeprefix("timm:") for entry in entries if entry.text_tower}
    assert named == set(text_towers.towers())
    found = search("zero-shot laion", entries)
    assert found
    assert all(entry.text_tower for entry in found)
    assert {entry.name for entry in search("text tower", entries)} == {f"timm:{name}" for name in named}


def test_every_model_and_all_weights_of_timm_are_in_it(entries):
    names = {entry.name.removeprefix("timm:") for entry in entries if entry.name.startswith("timm:")}
    assert set(list_pretrained()) <= names
    assert {name.partition(".")[0] for name in names} == set(list_models())
    assert len(names) == sum(entry.name.startswith("timm:") for entry in entries)


def test_the_shipped_ones_come_first_and_are_on_disk(entries):
    assert entries[0].weights == SHIPPED
    assert all(entry.on_disk for entry in entries if entry.weights == SHIPPED)


def test_it_says_of_weights_what_their_configuration_says(home, entries):
    entry = find("timm:vit_tiny_patch16_224.augreg_in21k_ft_in1k", home)
    assert entry == next(one for one in entries if one.name == entry.name)
    assert (entry.family, entry.input_size) == ("vision_transformer", (3, 224, 224))
    assert (entry.source_data, entry.licence) == ("ImageNet-21k, then ImageNet-1k", "apache-2.0")
    assert (entry.weights, entry.repository) == (HUB, f"timm/{entry.label}")
    # What timm's own table of results says: 5.72 million with a classifier of 1,000 classes and 192 features.
    assert (entry.parameters + 193_000) / 1e6 == pytest.approx(5.72, abs=0.005)
    assert entry.download_bytes == 4 * (entry.parameters + 193_000)


def test_what_is_not_known_is_none_and_not_made_up(home, entries):
    assert all(entry.download_bytes is None and not entry.on_disk for entry in entries if entry.weights == NONE)
    assert all(entry.licence != "unknown" for entry in entries)
    assert find("timm:vit_base_patch16_224.mae", home).source_data == ""


@pytest.mark.parametrize("name", ["resnet10t", "test_convnext", "vgg11", "vit_tiny_patch16_224", "inception_v3"])
def test_the_shipped_sizes_are_those_of_the_models(name):
    assert _timm_sizes.sizes()[name] == _timm_sizes.count(name)


def test_the_card_tells_the_size_of_the_download_as_the_catalogue_does(home):
    assert describe("timm:test_vit").weights_bytes == find("timm:test_vit.r160_in1k", home).download_bytes


def test_a_name_without_a_tag_is_that_of_the_weights_timm_prefers(home, entries):
    for name in ("resnet50", "convnext_tiny", "vit_base_patch16_224", "test_vit"):
        assert find(f"timm:{name}", home).name == f"timm:{name}.{get_pretrained_cfg(name).tag}"
    assert find("timm:no_such_model", home) is None


def test_the_second_time_it_is_read_from_the_home_and_damage_to_timm_is_no_matter(home, entries, monkeypatch):
    monkeypatch.setattr(_catalogue, "_asked_elsewhere", lambda: pytest.fail("asked again"))
    assert catalogue(home) == entries


def test_looking_into_it_loads_no_torch(home, entries):
    code = (
        "import sys; from pathlib import Path; from engine.backbones import _catalogue as c;"
        f"c.search('resnet', c.catalogue(Path({str(home)!r}))); print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("resnet50", "timm:resnet50.a1_in1k"),
        ("timm:resnet50.tv_in1k", "timm:resnet50.tv_in1k"),
        ("ResNet 50 tv", "timm:resnet50.tv"),
        ("torchvision:resnet50", "timm:resnet50.tv_in1k"),
        ("dinov3 small webli", None),
        ("siglip 224 base webli", "timm:vit_base_patch16_siglip_224"),
        ("resnt50", "timm:resnet50"),
        ("ImageNet-22k convnext tiny", "timm:convnext_tiny.fb_in22k"),
        ("dinov3-license small", "timm:"),
    ],
)
def test_search(entries, query, first):
    found = search(query, entries)
    assert found == [] if first is None else found[0].name.startswith(first)


def test_without_a_query_everything_is_given_with_what_is_here_and_what_many_use_first(entries):
    found = search("", entries)
    shipped = sum(entry.weights == SHIPPED for entry in entries)
    assert sorted(entry.name for entry in found) == sorted(entry.name for entry in entries)
    assert all(entry.weights == SHIPPED for entry in found[:shipped])
    popular = {name.partition(":")[2] for name in backbones.family_of("timm:resnet18").names()}
    assert {entry.architecture for entry in found[shipped : shipped + len(popular)]} == popular


@settings(deadline=None, max_examples=40)
@given(words=st.lists(st.text(min_size=1, max_size=6), max_size=3), limit=st.integers(1, 50))
def test_whatever_is_typed_gives_a_part_of_the_catalogue(entries, words, limit):
    found = search(" ".join(words), entries, limit)
    assert len(found) <= limit
    assert len({entry.name for entry in found}) == len(found)
    assert set(found) <= set(entries)


def test_the_command_line_lists_and_says_where_nothing_is_found(home, capsys):
    assert cli.main(["backbones", "mobilenetv4", "small", "--home", str(home), "--limit", "2"]) == 0
    listed = capsys.readouterr().out
    assert "timm:mobilenetv4_conv_small" in listed
    assert "ImageNet-1k · apache-2.0" in listed
    assert cli.main(["backbones", "torchvision:vgg16", "--json", "--home", str(home)]) == 0
    row = json.loads(capsys.readouterr().out.splitlines()[0])
    assert (row["name"], row["on_disk"]) == ("timm:vgg16.tv_in1k", False)
    assert cli.main(["backbones", "qqqqqqqq", "--home", str(home)]) == 1
    assert "Nothing is named like this" in capsys.readouterr().out


@pytest.mark.parametrize("alias", ALIASES)
def test_torchvisions_names_are_of_architectures_with_as_many_parameters(alias):
    name, _, weights = alias.partition(".")
    architecture, _, tag = ALIASES[alias].partition(".")
    size, meta = _timm_sizes.sizes()[architecture], next(iter(torchvision.models.get_model_weights(name))).meta
    auxiliary = {"inception_v3": 3_326_696}.get(
        name, 0
    )  # a second classifier for training, which timm builds on request
    assert is_model(architecture)
    assert not tag or ALIASES[alias] in list_pretrained(f"{architecture}.*")
    assert size.parameters + (size.n_features + 1) * 1000 == meta["num_params"] - auxiliary
    assert not weights or weights in [one.name for one in torchvision.models.get_model_weights(name)]


def test_a_name_of_torchvision_is_used_and_recorded_as_timms():
    assert backbones.canonical("torchvision:resnet18") == "timm:resnet18.tv_in1k"
    assert backbones.canonical("timm:resnet18") == "timm:resnet18"
    assert _timm.check("torchvision:mobilenet_v2") == "mobilenetv2_100"
    spec = ExperimentSpec(backbones=["torchvision:resnet18", "timm:resnet18.tv_in1k"])
    assert service.located(spec).backbones == ("timm:resnet18.tv_in1k",)


def test_torchvisions_other_names_are_answered_with_near_matches():
    with pytest.raises(UnknownNameError, match=r"Did you mean .*'torchvision:swin_t'"):
        of_timm("torchvision:swin_v2_t")
    with pytest.raises(UnknownNameError, match="torchvision model that timm has too"):
        backbones.canonical("torchvision:alexnet")


def test_a_download_on_the_command_line_says_size_and_licence_first(home, capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "empty"))
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")  # nothing listens there
    assert cli.main(["weights", "timm:test_vit", "--home", str(home)]) == 2
    told = capsys.readouterr()
    assert "timm/test_vit.r160_in1k, about 1.5 MB to download; ImageNet-1k; licence: apache-2.0" in told.out
    assert "cannot be had" in told.err
    assert "none from the hub, only those that are shipped" in told.err
