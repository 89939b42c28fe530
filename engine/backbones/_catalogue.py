"""Every backbone there is, to be searched without loading torch: the shipped ones, and all models and weights of timm.

timm has to be imported to say what it has, and it imports torch: that is done once for each version of timm, in a process
of its own, and kept in the home. Sizes come from a count that is shipped (`_timm_sizes`); what is not known is None.
"""

from __future__ import annotations

import dataclasses
import difflib
import importlib.metadata
import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from engine import text_towers
from engine.backbones import _disk
from engine.backbones._base import BACKBONES, Card
from engine.backbones._timm_sizes import sizes
from engine.backbones._torchvision_names import ALIASES
from engine.backbones._torchvision_names import PREFIX as TORCHVISION
from engine.errors import BackboneError

SHIPPED, HUB, NONE = "shipped", "hub", "none"
SECONDS = 300


@dataclass(frozen=True)
class Entry:
    """One backbone with one set of weights, or with none."""

    name: str
    """As in a spec: `timm:resnet50.a1_in1k`."""
    label: str
    family: str
    """Of architectures; timm's module for its models."""
    source_data: str
    """Empty where the weights' name does not say."""
    licence: str
    """Of the weights; empty where it is not stated."""
    input_size: tuple[int, int, int]
    weights: str
    """`shipped`, `hub`, or `none`: the architecture alone."""
    repository: str = ""
    """On the hub."""
    parameters: int | None = None
    """Without the source task's classifier."""
    download_bytes: int | None = None
    """About; of float32 weights."""
    aliases: tuple[str, ...] = ()
    text_tower: bool = False
    """Whether it is the image tower of an image-text model whose text tower is known, for zero-shot."""

    @property
    def architecture(self) -> str:
        return self.name.rpartition(":")[2].partition(".")[0]

    @property
    def on_disk(self) -> bool:
        """Whether its weights are on this machine now."""
        return self.weights == SHIPPED or (self.weights == HUB and _disk.cached(self.repository) is not None)

    def to_dict(self) -> dict[str, object]:
        """All of it as plain values, with whether it is on this machine."""
        return dataclasses.asdict(self) | {"on_disk": self.on_disk}


def catalogue(home: Path | None = None) -> tuple[Entry, ...]:
    """All backbones, the shipped ones first, then timm's by name. The first time takes several seconds.

    Raises:
        BackboneError: timm could not be asked; the message says why.
    """
    known = (family.card(name) for family in BACKBONES for name in family.names())
    return (*(_of_card(card) for card in known if card), *_of_timm(home))


def _of_card(card: Card) -> Entry:
    shipped = card.weights.startswith("assets:")
    return Entry(
        name=card.name,
        label=card.label,
        family=card.family,
        source_data=card.source_data,
        licence=card.licence,
        input_size=card.input_size,
        weights=SHIPPED if shipped else NONE,
        parameters=card.parameters,
        download_bytes=0 if shipped else None,
    )


def _of_timm(home: Path | None) -> tuple[Entry, ...]:
    version = importlib.metadata.version("timm")
    kept = home / "catalogue" / f"timm-{version}.json" if home else None
    if kept is None or not kept.is_file():
        text = _asked_elsewhere()
        if kept is None:
            return _parsed(text)
        kept.parent.mkdir(exist_ok=True)
        part = kept.with_suffix(f".{os.getpid()}.part")
        part.write_text(text, encoding="utf-8")
        part.replace(kept)
    return _read(kept, kept.stat().st_mtime_ns)


@lru_cache(maxsize=2)
def _read(path: Path, changed: int) -> tuple[Entry, ...]:
    return _parsed(path.read_text(encoding="utf-8"))


def _asked_elsewhere() -> str:
    # The caller may be the dashboard, which must never load torch.
    command = [sys.executable, "-m", "engine.backbones._timm_catalogue"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["no reason was given"]
        raise BackboneError(f"timm could not be asked for its models: {lines[-1]}")
    return done.stdout


def _parsed(text: str) -> tuple[Entry, ...]:
    """Entries from rows of (timm's name, module, source data, licence, input size, repository, source classes)."""
    counted, towers = sizes(), text_towers.towers()
    others: dict[str, list[str]] = {}
    for alias, name in ALIASES.items():
        others.setdefault(name, []).append(TORCHVISION + alias)
    entries = []
    for name, module, data, licence, size, repository, n_classes in json.loads(text):
        measured = counted.get(name.partition(".")[0])
        entries.append(
            Entry(
                name=f"timm:{name}",
                label=name,
                family=module,
                source_data=data,
                licence=licence,
                input_size=tuple(size),
                weights=HUB if repository else NONE,
                repository=repository,
                parameters=measured.parameters if measured else None,
                download_bytes=measured.file_bytes(n_classes) if measured and repository else None,
                aliases=tuple(others.get(name, ())),
                text_tower=name in towers,
            )
        )
    return tuple(entries)


def find(name: str, home: Path | None = None) -> Entry | None:
    """The entry of a backbone's name; without a tag, that of the weights which timm prefers (its first)."""
    entries = catalogue(home)
    exact = next((entry for entry in entries if entry.name == name), None)
    return exact or next((entry for entry in entries if entry.name.partition(".")[0] == name), None)


def search(query: str, entries: tuple[Entry, ...], limit: int | None = None) -> list[Entry]:
    """Entries that hold every word of a query (in name, family, data, licence or alias), the best first.

    A name that is the query comes before one that begins with it, then names with all words at the beginning of a part,
    then names with all words, then the rest; among equals what is on this machine, then the order of the catalogue.
    Where nothing holds all words, the names that look most like the query are given; without a query everything, what is on
    this machine and what many people use first.
    """
    words = query.lower().split()
    if not words:
        return _at_first(entries)[:limit]
    ranked = [(rank, place) for place, entry in enumerate(entries) if (rank := _rank(words, entry)) is not None]
    if not ranked:
        return _alike("".join(words), entries)[:limit]
    on_disk = _disk.repositories()
    ranked.sort(
        key=lambda one: (
            one[0],
            entries[one[1]].weights != SHIPPED and entries[one[1]].repository not in on_disk,
            one[1],
        )
    )
    return [entries[place] for _, place in ranked[:limit]]


def _at_first(entries: tuple[Entry, ...]) -> list[Entry]:
    on_disk = _disk.repositories()
    known = dict.fromkeys(name for family in BACKBONES for name in family.names())
    popular: set[str] = set()  # of an architecture, the weights that timm prefers come first
    for entry in entries:
        bare = entry.name.partition(".")[0]
        if bare in known and not any(name.partition(".")[0] == bare for name in popular):
            popular.add(entry.name)
    return sorted(
        entries,
        key=lambda one: (one.weights != SHIPPED, one.repository not in on_disk, one.name not in popular),
    )


def _rank(words: list[str], entry: Entry) -> int | None:
    name = entry.name.lower()
    asked_by_text = "text tower zero-shot" if entry.text_tower else ""
    said = (name, entry.label, entry.family, entry.source_data, entry.licence, *entry.aliases, asked_by_text)
    everything = " ".join(said).lower()
    if not all(word in everything for word in words):
        return None
    asked, bare = "_".join(words), name.rpartition(":")[2]
    if asked in (name, bare, entry.architecture.lower(), *entry.aliases):
        return 0
    if bare.startswith(asked):
        return 1
    parts = [part for part in re.split(r"[^a-z0-9]+", bare) if part]
    if all(any(part.startswith(word) for part in parts) for word in words):
        return 2
    return 3 if all(word in bare for word in words) else 4


def _alike(asked: str, entries: tuple[Entry, ...]) -> list[Entry]:
    first: dict[str, Entry] = {}
    for entry in entries:
        first.setdefault(entry.architecture.lower(), entry)
    return [first[name] for name in difflib.get_close_matches(asked, first, n=8, cutoff=0.6)]
