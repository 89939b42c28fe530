"""Weights that a run learned, kept for runs that start from them: `weights = "run:RUN_ID"`.

They lie in the home directory as safetensors, one file per run; a file appears whole or not at all.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import WeightsError

if TYPE_CHECKING:
    from engine.backbones._network import Network

PREFIX = "run:"


def path(home: Path, run_id: str) -> Path:
    """Where the weights of a run are, if they were kept."""
    return home / "weights" / f"{run_id}.safetensors"


def keep(network: Network, home: Path, run_id: str) -> Path:
    """Keep the selected weights of a run, backbone and head."""
    from engine.backbones._weights import save_backbone

    file = path(home, run_id)
    file.parent.mkdir(exist_ok=True)
    save_backbone(network, file, {"run_id": run_id})
    return file


def load(network: Network, home: Path | None, weights: str) -> str:
    """Load the backbone that a run learned, in place; returns the run's id with the file's checksum.

    Raises:
        WeightsError: that run kept no weights here, or they do not fit this backbone.
    """
    from engine.backbones._weights import file_sha256, load_backbone, read_safetensors

    run_id = weights.removeprefix(PREFIX)
    file = path(home, run_id) if home else None
    if file is None or not file.is_file():
        raise WeightsError(
            f"Run {run_id}, from whose weights this run starts, has left no weights here. It must finish first, with"
            " keep_weights = true: look at its state in the Library, run it again, then resume this run."
        )
    tensors = read_safetensors(file)
    if any(name.startswith("added.") for name in tensors):
        raise WeightsError(
            f"Run {run_id} learned in modules that its strategy put into the network, not in the backbone's own weights, so"
            " nothing can start from those. Start from a run that trained the backbone itself."
        )
    load_backbone(network, tensors, f"run {run_id}", ignore=lambda key: key.startswith("head."))
    return f"run {run_id} sha256:{file_sha256(file)[:12]}"
