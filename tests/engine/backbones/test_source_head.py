"""The source task's classifier: read where there is one, otherwise the reason."""

from __future__ import annotations

import numpy as np
import pytest
import safetensors.torch
import timm
import torch

from engine.backbones import family_of
from engine.backbones._source_head import source_head
from engine.errors import BackboneError, WeightsError

SHIPPED = "resnet20_cifar10"


def test_the_shipped_backbone_comes_with_its_classifier():
    network = family_of(SHIPPED).build(SHIPPED)
    head = source_head(network, SHIPPED, "pretrained", None)
    assert head.weight.shape == (10, network.n_features)
    theta = head.probabilities(np.random.default_rng(0).random((5, network.n_features)))
    assert np.allclose(theta.sum(1), 1)
    assert theta.min() >= 0


def test_a_timm_files_classifier_gives_timms_own_predictions(tmp_path):
    model = timm.create_model("resnet10t", num_classes=7).eval()
    path = tmp_path / "weights.safetensors"
    safetensors.torch.save_file(model.state_dict(), path)
    name = "timm:resnet10t"
    network = family_of(name).build(name).eval()
    network.load_state_dict({f"model.{key}": value for key, value in model.state_dict().items()}, strict=False)
    images = torch.randn(2, 3, 64, 64)
    with torch.inference_mode():
        features, expected = network.embed(images), model(images).softmax(1)
    theta = source_head(network, name, f"file:{path}", None).probabilities(features.double().numpy())
    assert np.allclose(theta, expected.numpy(), atol=1e-5)


def test_the_reason_is_given_where_there_is_none(tmp_path):
    network = family_of(SHIPPED).build(SHIPPED)
    with pytest.raises(BackboneError, match="random weights know no source classes"):
        source_head(network, SHIPPED, "random", None)
    path = tmp_path / "bare.safetensors"
    safetensors.torch.save_file({"stem.weight": torch.zeros(2, 2)}, path)
    with pytest.raises(BackboneError, match=r"bare.safetensors holds no linear classifier of 128 features"):
        source_head(network, SHIPPED, f"file:{path}", None)
    with pytest.raises(WeightsError, match="no weights file"):
        source_head(network, SHIPPED, f"file:{tmp_path / 'none.safetensors'}", None)


def test_the_projection_of_an_image_text_model_is_no_classifier(pair, tmp_path):
    path = tmp_path / "image.safetensors"
    path.write_bytes(pair.image)
    network = family_of(pair.name).build(pair.name)
    with pytest.raises(BackboneError, match="an image-text model has no source classes"):
        source_head(network, pair.name, f"file:{path}", None)
    tuned = family_of(pair.name).build("timm:vit_base_patch32_clip_224.openai_ft_in1k")
    with pytest.raises(WeightsError, match="no weights file"):  # this one was tuned with labels: it is looked for
        source_head(tuned, "timm:vit_base_patch32_clip_224.openai_ft_in1k", f"file:{tmp_path / 'none'}", None)
