"""Decode every image of a source once, in parallel and in order, into whatever takes blocks of pixels."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from engine.datasets._decode import BrokenImage, Sizing, bombs_refused, content_hash, reason, to_pixels
from engine.datasets._source import Source

GROUP = 32
"""Images that one thread decodes in a row: handing them over singly would cost more than decoding small ones."""

Tell = Callable[[str, float], None]
"""(phase, share done 0..1); may raise to stop the work."""


def silent(phase: str, share: float) -> None:
    """Tell nobody."""


@dataclass(frozen=True)
class Filled:
    """What decoding found out about the images."""

    kept: np.ndarray
    """int64: which images of the source could be read, in order."""
    hashes: list[str]
    """Of their contents."""
    skipped: tuple[str, ...]
    """The others, each with its reason."""


def fill(source: Source, sizing: Sizing, write: Callable[[np.ndarray], None], tell: Tell = silent) -> Filled:
    """Decode and resize the images of a source.

    Args:
        source: what to decode.
        sizing: what to make of each image.
        write: takes uint8 (n, side, side, 3), in the order of the source, without the images that are broken.
        tell: told the share done after every group; what it raises stops the work.
    """
    n_images = len(source.labels)
    kept: list[int] = []
    hashes: list[str] = []
    skipped: list[str] = []

    def decode(start: int) -> list[tuple[np.ndarray, str] | str]:
        return [_one(source, index, sizing) for index in range(start, min(start + GROUP, n_images))]

    with bombs_refused():
        for start, group in zip(range(0, n_images, GROUP), in_order(decode, range(0, n_images, GROUP)), strict=True):
            good = []
            for index, found in enumerate(group, start):
                if isinstance(found, str):
                    skipped.append(f"{source.names[index]}: {found}")
                else:
                    good.append(found[0])
                    hashes.append(found[1])
                    kept.append(index)
            if good:
                write(np.stack(good))
            tell("decoding", min(start + GROUP, n_images) / n_images)
    return Filled(np.asarray(kept, dtype=np.int64), hashes, tuple(skipped))


def _one(source: Source, index: int, sizing: Sizing) -> tuple[np.ndarray, str] | str:
    """The pixels and the content's hash (the same at every size), or why there are none."""
    try:
        content = source.read(index)
        raw = content if isinstance(content, bytes) else np.ascontiguousarray(content).tobytes()
        return to_pixels(content, sizing), content_hash(raw)
    except BrokenImage as error:
        return str(error)
    except OSError as error:
        return reason(b"?", error)


def threads() -> int:
    """Threads that decode: every core there is."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def in_order(work: Callable[[int], object], starts: range) -> Iterator:
    """`map(work, starts)` by threads, in order, never far ahead of who takes the results: memory stays bounded."""
    waiting: deque[Future] = deque()
    pool = ThreadPoolExecutor(threads(), thread_name_prefix="decode")
    try:
        for start in starts:
            waiting.append(pool.submit(work, start))
            if len(waiting) > 2 * threads():
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
