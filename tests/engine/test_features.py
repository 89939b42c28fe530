"""One pass gives every depth's features."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from engine import datasets
from engine.backbones import card, family_of
from engine.batches import Pixels
from engine.control import Cancelled, Control
from engine.errors import FeatureMemoryError
from engine.features import extract


@pytest.fixture
def setup(tiny, colours):
    torch.manual_seed(0)
    network, its_card = family_of(tiny).build(tiny), card(tiny)
    images = datasets.load(f"folder:{colours}", its_card.input_size[1], its_card.interpolation)
    return network, Pixels.on(torch.device("cpu"), images.pixels, images.labels, its_card.mean, its_card.std)


def test_every_depth_in_the_order_asked_for(setup, tiny):
    network, pixels = setup
    indices = np.array([7, 3, 30, 11])
    features = extract(network, pixels, indices, 3, Control()).units
    assert [part.shape for part in features] == [(4, unit.n_features) for unit in card(tiny).units]
    assert {part.dtype for part in features} == {np.dtype("float64")}
    (images, _), *_ = pixels.in_order(indices, 4)
    with torch.inference_mode():
        np.testing.assert_allclose(features[-1], network.eval().embed(images).double().numpy(), rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(features[0], network.run_unit(0, images).mean((2, 3)).double().numpy(), rtol=1e-5)


def test_looking_changes_nothing(setup):
    from engine.backbones._weights import tensors_sha256

    network, pixels = setup
    network.train()
    before = tensors_sha256(network.state_dict())
    extract(network, pixels, np.arange(20), 8, Control())
    assert tensors_sha256(network.state_dict()) == before


def test_the_size_of_batches_does_not_matter(setup):
    network, pixels = setup
    one, two = (extract(network, pixels, np.arange(10), size, Control()).units for size in (3, 10))
    for a, b in zip(one, two, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def test_it_can_be_stopped(setup):
    control = Control()
    control.stop = True
    with pytest.raises(Cancelled):
        extract(*setup, np.arange(4), 2, control)


def test_pooling_changes_the_measured_features_and_not_what_the_head_reads(setup):
    network, pixels = setup
    plain, cells = (
        extract(network, pixels, np.arange(9), 4, Control(), name) for name in ("global_average", "adaptive_9k")
    )
    np.testing.assert_array_equal(plain.embedded, plain.units[-1])
    np.testing.assert_array_equal(cells.embedded, plain.embedded)
    wider = [b.shape[1] >= a.shape[1] for a, b in zip(plain.units, cells.units, strict=True)]
    assert all(wider)
    assert cells.units[0].shape[1] > plain.units[0].shape[1]
    assert cells.nbytes > plain.nbytes > 0


def test_too_many_features_are_refused_in_plain_words_before_the_pass(setup, monkeypatch):
    network, pixels = setup
    monkeypatch.setenv("TRANSFERSCOPE_FEATURE_MEMORY", "2 KB")
    with pytest.raises(FeatureMemoryError, match=r"20 images after 4 units take .*Use fewer labels"):
        extract(network, pixels, np.arange(20), 8, Control())
    monkeypatch.setenv("TRANSFERSCOPE_FEATURE_MEMORY", "20 KB")
    assert extract(network, pixels, np.arange(20), 8, Control()).nbytes <= 20_000


def test_a_run_whose_depths_do_not_fit_keeps_what_it_learned(tiny, colours, monkeypatch):
    from engine.device import cpu
    from engine.execute import execute
    from engine.spec import RunSpec, TrainSpec

    monkeypatch.setenv("TRANSFERSCOPE_FEATURE_MEMORY", "1 KB")
    run = RunSpec(tiny, f"folder:{colours}", "full_fine_tuning", 0, 0, 21, train=TrainSpec(epochs=1, batch_size=8))
    kinds = {event.kind: event for event in execute(run, cpu()) if hasattr(event, "kind")}
    assert kinds["tested"].n_images > 0
    assert "No depth was measured" in kinds["notice"].text
    assert "depth" not in kinds
