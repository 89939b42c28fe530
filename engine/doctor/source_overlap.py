"""Has the backbone seen these images, or this kind of images, when it was pretrained? Known cases, by name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from engine.doctor._base import CHECKS, NOTICE, OK, SEVERE, WARNING, Check, Finding
from engine.doctor._look import Evidence

SAME_IMAGES = "The backbone was pretrained on images of this dataset: what is measured is partly memory, not transfer."
SAME_CLASSES = (
    "The backbone was pretrained to tell many of these classes apart: transfer is easier than for new classes."
)


@dataclass(frozen=True)
class Overlap:
    """One known case."""

    data: str
    """A pattern of dataset names, letters and digits only."""
    source: str
    """A pattern of source data, letters and digits only."""
    severity: str
    means: str
    reference: str


# In order of severity for each dataset: the first that fits is told.
KNOWN = (
    Overlap("cifar10(?!0)", "cifar10(?!0)", SEVERE, SAME_IMAGES, "Krizhevsky 2009"),
    Overlap("cifar100", "cifar100", SEVERE, SAME_IMAGES, "Krizhevsky 2009"),
    Overlap(
        "cifar", "cifar", NOTICE,
        "CIFAR-10 and CIFAR-100 were drawn from the same collection (80 Million Tiny Images), with different classes: the task"
        " is nearer to the source than most.", "Krizhevsky 2009",
    ),
    Overlap("imagenette|imagewoof|imagewang", "imagenet", SEVERE, SAME_IMAGES + " It is a part of ImageNet-1k.",
            "Howard 2019, github.com/fastai/imagenette"),
    Overlap("stanforddogs", "imagenet", SEVERE, SAME_IMAGES + " Its images were taken from ImageNet.", "Khosla et al. 2011"),
    Overlap("stl10", "imagenet", SEVERE, SAME_IMAGES + " Its images were taken from ImageNet.", "Coates et al. 2011"),
    Overlap("tinyimagenet|miniimagenet|imagenet", "imagenet", SEVERE, SAME_IMAGES, "the dataset's own name"),
    Overlap("cub200|cub|birds", "imagenet", WARNING,
            "Some images of CUB-200 are also in ImageNet, as its authors say: " + SAME_CLASSES, "Wah et al. 2011"),
    Overlap("pets?|oxfordiiitpet", "imagenet", WARNING, SAME_CLASSES + " ImageNet-1k has more than 100 breeds of dogs and cats.",
            "Parkhi et al. 2012; Russakovsky et al. 2015"),
    Overlap("caltech(101|256)", "imagenet", NOTICE,
            SAME_CLASSES + " Both were collected by searching the web for names of things.",
            "Fei-Fei et al. 2004; Griffin et al. 2007"),
    Overlap("flowers(102)?", "imagenet", NOTICE,
            "ImageNet-1k has a few flowers, ImageNet-21k hundreds: with weights of the larger one, most classes are known.",
            "Nilsback & Zisserman 2008; Russakovsky et al. 2015"),
    Overlap("food101", "imagenet", NOTICE, "Some dishes are classes of ImageNet too.", "Bossard et al. 2014"),
    Overlap("cifar(10|100)?", "imagenet", NOTICE, SAME_CLASSES + " The images are others, and far smaller.", "Krizhevsky 2009"),
    Overlap(".*", "laion|datacomp|webli|openai|yfcc|instagram|jft|dfn|cc12m|metaclip", NOTICE,
            "The backbone has read a large part of the web, where public test sets are copied about: for 35 datasets, between 0"
            " and a fifth of the images had copies in CLIP's own data, 2 % in the median.", "Radford et al. 2021, section 5"),
    Overlap(".*", "lvd", NOTICE,
            "The backbone's images were collected by likeness to those of public datasets (copies of test images were removed).",
            "Oquab et al. 2023, section 3"),
)  # fmt: skip
OWN = ("digits", "shapes", "textures", "colours", "noise")
"""Made here, or bundled and never on the web as photographs: no backbone has seen them."""


def known(dataset: str, source_data: str) -> Overlap | None:
    """The first known case of a dataset's name and a backbone's source data."""
    # Of a folder its last name counts: folder:/home/me/cifar10.
    name, source = (_plain(text) for text in (re.split(r"[:/\\]", dataset.rstrip("/\\"))[-1], source_data))
    for one in KNOWN:
        if re.search(rf"^(?:{one.data})", name) and re.search(one.source, source):
            return one
    return None


def _plain(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.lower())


def look(evidence: Evidence) -> Iterator[Finding]:
    """Only by names: that nothing is known does not mean that nothing was seen."""
    card, name = evidence.card, evidence.info.name
    if card is None:
        yield Finding(
            "source_overlap", OK, "No backbone was named", "So its source data were not compared with these.",
            "Name one to have that done (--backbone NAME).",
        )  # fmt: skip
        return
    source = card.source_data
    case = known(name, source) if source and not {*name.split(":")} & {*OWN} else None
    if case is None:
        yield Finding(
            "source_overlap", OK, f"No overlap with {source or 'other data'} is known",
            f"{card.label} was pretrained on {source}; that is all that is known here."
            if source else f"{card.label} has no pretrained weights that are known here.", "",
        )  # fmt: skip
        return
    yield Finding(
        "source_overlap", case.severity, f"These data overlap with what {card.label} has learned from: {source}",
        f"{case.means} Source: {case.reference}.",
        "Take another backbone or other data to measure transfer; or say so with the result."
        if case.severity in (SEVERE, WARNING) else "Say so with the result.",
        {"source_data": source, "reference": case.reference},
    )  # fmt: skip


CHECKS.register(Check("source_overlap", "Overlap with the backbone's source data", look))
