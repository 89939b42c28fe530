"""Are there classes that are probably one, or none?"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator

from engine.doctor._base import CHECKS, NOTICE, OK, WARNING, Check, Finding
from engine.doctor._look import Evidence

NO_CLASS = re.compile(
    r"(new folder|untitled|neuer ordner|nouveau dossier|unsorted|misc|tmp|temp|todo|backup|trash|copy of .*|.* - copy)"
    r"( ?\(?\d+\)?)?"
)


def plain(name: str) -> str:
    """The name without what people write differently: case, accents' encoding, spaces, dashes, underscores, dots."""
    return re.sub(r"[\s_\-.]+", "", unicodedata.normalize("NFKC", name).casefold())


def look(evidence: Evidence) -> Iterator[Finding]:
    """Names that are the same but for spelling; names that look like no class."""
    names = evidence.info.class_names
    alike: dict[str, list[str]] = defaultdict(list)
    for name in names:
        alike[plain(name)].append(name)
    twins = [group for group in alike.values() if len(group) > 1]
    if twins:
        shown = "; ".join(" and ".join(repr(name) for name in group) for group in twins[:5])
        yield Finding(
            "class_names", WARNING, f"{len(twins)} class name{'s are' if len(twins) > 1 else ' is'} written in several ways",
            f"{shown} count as different classes: their images are told apart by chance.",
            "Put the images of one class into one folder.", {"names": len(twins)},
        )  # fmt: skip
    odd = [name for name in names if NO_CLASS.fullmatch(name.casefold().strip())]
    if odd:
        yield Finding(
            "class_names", NOTICE, f"{len(odd)} class name{'s look' if len(odd) > 1 else ' looks'} like no class",
            f"{', '.join(repr(name) for name in odd[:5])} would be learned as a class of its own.",
            "Rename the folder, or move it away.", {"names": len(odd)},
        )  # fmt: skip
    if not twins and not odd:
        yield Finding("class_names", OK, "Class names are distinct", "No two differ only in case or spaces.", "")


CHECKS.register(Check("class_names", "Names of the classes", look))
