"""The datasets that can be downloaded by name: one table of facts, `_known.toml`, read without torch and without a network."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

DRIVE = "https://drive.usercontent.google.com/download?export=download&confirm=t&id="


@dataclass(frozen=True)
class RemoteFile:
    """One file of a dataset, where it is published."""

    urls: tuple[str, ...]
    """Addresses of the same file, tried in this order."""
    md5: str
    """Of the whole file, as torchvision has it; "" where it has none."""
    bytes: int
    """Its size; rounded where the dataset's `about` says so."""
    unpack: str = ""
    """tar (compressed or not), zip, gz, or "" for a file that is read as it is."""
    to: str = ""
    """Folder below the dataset's that it, or its contents, goes to: torchvision's own layout."""
    inner: tuple[str, ...] = ()
    """Of a zip: the archives inside that are unpacked in turn; its other members are left out."""
    skip: tuple[str, ...] = ()
    """Patterns of members that are left out."""

    @property
    def name(self) -> str:
        """What the file is called."""
        return self.urls[0].rpartition("/")[2]


@dataclass(frozen=True)
class Known:
    """Facts of one dataset, true whether or not it is on this machine."""

    name: str
    label: str
    group: str
    """What it shows, for lists."""
    summary: str
    format: str
    """Reader of its files, see `_formats`."""
    train: int
    test: int
    size: str
    """Native image size in words."""
    augmentation: str
    """Its own: crop where a mirrored image would be another sign, crop_flip otherwise."""
    licence: str
    citation: str
    page: str
    split: str
    """Which parts are pinned, in words."""
    files: tuple[RemoteFile, ...]
    validation: int = 0
    """Images of the pinned validation part; 0 where none is pinned."""
    class_names: tuple[str, ...] = ()
    """Numbered where the names come with the files."""
    folder: str = ""
    """Of formats that several datasets share: where their files are."""
    rule: Mapping[str, float] = field(default_factory=dict)
    """How the test part is drawn by content where none is pinned: train_per_class, test_per_class or test_share."""
    about: bool = False
    """Whether the bytes are rounded."""
    notes: tuple[str, ...] = ()

    @property
    def bytes(self) -> int:
        """What is downloaded, in all."""
        return sum(file.bytes for file in self.files)


@functools.cache
def known() -> dict[str, Known]:
    """All datasets that can be downloaded, by name."""
    with Path(__file__).with_name("_known.toml").open("rb") as table:
        return {name: _known(name, facts) for name, facts in tomllib.load(table).items()}


def _known(name: str, facts: dict[str, Any]) -> Known:
    mirrors = facts.pop("mirrors", [""])
    about = any(file.get("about", False) for file in facts["files"])
    files = tuple(_file(file, mirrors) for file in facts.pop("files"))
    names = tuple(facts.pop("classes", ())) or tuple(f"class {n}" for n in range(1, facts["n_classes"] + 1))
    facts.pop("n_classes", None)
    notes = tuple(facts.pop("notes", ()))
    return Known(name=name, files=files, class_names=names, about=about, notes=notes, **facts)


def _file(facts: dict[str, Any], mirrors: list[str]) -> RemoteFile:
    urls = [mirror + facts["url"] for mirror in mirrors]
    if "drive" in facts:
        urls.append(DRIVE + facts["drive"])
    lists = {key: tuple(facts.get(key, ())) for key in ("inner", "skip")}
    return RemoteFile(
        tuple(urls), facts.get("md5", ""), facts["bytes"], facts.get("unpack", ""), facts.get("to", ""), **lists
    )
