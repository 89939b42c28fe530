"""The proof that what is frozen has not moved: hashes of every frozen tensor, before and after. Loads torch."""

from __future__ import annotations

import torch

from engine.backbones._network import Network
from engine.backbones._weights import tensors_sha256
from engine.events import FreezeChecked


def hashes(network: Network) -> dict[str, str]:
    """A hash per frozen tensor and buffer, by name."""
    return {name: tensors_sha256({name: tensor}) for name, tensor in network.frozen_tensors().items()}


def freeze_proof(network: Network, before: dict[str, str]) -> FreezeChecked:
    """Compare the frozen tensors with what they were."""
    after = hashes(network)
    changed = [name for name in before if after[name] != before[name]]
    return FreezeChecked(len(before), _digest(before), _digest(after), changed)


def _digest(hashes_by_name: dict[str, str]) -> str:
    return tensors_sha256(
        {"all": torch.tensor(list("".join(sorted(hashes_by_name.values())).encode()), dtype=torch.uint8)}
    )
