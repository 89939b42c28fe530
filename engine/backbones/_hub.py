"""One file from the Hugging Face hub: from the cache where it is there, downloaded otherwise, checked by hash.

Only safetensors and the JSON of a tokenizer are ever asked for. Without a network the answer comes within seconds, never
after retries.
"""

from __future__ import annotations

import io
import os
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import huggingface_hub
from huggingface_hub import constants, get_hf_file_metadata, hf_hub_download, hf_hub_url, try_to_load_from_cache
from huggingface_hub.utils import tqdm

from engine.backbones import _disk
from engine.backbones._disk import FILENAME, in_words
from engine.backbones._weights import file_sha256
from engine.control import Cancelled
from engine.errors import WeightsError

# The client's other protocol downloads in threads of its own, which do not end when a run is stopped.
constants.HF_HUB_DISABLE_XET = True
ANSWER_SECONDS = 3.0
"""How long the hub may take to say that it is there."""
SPARE_BYTES = 200_000_000
"""Of the disk are left alone: the store and the checkpoints of runs need room too."""

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class HubFile:
    """A file in the cache, whole and unaltered."""

    path: Path
    repository: str
    revision: str
    """The commit it belongs to."""
    sha256: str


def fetch(
    repository: str,
    *,
    filename: str = FILENAME,
    cache_dir: str | None = None,
    endpoint: str | None = None,
    progress: Progress | None = None,
) -> HubFile:
    """A file of a hub repository; a cached one is used without asking the hub.

    Args:
        repository: `owner/name`.
        filename: in it; the backbone's weights where nothing is said.
        cache_dir: default: HF_HUB_CACHE, else the one that all programs of this user share.
        endpoint: default: HF_ENDPOINT, else the public hub.
        progress: told bytes done and bytes in all.

    Raises:
        WeightsError: there is no such repository or file, no network and nothing cached, no room on the disk, the download
            was cut, or the file's hash is not the one that the hub gave it.
        Cancelled: `progress` raised it; what was downloaded until then is removed.
    """
    cache = cache_dir or os.environ.get("HF_HUB_CACHE") or constants.HF_HUB_CACHE
    hub = endpoint or os.environ.get("HF_ENDPOINT") or constants.ENDPOINT
    found = try_to_load_from_cache(repository, filename, cache_dir=cache)
    if isinstance(found, str):
        return _checked(Path(found), repository)
    downloaded = Path(_download(repository, filename, cache, hub, progress))
    try:
        return _checked(downloaded, repository)
    except WeightsError as error:
        # What the hub announced is not what came: nobody has used it yet, so nothing is lost by removing it.
        downloaded.resolve().unlink()
        downloaded.unlink(missing_ok=True)
        raise WeightsError(
            f"The download of {repository}/{filename} from {hub} was damaged on its way: its SHA-256 is not the one that"
            " the hub announced. Nothing of it was kept; try again."
        ) from error


def _download(repository: str, filename: str, cache: str, hub: str, progress: Progress | None) -> str:
    advice = f" {_there_is(repository, cache)} Use those, or weights 'file:PATH', or 'random'."
    if filename != FILENAME:  # something that belongs to weights which are here
        advice = ""
    try:
        # The client answers an unreachable hub with half a minute of retries: ask once ourselves first.
        address = hf_hub_url(repository, filename, endpoint=hub)
        announced = get_hf_file_metadata(address, timeout=ANSWER_SECONDS, token=False)
    except Exception as error:  # of whichever HTTP library the client is built on; all are passed on
        raise WeightsError(
            f"{'The pretrained weights' if advice else 'The file'} {repository}/{filename} cannot be had from {hub}:"
            f" {_reason(error)}.{advice}"
        ) from error
    _check_room(repository, cache, announced.size or 0)
    try:
        return hf_hub_download(
            repository,
            filename,
            cache_dir=cache,
            endpoint=hub,
            etag_timeout=ANSWER_SECONDS,
            tqdm_class=_reporting(progress),
            token=False,  # public files only: nobody's credentials leave this machine
        )
    except Cancelled:
        raise
    except Exception as error:
        raise WeightsError(
            f"The download of {repository}/{filename} from {hub} was not completed: {_reason(error)}."
            f" Nothing of it was kept; try again.{advice}"
        ) from error


def _check_room(repository: str, cache: str, size: int) -> None:
    there = next(folder for folder in (Path(cache), *Path(cache).absolute().parents) if folder.is_dir())
    free = shutil.disk_usage(there).free
    if size + SPARE_BYTES > free:
        raise WeightsError(
            f"The weights {repository} are {in_words(size)}, and {in_words(free)} are free on the disk of {cache}"
            f" ({in_words(SPARE_BYTES)} of it stay free). Make room, or set HF_HUB_CACHE to a folder on another disk."
        )


def _reason(error: Exception) -> str:
    response = getattr(error, "response", None)
    if response is not None and response.status_code in (401, 403, 404):
        return f"there is no such public file (HTTP {response.status_code})"
    if isinstance(error, huggingface_hub.errors.OfflineModeIsEnabled):
        return "HF_HUB_OFFLINE is set"
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".") if lines else type(error).__name__


def _there_is(repository: str, cache: str) -> str:
    """What the cache holds, of this repository first: that is what can be used without a network."""
    others = sorted(_disk.repositories(Path(cache)) - {repository})
    names = [f"timm:{other.removeprefix('timm/')}" if other.startswith("timm/") else other for other in others]
    shown = ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
    return f"Weights on this machine (in {cache}): {shown or 'none from the hub, only those that are shipped'}."


def _checked(path: Path, repository: str) -> HubFile:
    sha256 = file_sha256(path)
    blob = path.resolve().name  # the hub names large files by their SHA-256, small ones by a git hash
    if re.fullmatch(r"[0-9a-f]{64}", blob) and blob != sha256:
        raise WeightsError(
            f"{path} was altered or damaged: its SHA-256 is {sha256[:12]}..., the hub's is {blob[:12]}..."
            f" Delete {path.resolve()} and {path} to download it again."
        )
    return HubFile(path=path, repository=repository, revision=path.parent.name, sha256=sha256)


def _reporting(progress: Progress | None) -> type[tqdm]:
    class Reporting(tqdm):
        """A progress bar that draws nothing and tells `progress` instead."""

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **(kwargs | {"file": io.StringIO(), "disable": False, "mininterval": 0.0}))

        def update(self, n: float | None = 1) -> bool | None:
            shown = super().update(n)
            if progress is not None and self.total:
                progress(int(self.n), int(self.total))
            return shown

        def update_transfer(self, n: float | None = 1) -> None:
            """Bytes on the wire: the client asks for them beside the bytes of the file, which are what is told."""

    return Reporting
