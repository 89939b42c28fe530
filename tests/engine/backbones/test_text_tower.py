"""Text towers: what OpenCLIP itself computes, from our own reading of its file; what is not the backbone's twin is refused."""

from __future__ import annotations

import json

import numpy as np
import open_clip
import pytest
import safetensors.torch
import torch

from engine import backbones, prompts, text_towers
from engine.backbones import _hub, _text_tower, _timm
from engine.backbones._weights import load_file
from engine.control import Cancelled
from engine.errors import StrategyError, WeightsError
from engine.tasks import TASKS, TaskContext
from engine.text_towers import WEIGHTS

NAMES = ("Truck", "black_cat", "7")


@pytest.fixture
def whole(pair, tmp_path):
    """OpenCLIP's file on this machine, changed by `change(tensors)` before it is written."""

    def write(change=lambda tensors: None):
        tensors = safetensors.torch.load(pair.whole)
        change(tensors)
        path = tmp_path / "both.safetensors"
        safetensors.torch.save_file(tensors, path)
        return path

    return write


@pytest.fixture
def network(pair, whole):
    network = _timm.build(pair.name).eval()
    load_file(network, pair.name, whole())
    return network


@pytest.fixture
def cache(hub, tmp_path, monkeypatch):
    """An empty cache of the hub, and the stand-in as the hub."""
    monkeypatch.setenv("HF_ENDPOINT", hub.address)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def load(pair, network, path):
    return _text_tower.load(network, backbones.card(pair.name, pair.home), pair.tower, f"file:{path}")


def test_logits_are_those_of_open_clip(pair, network, whole):
    loaded = load(pair, network, whole())
    texts = prompts.texts(NAMES, prompts.DEFAULT)
    rows = _text_tower.embed(loaded, texts, torch.device("cpu"), lambda: None)
    images = torch.randn(5, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        features = network.embed(images).double().numpy() @ loaded.projection[0].T + loaded.projection[1]
        ours = loaded.scale * features / np.linalg.norm(features, axis=1, keepdims=True) @ rows.T
        tokens = open_clip.SimpleTokenizer(context_length=24)
        templates = [lambda name, prompt=prompt: prompt.replace("{class}", name) for prompt in prompts.PROMPTS]
        names = ["Truck", "black cat", "number 7"]
        head = open_clip.build_zero_shot_classifier(pair.model, tokens, names, templates)
        theirs = pair.model.logit_scale.exp() * pair.model.encode_image(images, normalize=True) @ head
    assert np.allclose(ours, theirs.numpy(), atol=1e-4 * np.ptp(theirs.numpy()))
    assert np.ptp(theirs.numpy()) > 0.1
    assert np.allclose(np.linalg.norm(rows, axis=1), 1)


def test_both_of_open_clips_ways_to_name_tensors_are_read(pair, network, whole):
    def custom(tensors):
        for name in [name for name in tensors if not name.startswith(("visual.", "logit_"))]:
            tensors[f"text.{name}"] = tensors.pop(name)

    texts = [["a cat"], ["a dog"]]
    one, other = (
        _text_tower.embed(load(pair, network, path), texts, torch.device("cpu"), lambda: None)
        for path in (whole(), whole(custom))
    )
    assert np.array_equal(one, other)


def test_the_text_tower_learns_nothing_and_is_asked_in_batches(pair, network, whole):
    loaded = load(pair, network, whole())
    many = [[f"thing {n}"] for n in range(2 * _text_tower.TEXTS_AT_ONCE + 1)]
    steps = []
    rows = _text_tower.embed(loaded, many, torch.device("cpu"), lambda: steps.append(0))
    assert len(steps) == 3
    assert rows.shape == (len(many), 24)
    assert not loaded.text.training
    with pytest.raises(Cancelled):
        _text_tower.embed(loaded, many, torch.device("cpu"), lambda: (_ for _ in ()).throw(Cancelled()))


def test_an_image_tower_with_other_weights_is_refused(pair, network, whole):
    def other(tensors):
        tensors["visual.ln_post.weight"] += 0.5

    with pytest.raises(
        WeightsError, match=r"learned elsewhere than timm:tiny_clip.*1 of 31 tensors.*model\.norm\.weight"
    ):
        load(pair, network, whole(other))

    def gone(tensors):
        del tensors["visual.ln_post.weight"]

    with pytest.raises(WeightsError, match=r"is not timm:tiny_clip.*1 of 31 tensors are missing"):
        load(pair, network, whole(gone))


def test_weights_that_were_rounded_to_half_precision_are_the_same(pair, network, whole):
    def halved(tensors):
        for name in tensors:
            if name.startswith("visual."):
                tensors[name] = tensors[name].half()

    assert load(pair, network, whole(halved)).scale == pytest.approx(
        float(pair.model.logit_scale.detach().exp()), rel=1e-6
    )


def test_what_does_not_fit_is_named(pair, network, whole):
    def shorter(tensors):
        tensors["positional_embedding"] = tensors["positional_embedding"][:5].contiguous()
        del tensors["ln_final.bias"]

    with pytest.raises(
        WeightsError, match=r"1 missing: ln_final\.bias; 1 of another shape: positional_embedding \(5, 16\) inst"
    ):
        load(pair, network, whole(shorter))

    def no_number(tensors):
        tensors["text_projection"][0, 0] = float("nan")

    with pytest.raises(WeightsError, match="not finite in: text_projection"):
        load(pair, network, whole(no_number))
    with pytest.raises(WeightsError, match="logit_scale is missing"):
        load(pair, network, whole(lambda tensors: tensors.pop("logit_scale")))
    path = whole()
    path.write_bytes(b"\x80\x04pickle")
    with pytest.raises(WeightsError, match="not a safetensors file"):
        load(pair, network, path)


def test_it_is_downloaded_checked_and_used_again_without_asking(pair, network, hub, cache):
    pair.serve(hub)
    card, told = backbones.card(pair.name, pair.home), []
    origin = _text_tower.fetch(card, pair.tower, lambda *step: told.append(step))
    assert origin.startswith(f"made/up@{hub.commit} sha256:")
    assert told[-1] == (len(pair.whole), len(pair.whole))
    assert pair.tower.on_disk
    hub.requests.clear()
    assert _text_tower.fetch(card, pair.tower) == origin
    assert _text_tower.load(network, card, pair.tower, "pretrained").origin == origin
    assert hub.requests == []
    (blob,) = (cache / "models--made--up" / "blobs").iterdir()
    blob.write_bytes(pair.whole[:-1] + bytes([pair.whole[-1] ^ 1]))
    with pytest.raises(WeightsError, match="altered or damaged"):
        _text_tower.fetch(card, pair.tower)


def test_a_cut_is_resumed_and_one_too_many_leaves_nothing(pair, hub, cache):
    pair.serve(hub)
    card = backbones.card(pair.name, pair.home)
    hub.cuts = 10_000
    with pytest.raises(
        WeightsError, match=r"about 5\.0 MB.*python -m engine weights timm:tiny_clip_32.made_up --text .*Nothing of"
    ):
        _text_tower.fetch(card, pair.tower)
    assert not pair.tower.on_disk
    hub.cuts = 2
    assert "sha256" in _text_tower.fetch(card, pair.tower)


def test_without_it_the_answer_says_its_size_and_what_fetches_it(pair, hub, cache):
    card = backbones.card(pair.name, pair.home)
    pair.serve(hub, text=False)
    hub.files["/made/up/resolve/main/open_clip_pytorch_model.bin"] = b"a pickle"
    with pytest.raises(
        WeightsError,
        match=rf"The text tower of .* is not on this machine \(made/up, about 5\.0 MB\).*made/up/{WEIGHTS}",
    ):
        _text_tower.fetch(card, pair.tower)
    assert not [request for request in hub.requests if ".bin" in request]


def test_a_task_brings_both_files(pair, hub, cache):
    pair.serve(hub)
    kind, told = TASKS["weights"], []
    payload = kind.prepare({"backbone": pair.name, "text": True}, None)
    assert kind.title(payload) == f"Download weights and text tower of {pair.name}"
    context = TaskContext(payload, home=pair.home, say=lambda done, phase: told.append((done, phase)))
    result = kind.run(context)
    assert result["weights"].startswith("timm/tiny_clip_32.made_up@")
    assert result["text"].startswith("made/up@")
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert told[-1][0] == 1.0
    assert told[-1][1].startswith("downloading the text tower, ")
    assert _hub.fetch("made/up", filename=WEIGHTS).path.read_bytes() == pair.whole


@pytest.mark.parametrize(
    "name", ["resnet50_clip.openai", "convnext_base.clip_laion2b", "fastvit_mci0.apple_mclip2_dfndr2b"]
)
def test_the_table_is_what_its_maker_counts(name):
    from engine.backbones._text_tower_table import known, row

    (found,) = (one for one in known() if one[0] == name)
    assert text_towers.TextTower(**row(*found)) == text_towers.towers()[name]


def test_a_text_that_would_be_cut_is_refused_by_name(pair, network, whole):
    loaded = load(pair, network, whole())
    fits = "cat " * 22  # and two tokens that begin and end it
    assert loaded.tokenize([fits.strip()]).shape == (1, 24)
    with pytest.raises(StrategyError, match=r"'cat cat .*' is longer than the 24 tokens that the text tower reads"):
        loaded.tokenize(["a", (fits + "cat").strip()])


def test_siglips_texts_go_through_a_tokenizer_of_the_hub(hub, cache):
    """With a small tokenizer of our own in the files of the hub; the library is an extra (`pip install transformers`)."""
    pytest.importorskip("transformers")
    from tokenizers import Tokenizer, models, pre_tokenizers, processors, trainers

    tower = text_towers.towers()["vit_base_patch16_siglip_224.webli"]
    made = Tokenizer(models.Unigram())
    made.pre_tokenizer = pre_tokenizers.Metaspace()
    special = {"pad_token": "</s>", "eos_token": "</s>", "unk_token": "<unk>"}
    trainer = trainers.UnigramTrainer(vocab_size=60, special_tokens=["</s>", "<unk>"], unk_token="<unk>")
    made.train_from_iterator(["a photo of a black cat or a red truck"] * 20, trainer)
    made.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 0)])
    files = {
        "tokenizer.json": made.to_str(),
        "tokenizer_config.json": json.dumps(special | {"tokenizer_class": "PreTrainedTokenizerFast"}),
        "special_tokens_map.json": json.dumps(special),
    }
    for name, text in files.items():
        hub.files[f"/{tower.tokenizer}/resolve/main/{name}"] = text.encode()
    tokenize = _text_tower.tokenizer(open_clip.get_model_config(tower.model)["text_cfg"], tower)
    plain = tokenize(["a photo of a cat"])
    assert plain.shape == (1, 64)
    expected = made.encode("a photo of a cat").ids
    assert plain[0].tolist() == expected + [0] * (64 - len(expected))
    assert torch.equal(tokenize(["A photo, of a CAT."]), plain), "SigLIP reads neither case nor signs"
    with pytest.raises(StrategyError, match="longer than the 64 tokens"):
        tokenize(["a black cat " * 60])
