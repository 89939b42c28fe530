"""Distances between a target and a source: measured on a tiny network, refused with the reason, said in words."""

import pytest

from engine import distance_words, task_queue
from engine.device import cpu
from engine.domain_distance import domain_distance
from engine.errors import DatasetError, SpecError
from engine.store import Store
from engine.tasks import TASKS


@pytest.fixture(scope="module")
def found(device_ready):
    return domain_distance("resnet20_cifar10", "textures", "noise", cpu(), images=120)


@pytest.fixture(scope="module")
def device_ready():
    from engine import device

    device.prepare(cpu())


def test_other_images_are_further_than_the_other_half_of_the_source(found):
    by_name = {one["score"]: one for one in found["distances"]}
    assert found["n_images"] == 60
    assert set(by_name) == {"proxy_a_distance", "frechet", "coral"}
    assert all(one["value"] >= 0 and one["null"] >= 0 and not one["reason"] for one in by_name.values())
    proxy = by_name["proxy_a_distance"]
    assert 0 <= proxy["low"] <= proxy["value"] <= proxy["high"] <= 2
    assert proxy["value"] > 1, "a classifier tells grain from patterns"
    assert proxy["null"] < 1, "and not grain from grain"


def test_the_words_hold_the_number_its_interval_and_what_none_looks_like(found):
    said = distance_words.sentence(found)
    assert "Proxy A-distance between textures and noise in the features of the last unit (60 images of each)" in said
    assert "between two halves of the source" in said
    missing = {
        **found,
        "distances": [{**found["distances"][0], "value": None, "reason": "too few"}, *found["distances"][1:]],
    }
    assert distance_words.sentence(missing).endswith("too few.")
    assert "python -m engine distance net data SOURCE" in distance_words.unknown("net", "data")


def test_too_few_images_are_refused_with_the_counts(tiny, device_ready, colours):
    with pytest.raises(DatasetError, match="training images; a distance needs 40 of the source and 20 of the target"):
        domain_distance(tiny, "noise", f"folder:{colours}", cpu(), weights="random")


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        ({"source": ""}, "No source is named"),
        ({"source": "digits"}, "is the target itself"),
        ({"source": "noise", "images": 5}, "images is 5"),
        ({"source": "noise", "labels": 5}, "has no key 'labels'"),
    ],
)
def test_what_cannot_be_asked_is_said_before_anything_is_queued(payload, said):
    with pytest.raises(SpecError, match=said):
        TASKS["distance"].prepare({"backbone": "resnet20_cifar10", "dataset": "digits", **payload}, None)


def test_the_newest_result_of_the_pretrained_weights_is_found(tmp_path):
    import json

    store = Store(tmp_path)
    for place, (weights, value) in enumerate([("pretrained", 1), ("pretrained", 2), ("random", 3)]):
        payload = {"backbone": "resnet20_cifar10", "dataset": "digits", "source": f"shapes:{place}", "weights": weights}
        task_id = task_queue.submit(store, "distance", payload)
        with store.db.write() as db:
            db.execute(
                "UPDATE task SET state = 'finished', result = ? WHERE task_id = ?", (json.dumps({"n": value}), task_id)
            )
    assert distance_words.newest(store, "resnet20_cifar10", "digits") == {"n": 2}
    assert distance_words.newest(store, "resnet20_cifar10", "noise") is None
