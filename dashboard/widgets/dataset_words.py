"""Datasets in words, for lists and cards: what is here first, then what can be downloaded, group by group."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from dashboard.widgets.literal import literal
from dashboard.widgets.size import size
from engine.datasets import DatasetInfo
from engine.errors import TransferscopeError


def grouped(names: Mapping[str, str], info: Callable[[str], DatasetInfo]) -> dict[str, str]:
    """Names with what a list shows of them: those that are here first, the others by group, each with its download.

    Args:
        names: name -> label.
        info: what is known of a name; raises TransferscopeError where it cannot be used (its label is shown as it is).
    """
    here, elsewhere = {}, {}
    for name, label in names.items():
        try:
            known = info(name)
        except TransferscopeError:
            here[name] = label
            continue
        words = f"{label} · {known.group}" if known.group else label
        if known.download_bytes:
            elsewhere[name] = (known.group, f"{words} · {size(known.download_bytes)}")
        else:
            here[name] = words
    groups = list(dict.fromkeys(group for group, _ in elsewhere.values()))
    ordered = sorted(elsewhere.items(), key=lambda item: groups.index(item[1][0]))
    return here | {name: words for name, (_, words) in ordered}


def card(info: DatasetInfo) -> Iterator[str]:
    """The paragraphs of a card in Markdown: counts, source, licence and whether it is here; then its notes."""
    lines = [
        f"{info.n_classes:,} classes · {info.n_pool:,} images to learn from · {info.n_test:,} to test on · {literal(info.size)}"
    ]
    lines.append(f"Source: {literal(info.source)}" + (f" · [its page]({info.page})" if info.page else ""))
    if info.download_bytes:
        where = f":material/download: downloads {size(info.download_bytes)} once, when a run first needs it"
    else:
        where = ":material/check: on this machine"
    lines.append(f"{where} · licence: {literal(info.licence)}")
    yield "  \n".join(lines)
    if info.notes:
        yield "  \n".join(map(literal, info.notes))
