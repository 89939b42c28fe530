"""Weights in and out: safetensors only, names and shapes must match, values must be finite."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import psutil
import safetensors.torch
import torch
from safetensors import SafetensorError

from engine.backbones._base import family_of
from engine.backbones._disk import in_words
from engine.backbones._network import Network
from engine.errors import WeightsError

MAX_HEADER_BYTES = 16_000_000
"""A header names the tensors; that of the largest model of timm has a tenth of this."""


def file_sha256(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def tensors_sha256(tensors: dict[str, torch.Tensor]) -> str:
    """SHA-256 over names, shapes, types and bits of tensors, in order of name."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name].detach().cpu().contiguous()
        digest.update(f"{name}|{tensor.dtype}|{tuple(tensor.shape)}|".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def read_safetensors(path: Path) -> dict[str, torch.Tensor]:
    """All tensors of a safetensors file.

    Raises:
        WeightsError: no such file, not a safetensors file (a pickle is never opened), larger than half of the free memory,
            or a value is not finite.
    """
    if not path.is_file():
        raise WeightsError(f"There is no weights file {path}.")
    try:
        _check_header(path)
        tensors = safetensors.torch.load_file(path)
    except (SafetensorError, ValueError, OSError) as error:
        raise WeightsError(
            f"{path} is not a safetensors file ({error}). Only safetensors are read: other formats can run code."
            " Convert it with safetensors.torch.save_file(model.state_dict(), 'weights.safetensors')."
        ) from error
    bad = [name for name, tensor in tensors.items() if tensor.is_floating_point() and not tensor.isfinite().all()]
    if bad:
        raise WeightsError(f"{path} holds values that are not finite in: {_some(bad)}.")
    return tensors


def _check_header(path: Path) -> None:
    size, free = path.stat().st_size, psutil.virtual_memory().available
    with path.open("rb") as stream:
        header = int.from_bytes(stream.read(8), "little")
    if header > min(size, MAX_HEADER_BYTES):
        raise ValueError(f"its header would have {header:,} bytes")
    if size > free / 2:
        raise WeightsError(
            f"{path} has {in_words(size)}, and {in_words(free)} of memory are free (half of it may be used)."
            " Free memory, or use a smaller backbone."
        )


def load_backbone(
    network: Network, tensors: dict[str, torch.Tensor], origin: str, ignore: Callable[[str], bool] = lambda name: False
) -> None:
    """Copy tensors into a network's backbone, in place.

    Args:
        network: its head is left as it is.
        tensors: by the names of `Network.backbone_state`.
        origin: what messages call the tensors.
        ignore: names that may be there and are not used (a source task's head).

    Raises:
        WeightsError: names are missing or unexpected, or shapes differ; all of them are listed, nothing is loaded.
    """
    wanted = network.backbone_state()
    given = {name: tensor for name, tensor in tensors.items() if not ignore(name)}
    missing = [name for name in wanted if name not in given]
    extra = [name for name in given if name not in wanted]
    shapes = [
        f"{name} {tuple(given[name].shape)} instead of {tuple(wanted[name].shape)}"
        for name in wanted
        if name in given and given[name].shape != wanted[name].shape
    ]
    parts = [(missing, "missing"), (extra, "not in this backbone"), (shapes, "of another shape")]
    problems = [f"{len(names)} {what}: {_some(names)}" for names, what in parts if names]
    if problems:
        raise WeightsError(f"The weights of {origin} do not fit this backbone. {'; '.join(problems)}.")
    with torch.no_grad():
        for name, tensor in wanted.items():
            tensor.copy_(given[name])


def load_file(network: Network, name: str, path: Path) -> str:
    """Load a local safetensors file into the backbone called `name`, in place; returns where the weights came from.

    Both our own files and those with the family's original names are taken; a head in them is not used.

    Raises:
        WeightsError: not a safetensors file, a value is not finite, or names or shapes do not fit; nothing is loaded.
    """
    tensors = family_of(name).rename(network, read_safetensors(path))
    load_backbone(network, tensors, str(path), ignore=lambda key: key.startswith("head."))
    return f"{path} sha256:{file_sha256(path)[:12]}"


def save_backbone(network: Network, path: Path, metadata: dict[str, str]) -> None:
    """Write a network's backbone and head as safetensors; the file appears whole or not at all."""
    state = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
    part = path.with_name(path.name + ".part")
    safetensors.torch.save_file(state, part, metadata=metadata)
    part.replace(path)


def _some(names: list[str], shown: int = 6) -> str:
    return ", ".join(names[:shown]) + (f" and {len(names) - shown} more" if len(names) > shown else "")
