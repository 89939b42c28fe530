"""The network that a run starts from: built, with its weights downloaded, loaded or drawn. Loads torch."""

from __future__ import annotations

from pathlib import Path

import torch

from engine import backbones, run_weights, seeding
from engine.backbones._disk import in_words
from engine.backbones._network import Network
from engine.backbones._weights import load_file
from engine.control import Control
from engine.errors import BackboneError
from engine.spec import RunSpec


def fetch_weights(run: RunSpec, weights: str, home: Path | None, control: Control) -> None:
    """Download pretrained weights that are not on this machine yet; the progress is told.

    Raises:
        WeightsError: they cannot be had.
        Cancelled: the run was stopped meanwhile.
    """
    fetch = backbones.family_of(run.backbone).fetch
    if weights != "pretrained" or fetch is None:
        return

    def told(done: int, whole: int) -> None:
        control.tell(f"downloading weights ({in_words(whole)})", done / max(whole, 1))

    fetch(run.backbone, home, told)


def build_network(run: RunSpec, weights: str, home: Path | None) -> tuple[Network, str]:
    """The backbone with the weights asked for, and where they came from."""
    family = backbones.family_of(run.backbone)
    with torch.random.fork_rng(devices=[]):
        # Strategies of one seed that start from random weights start from the same ones.
        torch.manual_seed(seeding.derive(run.seed, "weights"))
        network = family.build(run.backbone)
    origin = _load(network, run, weights, home)
    if run.copied_depth is not None:
        start_anew(network, run)
        origin = f"units 1 to {run.copied_depth} from {origin}; the others random"
    return network, origin


def _load(network: Network, run: RunSpec, weights: str, home: Path | None) -> str:
    if weights == "random":
        return f"random, seed {run.seed}"
    if weights.startswith("file:"):
        return load_file(network, run.backbone, Path(weights.removeprefix("file:")).expanduser())
    if weights.startswith(run_weights.PREFIX):
        return run_weights.load(network, home, weights)
    return backbones.family_of(run.backbone).load(network, run.backbone, home)


def start_anew(network: Network, run: RunSpec) -> None:
    """Give every unit beyond the copied depth random weights, in place.

    Not those that the base of this seed began with: a unit that was trained from the same start could find its way back
    to the units it was trained with, and that is what the study asks about.

    Raises:
        BackboneError: the network has fewer units.
    """
    if run.copied_depth > network.n_units:
        raise BackboneError(
            f"The first {run.copied_depth} units cannot be copied: {run.backbone} has {network.n_units} units."
        )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seeding.derive(run.seed, "weights", "anew"))
        fresh = backbones.family_of(run.backbone).build(run.backbone)
    with torch.no_grad():
        for unit in range(run.copied_depth, network.n_units):
            new = dict(fresh.unit_tensors(unit))
            for name, tensor in network.unit_tensors(unit):
                tensor.copy_(new[name])
