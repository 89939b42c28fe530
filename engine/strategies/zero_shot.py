"""Zero-shot: nothing is learned from the target at all; the head comes from what the classes are called.

Two ways. A backbone that is the image tower of an image-text model has its head written by the text tower, for any classes,
from their names in a few sentences (`engine.prompts`; Radford et al. 2021). Any other answers with the classifier that it came
with, where that names the target's classes (`engine.source_classes`). It is the control that labels have to beat.
"""

from __future__ import annotations

from typing import Any

from engine import prompts, text_towers
from engine.source_classes import listed, missing, rows_of, source_classes
from engine.strategies._base import STRATEGIES, Beside, Card, Setting, Settings, Strategy, nothing

SHOWN = 3
PROMPTS = Setting(
    "prompts",
    "Prompts",
    prompts.DEFAULT,
    f"What the text tower reads of each class, with {prompts.CLASS} for its name and | between prompts; their mean decides.",
)


def refuses(card: Card, settings: Settings) -> str | None:
    """Neither a text tower nor a head with classes that are known by name; or prompts that cannot be used."""
    own = source_classes(getattr(card, "source_data", ""))
    if not own and not text_towers.tower_of(card):
        if not getattr(card, "weights", "").startswith("hub:"):
            return (
                f"{card.name} is no image tower with a known text tower, and its source classes are not known by name here; of"
                " the shipped backbones they are, those of CIFAR-10"
            )
        return text_towers.refusal(card)
    asked = settings.get("prompts", prompts.DEFAULT)
    if own and asked != prompts.DEFAULT:
        return f"prompts are for image-text backbones, and {card.name} answers with its own classifier; leave them out"
    return prompts.wrong(asked)


def refuses_task(card: Card, task: Any, weights: str) -> str | None:
    """A class that cannot be asked for, or weights that the head does not belong to."""
    names = source_classes(getattr(card, "source_data", ""))
    if not names:
        if prompts.nameless(task.class_names) and not task.download_bytes:  # else the names come with the files
            return f"the classes of {task.name} have numbers and no names, so there is nothing to tell a text tower about them"
        if twice := prompts.alike(task.class_names):
            return (
                f"the classes {twice[0]!r} and {twice[1]!r} of {task.name} read the same, so no text tells them apart"
            )
        tower = text_towers.tower_of(card)
        return text_towers.unusable(card, tower, weights) if tower else text_towers.refusal(card)
    if weights != "pretrained":
        return "the source head belongs to the pretrained weights, and these runs start from others"
    if rows_of(names, task.class_names) is not None:
        return None
    unknown = missing(names, task.class_names)
    if not unknown:
        return f"two classes of {task.name} are the same class of the source"
    more = f" and {len(unknown) - SHOWN} more" if len(unknown) > SHOWN else ""
    return (
        f"the head of {card.name} does not name {', '.join(unknown[:SHOWN])}{more}; it names"
        f" {listed(names, card.source_data)}, and every class of {task.name} would have to be one of these"
    )


def uninvited(card: Card, task: Any, weights: str) -> str | None:
    """A text tower that would have to be downloaded, or classes whose names nobody knows before their files are here."""
    tower = None if source_classes(getattr(card, "source_data", "")) else text_towers.tower_of(card)
    if tower is None:
        return None
    if weights == "pretrained" and not tower.on_disk:
        return f"{text_towers.missing(card, tower)}; what nobody asked for is not downloaded"
    if not text_towers.tokenizer_here(tower):
        return (
            f"the tokenizer of its text tower ({tower.tokenizer}) is not on this machine, and what nobody asked for is not"
            f" downloaded; python -m engine weights {card.name} --text fetches it"
        )
    if prompts.nameless(task.class_names):  # else `refuses_task` has said so
        return f"what the classes of {task.name} are called comes with their files, which are not on this machine"
    return None


def beside(card: Card, settings: Settings) -> Beside | None:
    """The text tower, read once."""
    tower = text_towers.tower_of(card)
    if tower is None or source_classes(getattr(card, "source_data", "")):
        return None
    return Beside(
        parameters=tower.parameters,
        flops_per_class=tower.flops * len(prompts.given(settings.get("prompts", prompts.DEFAULT))),
        memory_bytes=4 * tower.parameters + tower.bytes,
        download_bytes=0 if tower.on_disk else tower.bytes,
        words=text_towers.words(card, tower),
    )


STRATEGIES.register(
    Strategy(
        name="zero_shot",
        label="Zero-shot",
        summary="Nothing is learned: a text tower, or the backbone's own classifier, answers by the classes' names.",
        source="Radford et al. 2021; Larochelle et al. 2008 (zero-data learning)",
        depths=lambda n_units, asked: (n_units,),
        settings=(PROMPTS,),
        solves_head=True,
        control=True,
        refuses=refuses,
        refuses_task=refuses_task,
        uninvited=uninvited,
        beside=beside,
        moves=nothing,
        tuning="zero_shot",
    )
)
