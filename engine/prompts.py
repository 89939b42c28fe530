"""What a text tower is told about a class: its name as a person would write it, in a few sentences (prompts).

One class has many sentences because no single one is right for all images; their embeddings are averaged (Radford et al. 2021,
section 3.1.4). The list is our own and short: settable, as the best sentences depend on the task.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

CLASS = "{class}"
"""Stands for the class's name."""
BETWEEN = "|"
"""Between two prompts of a setting."""
PROMPTS = (
    "a photo of a {class}.",
    "a photo of the {class}.",
    "a close-up photo of a {class}.",
    "a cropped photo of a {class}.",
    "a small, blurry photo of a {class}.",
    "a picture of one {class}.",
    "a drawing of a {class}.",
)
DEFAULT = f" {BETWEEN} ".join(PROMPTS)
MOST = 32
LONGEST = 200
"""Characters of one prompt; a text tower reads 16 to 77 tokens."""


def given(setting: str) -> list[str]:
    """The prompts that a setting holds, in order, each once."""
    return list(dict.fromkeys(part.strip() for part in setting.split(BETWEEN)))


def wrong(setting: str) -> str | None:
    """Why a setting holds no usable prompts, as a sentence; None where it does."""
    found = given(setting)
    if len(found) > MOST:
        return f"{len(found)} prompts are given, and at most {MOST} are taken; leave out {len(found) - MOST}"
    for prompt in found:
        if prompt.count(CLASS) != 1:
            many = "is empty" if not prompt else f"names {CLASS} {prompt.count(CLASS)} times"
            return (
                f"the prompt {prompt!r} {many}: each must hold it once, where the class's name goes, as in"
                f" '{PROMPTS[0]}'; {BETWEEN} stands between prompts"
            )
        if len(prompt) > LONGEST:
            return f"the prompt {prompt[:40]!r}... has {len(prompt)} characters, and at most {LONGEST} are taken"
    return None


def spoken(name: str) -> str:
    """A class's name as a person would write it.

    Underscores become spaces, a number in front that only sorts (`001.Black_footed_Albatross`) goes, and a name that is a
    number is said to be one: the digit `3` is `number 3`, so that a prompt asks for "a photo of the number 3".
    """
    words = " ".join(re.sub(r"^\d+[._\s-]+(?=\D)", "", name).replace("_", " ").split())
    return f"number {words}" if re.fullmatch(r"\d+", words) else words


def texts(names: Sequence[str], setting: str) -> list[list[str]]:
    """All sentences of every class: one list for each name, in order. Names are data: only `{class}` is replaced."""
    return [[prompt.replace(CLASS, spoken(name)) for prompt in given(setting)] for name in names]


def nameless(names: Sequence[str]) -> bool:
    """Whether classes are counted instead of named (`class 1`, `class 2`): no text says what such a class shows."""
    return bool(names) and all(re.fullmatch(r"class[ _-]?\d+", name.strip().lower()) for name in names)


def alike(names: Sequence[str]) -> tuple[str, str] | None:
    """Two classes that are written the same, so that no text can tell them apart."""
    seen: dict[str, str] = {}
    for name in names:
        said = spoken(name).lower()
        if said in seen:
            return seen[said], name
        seen[said] = name
    return None
