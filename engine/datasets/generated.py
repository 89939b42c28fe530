"""Tasks drawn by this engine for teaching: their distance from photographs is a dial, and no file is needed.

`shapes:0` to `shapes:4` show the same ten figures in the same places, drawn in five ways that keep less and less of what
photographs have. `textures`, `colours` and `noise` ask for something else than the shape. Image i of class c is a
function of (task, c, i) and of nothing else, with the same bits on every machine.

Why the dial: networks trained on photographs answer by texture more than by shape (Geirhos et al., "ImageNet-trained CNNs
are biased towards texture", ICLR 2019), and what is learned transfers the worse the further the tasks are apart (Yosinski
et al., "How transferable are features in deep neural networks?", NIPS 2014).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine.datasets import _pictures
from engine.datasets._base import DATASETS, TEST, TRAIN, Dataset, DatasetInfo, unique_keys
from engine.datasets._figures import FIGURES
from engine.datasets._source import Source

VERSION = "generated 1"
"""Part of every signature: a new version makes other pictures, so that what was measured on the old ones is not reused."""
POOL_PER_CLASS, TEST_PER_CLASS = 100, 100
"""Images 0..99 of a class may be learned from, 100..199 are its test part."""
BATCH = 50
"""Images that are drawn together: large enough for NumPy, small enough for the processor's cache."""

SAME_FIGURES = "Shapes 0 to 4 show the same figures in the same places, so that only the way of drawing differs."
BY_SHAPE = "Average brightness and colour say nothing about the class: only the shape does."


@dataclass(frozen=True)
class _Task:
    """One row of the list below."""

    name: str
    picture: Callable[[str, int, range], np.ndarray]
    """(task, label, images) -> colours 0..1, float32 (n_images, 64, 64, 3)."""
    label: str
    summary: str
    classes: Iterable[str]
    notes: tuple[str, ...]


TASKS = (
    _Task(
        "shapes:0", _pictures.photograph, "Shapes 0: like photographs",
        "Ten figures as lit, shaded things with a shadow, before an out-of-focus scene: nearest to photographs.",
        FIGURES, (SAME_FIGURES, BY_SHAPE),
    ),
    _Task(
        "shapes:1", _pictures.cut_paper, "Shapes 1: cut paper",
        "Ten figures in one plain colour on another: edges and colours as in photographs, but no texture and no light.",
        FIGURES, (SAME_FIGURES, BY_SHAPE),
    ),
    _Task(
        "shapes:2", _pictures.line_drawing, "Shapes 2: line drawing",
        "Ten figures as outlines by a trembling hand: nothing inside, only the line is left.",
        FIGURES, (SAME_FIGURES, BY_SHAPE),
    ),
    _Task(
        "shapes:3", _pictures.dot_plate, "Shapes 3: dot plate",
        "Ten figures in dots of another hue, as in tests of colour vision: the strongest edges are those of the dots.",
        FIGURES, (SAME_FIGURES, BY_SHAPE),
    ),
    _Task(
        "shapes:4", _pictures.grain_only, "Shapes 4: grain only",
        "Ten figures that only the direction of the grain shows, no line and no colour: furthest from photographs.",
        FIGURES, (SAME_FIGURES, BY_SHAPE),
    ),
    _Task(
        "textures", _pictures.textures, "Textures",
        "Ten textures in any shape and any two colours: the class is the pattern, and the shape misleads.",
        _pictures.TEXTURES, ("Any of ten figures is filled with the texture, whatever the class.",),
    ),
    _Task(
        "colours", _pictures.hues, "Colours",
        "Ten hues, pale or deep, in any shape: the class is the colour, which the mean of an image nearly tells.",
        _pictures.HUES, ("Easy from the pixels; a network that learned to ignore colour finds it hard.",),
    ),
    _Task(
        "rotations", _pictures.rotations, "Rotations",
        "Four lit things as in photographs, turned to ten directions: the class is the direction, and the thing misleads.",
        _pictures.TURNS, ("Mirroring is off: it turns one direction into another, which is another class.",),
    ),
    _Task(
        "noise", _pictures.noise, "Noise",
        "Streaks in five directions and two sizes, in any colours: no thing at all, only a statistic of the pixels.",
        _pictures.GRAINS, ("Mirroring is off: it turns rising streaks into falling ones, which is another class.",),
    ),
)  # fmt: skip


def _info(task: _Task) -> DatasetInfo:
    return DatasetInfo(
        name=task.name,
        label=task.label,
        summary=task.summary,
        source="drawn by Transferscope; idea: Geirhos et al. 2019 (shape against texture)",
        licence="made here, free to use",
        class_names=tuple(task.classes),
        n_pool=POOL_PER_CLASS * len(tuple(task.classes)),
        n_test=TEST_PER_CLASS * len(tuple(task.classes)),
        size="64x64 colour, drawn when needed",
        augmentation="crop",  # the same for all, so that only the task differs; mirroring would swap classes of noise
        notes=task.notes,
        smallest_class=POOL_PER_CLASS,
        class_pool=(POOL_PER_CLASS,) * len(tuple(task.classes)),
        class_test=(TEST_PER_CLASS,) * len(tuple(task.classes)),
    )


def draw(name: str, label: int, images: range) -> np.ndarray:
    """Pictures `images` of class `label` of a task, uint8 (n_images, 64, 64, 3); each depends on its own number only."""
    picture = next(task.picture for task in TASKS if task.name == name)
    parts = [
        picture(name, label, images[start : start + BATCH]) * np.float32(255) + np.float32(0.5)
        for start in range(0, len(images), BATCH)
    ]
    return np.clip(np.concatenate(parts), 0, 255).astype(np.uint8)


def open_source(name: str, home: Path | None) -> Source:
    """Draw a task."""
    from engine.datasets._decode import content_hash

    info = DATASETS[name].describe(name, home)
    images = range(POOL_PER_CLASS + TEST_PER_CLASS)
    drawn = np.concatenate([draw(name, label, images) for label in range(info.n_classes)])
    labels = np.repeat(np.arange(info.n_classes, dtype=np.int64), len(images))
    parts = np.tile(np.where(np.arange(len(images)) < POOL_PER_CLASS, TRAIN, TEST).astype("<U10"), info.n_classes)
    keys = unique_keys(content_hash(image.tobytes()) for image in drawn)
    order = np.argsort(keys)  # by content: the order of the images says nothing about their classes
    names = [f"{info.class_names[place // len(images)]} {place % len(images)}" for place in order.tolist()]
    return Source(info, labels[order], parts[order], names, drawn[order].__getitem__)


def peek(name: str, label: int) -> Source:
    """The pictures of one class, each drawn when it is read: a gallery needs few of them."""
    images = np.arange(POOL_PER_CLASS + TEST_PER_CLASS)
    return Source(
        info=DATASETS[name].describe(name, None),
        labels=np.full(len(images), label, dtype=np.int64),
        parts=np.where(images < POOL_PER_CLASS, TRAIN, TEST).astype("<U10"),
        names=[f"picture {number}" for number in images.tolist()],
        read=lambda number: draw(name, label, range(number, number + 1))[0],
    )


def _register(task: _Task) -> None:
    info = _info(task)
    DATASETS.register(
        Dataset(
            name=task.name,
            label=task.label,
            summary=task.summary,
            accepts=lambda name: name == task.name,
            describe=lambda name, home: info,
            open=open_source,
            peek=peek,
            signature=lambda name, home: VERSION,
        )
    )


for one in TASKS:
    _register(one)
