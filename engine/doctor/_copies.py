"""Findings on images that occur more than once: across parts, with different labels, within a part."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from engine.datasets._base import TEST
from engine.doctor._base import MAX_EXAMPLES, NOTICE, OK, SEVERE, WARNING, Example, Finding
from engine.doctor._look import Evidence


def group_of_equal(values: np.ndarray) -> np.ndarray:
    """int64 (n,): the same number where the values are the same."""
    return np.unique(values, return_inverse=True)[1].reshape(-1)


def findings(evidence: Evidence, groups: np.ndarray, check: str, what: str, certain: bool) -> Iterator[Finding]:
    """Findings on groups of images that are the same.

    Args:
        groups: int64 (n,), a number for every image; images of one group are copies of each other.
        what: how the copies are alike, as a plural noun: "exact copies".
        certain: whether they surely are the same image; else one should look first.
    """
    sizes = np.bincount(groups) if len(groups) else np.empty(0, dtype=int)
    repeated = np.flatnonzero(sizes > 1)
    if not len(repeated):
        means = "No image is counted twice." if certain else "Mirrored, turned or cropped copies are not looked for."
        yield Finding(check, OK, f"No {what} among {len(groups):,} images", means, "")
        return
    members = _members(groups, sizes)
    across = [one for one in repeated if len({*evidence.parts[members[one]].tolist()}) > 1]
    leaking = [one for one in across if TEST in evidence.parts[members[one]].tolist()]
    disagreeing = [one for one in repeated if len({*evidence.labels[members[one]].tolist()}) > 1]
    look = (
        ""
        if certain
        else " Look at the examples first: alike is not always the same. Mirrored or cropped copies are not found."
    )
    if across:
        n_test = sum(int((evidence.parts[members[one]] == TEST).sum()) for one in leaking)
        share = n_test / max(1, int((evidence.parts == TEST).sum()))
        yield Finding(
            check,
            (SEVERE if certain else WARNING) if leaking else WARNING,
            f"{len(across):,} image{'s have' if len(across) != 1 else ' has'} {what} in different parts"
            + (f": {n_test:,} test images ({share:.1%}) have been seen in training" if leaking else ""),
            "A network can remember these images instead of recognising them: accuracy is too high, most of all for large"
            " networks that are trained for long.",
            f"Remove the copies from the training part (or give copies one group, so that a split keeps them together).{look}",
            {"images": len(across), "test_images": n_test, "share_of_test": round(share, 4)},
            _examples(evidence, members, leaking or across),
        )
    if disagreeing:
        yield Finding(
            check,
            WARNING,
            f"{len(disagreeing):,} image{'s have' if len(disagreeing) != 1 else ' has'} {what} with another label",
            "At least one of the labels is wrong, or the classes overlap: no network can get both right.",
            f"Correct the labels, or remove these images.{look}",
            {"images": len(disagreeing)},
            _examples(evidence, members, disagreeing),
        )
    inside = [one for one in repeated if one not in {*across, *disagreeing}]
    if inside:
        extra = int(sum(sizes[one] - 1 for one in inside))
        yield Finding(
            check,
            NOTICE if extra < 0.1 * len(groups) else WARNING,
            f"{extra:,} of {len(groups):,} images are {what} of others in the same part and class",
            "They count several times: the data are smaller than they seem, and a label budget buys less.",
            f"Keep one of each.{look}",
            {"images": len(inside), "extra": extra},
            _examples(evidence, members, inside),
        )


def _members(groups: np.ndarray, sizes: np.ndarray) -> list[np.ndarray]:
    return np.split(np.argsort(groups, kind="stable"), np.cumsum(sizes)[:-1])


def _examples(evidence: Evidence, members: list[np.ndarray], chosen: list) -> tuple[Example, ...]:
    """Some groups, and of each two images that differ most: in part, then in label."""
    found: list[Example] = []
    for number, one in enumerate(chosen[: MAX_EXAMPLES // 2]):
        places = members[one]
        first = places[0]
        other = max(
            places[1:],
            key=lambda at, first=first: (
                evidence.parts[at] != evidence.parts[first],
                evidence.labels[at] != evidence.labels[first],
            ),
        )
        found += evidence.examples([first, other], number)
    return tuple(found)
