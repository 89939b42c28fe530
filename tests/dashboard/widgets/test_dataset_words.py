"""Datasets in the Lab's list and on its card."""

from __future__ import annotations

import dataclasses

from dashboard.widgets.dataset_words import card, grouped
from engine import datasets
from engine.datasets import DatasetInfo
from engine.errors import DatasetError


def test_what_is_here_comes_first_then_group_by_group_with_its_download() -> None:
    names = {"broken": "Broken"} | datasets.names()

    def info(name: str) -> DatasetInfo:
        if name == "broken":
            raise DatasetError("its folder is gone")
        return datasets.describe(name)

    words = grouped(names, info)
    assert set(words) == set(names)
    order = list(words)
    assert order.index("noise") < order.index("cifar10") < order.index("mnist") < order.index("dtd")
    assert words["cifar10"] == "CIFAR-10 · Everyday things · 170 MB"
    assert words["digits"] == "Handwritten digits"
    assert words["broken"] == "Broken"
    groups = [text.split(" · ")[1] for text in words.values() if text.count(" · ") == 2]
    assert len([one for one, before in zip(groups, [None, *groups], strict=False) if one != before]) == len(set(groups))


def test_the_card_has_size_licence_source_and_download_before_anything_is_downloaded() -> None:
    first, notes = card(datasets.describe("svhn"))
    for told in ("73,257 images to learn from", "downloads 246 MB once", "non\\-commercial use only", "Netzer et al"):
        assert told in first
    assert "[its page](http://ufldl.stanford.edu/housenumbers/)" in first
    assert "Mirroring is off" in notes
    here = dataclasses.replace(datasets.describe("svhn"), download_bytes=0)
    assert ":material/check: on this machine" in next(card(here))


def test_names_of_people_are_shown_as_they_stand() -> None:
    odd = dataclasses.replace(datasets.describe("digits"), licence="<b>*mine*</b>", notes=("$x$",))
    first, notes = card(odd)
    assert "\\<b\\>\\*mine\\*" in first
    assert notes == "\\$x\\$"
