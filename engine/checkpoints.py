"""Checkpoints: what a run needs to go on with the same bits. Tensors as safetensors, the rest as JSON, manifest last."""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from engine.backbones._weights import file_sha256
from engine.durable import replace
from engine.errors import StoreError
from engine.leases import Lease

KEPT = 2


def folder(home: Path, run_id: str) -> Path:
    """Where a run's checkpoints are."""
    return home / "checkpoints" / run_id


def save(home: Path, lease: Lease, state: dict[str, Any], ordinal: int) -> None:
    """Write a state durably; the two newest checkpoints of the run are kept.

    Args:
        home: the home directory.
        lease: the run and its attempt.
        state: nested dictionaries and lists of tensors, numbers and strings.
        ordinal: how many events the run had emitted.

    Raises:
        StoreError: it could not be written (a full disk); no half file stays, earlier checkpoints do.
    """
    target = folder(home, lease.spec.run_id)
    try:
        _write(target, lease.attempt, state, ordinal)
    except (OSError, SafetensorError) as error:
        with contextlib.suppress(OSError):  # there may be nothing to remove, or nowhere
            (target / "part").unlink()
        raise StoreError(
            f"a checkpoint could not be written to {target}: {error}. Make room on the disk, then resume the run"
        ) from error


def _write(target: Path, attempt: int, state: dict[str, Any], ordinal: int) -> None:
    tensors: dict[str, torch.Tensor] = {}
    structure = _flatten(state, "s", tensors)
    target.mkdir(parents=True, exist_ok=True)
    stem = f"{attempt:04d}-{ordinal:08d}"
    weights = target / f"{stem}.safetensors"
    save_file(tensors, target / "part")
    replace(target / "part", weights)
    content = json.dumps(
        {"sha256": file_sha256(weights), "ordinal": ordinal, "attempt": attempt, "structure": structure}
    )
    (target / "part").write_text(f"{_digest(content)}\n{content}\n", encoding="utf-8")
    replace(target / "part", target / f"{stem}.json")
    for old in sorted(target.glob("*.json"))[:-KEPT]:
        old.unlink()
        old.with_suffix(".safetensors").unlink(missing_ok=True)


def newest(home: Path, lease: Lease) -> tuple[dict[str, Any] | None, int, str]:
    """The newest valid checkpoint of this attempt.

    Returns:
        The state (None: start from the beginning), the number of events emitted before it, and a sentence that names
        damaged checkpoints which were passed over (empty if none were).
    """
    damaged: list[str] = []
    for manifest in sorted(folder(home, lease.spec.run_id).glob(f"{lease.attempt:04d}-*.json"), reverse=True):
        try:
            return *_read(manifest), _passed_over(damaged)
        except (StoreError, OSError, ValueError) as error:
            damaged.append(f"{manifest.stem} ({error})")
    return None, 0, _passed_over(damaged)


def _passed_over(damaged: list[str]) -> str:
    if not damaged:
        return ""
    return f"damaged checkpoint{'s' if len(damaged) > 1 else ''}: {', '.join(damaged)}; an earlier state was used"


def discard(home: Path, run_id: str) -> None:
    """Remove a run's checkpoints."""
    shutil.rmtree(folder(home, run_id), ignore_errors=True)


def _read(manifest: Path) -> tuple[dict[str, Any], int]:
    digest, _, content = manifest.read_text(encoding="utf-8").partition("\n")
    content = content.removesuffix("\n")
    if _digest(content) != digest:
        raise StoreError("its manifest is not what was written")
    values = json.loads(content)
    weights = manifest.with_suffix(".safetensors")
    if file_sha256(weights) != values["sha256"]:
        raise StoreError("its tensors are not what was written")
    return _unflatten(values["structure"], load_file(weights)), values["ordinal"]


def _digest(content: str) -> str:
    return hashlib.sha256(content.encode()).hexdigest()


def _flatten(value: Any, path: str, tensors: dict[str, torch.Tensor]) -> Any:
    if isinstance(value, torch.Tensor):
        # Cloned: two names may share memory, which safetensors refuses.
        tensors[path] = value.detach().cpu().contiguous().clone()
        return {"tensor": path}
    if isinstance(value, dict):
        # JSON has text keys only; an optimiser's state has numbers as keys.
        return {"dict": [[key, _flatten(item, f"{path}.{key}", tensors)] for key, item in value.items()]}
    if isinstance(value, list | tuple):
        return {"list": [_flatten(item, f"{path}.{place}", tensors) for place, item in enumerate(value)]}
    return {"value": value}


def _unflatten(node: dict[str, Any], tensors: dict[str, torch.Tensor]) -> Any:
    (kind, content), *_ = node.items()
    if kind == "tensor":
        return tensors[content]
    if kind == "dict":
        return {key: _unflatten(item, tensors) for key, item in content}
    if kind == "list":
        return [_unflatten(item, tensors) for item in content]
    return content
