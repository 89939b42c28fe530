"""Zero-shot: nothing is learned from the target at all; the head that the backbone came with answers, if it names the classes.

Each target class takes the row of the source head with its name (`engine.source_classes`), so the answer is the
likeliest of the target's classes. It is the control that labels have to beat where such a head exists. Image-text models
(CLIP, Radford et al. 2021) would write a head for any class from its name; that needs their text tower.
"""

from __future__ import annotations

from typing import Any

from engine.source_classes import missing, rows_of, source_classes
from engine.strategies._base import STRATEGIES, Card, Settings, Strategy, nothing

TEXT_TRAINED = ("image-text", "LAION", "DataComp", "WebLI", "DFN-", "DFNDR", "Merged-2B", "CC-12M")
"""Source data of models that were learned with texts."""
SHOWN = 3


def refuses(card: Card, settings: Settings) -> str | None:
    """No head with classes that are known by name."""
    source = getattr(card, "source_data", "")
    if source_classes(source):
        return None
    if any(word in source for word in TEXT_TRAINED):
        return (
            f"{card.name} is the image tower of an image-text model: a head for these classes would be written by its text tower"
            " from their names, and neither that tower nor its tokenizer is among timm's weights. Transferscope does not load"
            " them (open_clip_torch would); the linear probe is the nearest control"
        )
    return f"the source classes of {card.name} are not known by name here; of the shipped backbones they are, those of CIFAR-10"


def refuses_task(card: Card, task: Any, weights: str) -> str | None:
    """A class that the source head does not name, or weights that it does not belong to."""
    if weights != "pretrained":
        return "the source head belongs to the pretrained weights, and these runs start from others"
    names = source_classes(getattr(card, "source_data", ""))
    if rows_of(names, task.class_names) is not None:
        return None
    unknown = missing(names, task.class_names)
    if not unknown:
        return f"two classes of {task.name} are the same class of the source"
    more = f" and {len(unknown) - SHOWN} more" if len(unknown) > SHOWN else ""
    return (
        f"the head of {card.name} does not name {', '.join(unknown[:SHOWN])}{more}; it names {', '.join(names)}, and every class"
        f" of {task.name} would have to be one of these"
    )


STRATEGIES.register(
    Strategy(
        name="zero_shot",
        label="Zero-shot",
        summary="Nothing is learned: the backbone's own classifier answers, where it names the classes.",
        source="Larochelle et al. 2008 (zero-data learning); Radford et al. 2021 (as a control)",
        depths=lambda n_units, asked: (n_units,),
        solves_head=True,
        control=True,
        refuses=refuses,
        refuses_task=refuses_task,
        moves=nothing,
        tuning="zero_shot",
    )
)
