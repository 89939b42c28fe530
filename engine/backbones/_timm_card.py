"""Cards of timm models: what timm says about the weights, and costs measured on the model itself."""

from __future__ import annotations

from typing import Any

import torch
from timm.data import resolve_model_data_config
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from engine.backbones._base import Card, Unit
from engine.backbones._parts import weights_of
from engine.backbones._source_data import source_data
from engine.backbones._timm import build
from engine.backbones._timm_network import ComposedTimm, GroupedTimm, TimmNetwork
from engine.backbones._timm_sizes import Size
from engine.backbones._unit_costs import KeptBytes, describe_units
from engine.backbones.timm_models import PREFIX
from engine.errors import BackboneError

GROUPED_NOTES = (
    "Units are timm's parameter groups in forward order; the model is always run whole, so no part can be cut off.",
    "Features of a unit are those of its last module; in a branched network that is one branch of it.",
)


def describe(name: str) -> Card:
    """The card of a timm model: nothing is downloaded, costs are those of one image at the model's own input size.

    Raises:
        UnknownNameError: timm has no such model or tag.
        BackboneError: it cannot be built or run.
    """
    with torch.inference_mode(False), torch.enable_grad():
        network, units = _measured(name)
    told = network.model.pretrained_cfg
    data = resolve_model_data_config(network.model)
    composable = isinstance(network, ComposedTimm)
    return Card(
        name=name,
        label=name.removeprefix(PREFIX),
        summary=_summary(network, units, told),
        family="timm",
        source=_source(told),
        input_size=tuple(data["input_size"]),
        mean=tuple(data["mean"]),
        std=tuple(data["std"]),
        interpolation=data["interpolation"],
        units=units,
        source_data=source_data(told.get("tag") or ""),
        licence=told.get("license") or "",
        weights=f"hub:{told['hf_hub_id']}" if told.get("hf_hub_id") else "",
        weights_bytes=_file_bytes(network, told) if told.get("hf_hub_id") else 0,
        crop_fraction=data["crop_pct"],
        crop_mode=data["crop_mode"],
        composable=composable,
        notes=() if composable else (*GROUPED_NOTES, *_blind(units)),
    )


def _file_bytes(network: TimmNetwork, told: dict[str, Any]) -> int:
    """About the size of the hub's file: float32 tensors with a linear classifier of the source classes."""
    saved = sum(tensor.numel() for tensor in network.model.state_dict().values())
    return Size(0, saved, network.n_features).file_bytes(told.get("num_classes") or 0)


def _summary(network: TimmNetwork, units: tuple[Unit, ...], told: dict[str, Any]) -> str:
    millions = sum(unit.parameters for unit in units) / 1e6
    data = source_data(told.get("tag") or "")
    trained = f", pretrained on {data}" if data else ""
    return f"{type(network.model).__name__} of timm in {len(units)} units, {millions:.1f} M parameters{trained}."


def _source(told: dict[str, Any]) -> str:
    papers = told.get("paper_ids") or ()
    papers = (papers,) if isinstance(papers, str) else tuple(papers)
    return "; ".join(filter(None, (told.get("paper_name"), *papers, told.get("origin_url")))) or "timm"


def _blind(units: tuple[Unit, ...]) -> tuple[str, ...]:
    names = [unit.name for unit in units if not unit.n_features]
    return (f"No features of their own, so no measures at: {', '.join(names)}.",) if names else ()


def _measured(name: str) -> tuple[TimmNetwork, tuple[Unit, ...]]:
    # On the meta device nothing is allocated or computed, so the largest models take a second; some cannot run there.
    try:
        with torch.device("meta"):
            network = build(name)
            return network, measure(network)
    except (BackboneError, RuntimeError, TypeError, ValueError):
        network = build(name)
    try:
        return network, measure(network)
    except (RuntimeError, TypeError, ValueError, AssertionError) as error:
        raise BackboneError(f"{name} cannot be run on images of its input size: {error}") from error


def measure(network: TimmNetwork) -> tuple[Unit, ...]:
    """Units of a timm network with their costs per image, at the model's own input size."""
    size = tuple(resolve_model_data_config(network.model)["input_size"])
    return describe_units(network, size) if isinstance(network, ComposedTimm) else _measure_groups(network, size)


def _measure_groups(network: GroupedTimm, size: tuple[int, int, int]) -> tuple[Unit, ...]:
    images = torch.zeros(2, *size, device=next(network.parameters()).device)
    with torch.no_grad():
        taken = network.eval().features(images)
    ledger = _Ledger(network)
    with network.train().watched(ledger.enter, ledger.leave), ledger.counter:
        with torch.autograd.graph.saved_tensors_hooks(ledger.keep, lambda tensor: tensor):
            embedded = network.embed(images)
        ledger.charge()
    return tuple(
        Unit(
            name=network.unit_names[unit],
            stage=network.stages[unit],
            parameters=sum(tensor.numel() for tensor in network.unit_parameters(unit)),
            flops=ledger.flops[unit] // len(embedded),
            activation_bytes=ledger.kept[unit].total // len(embedded),
            n_features=features.shape[1] if features is not None else 0,
            weights=weights_of(network, unit),
        )
        for unit, features in enumerate(taken)
    )


class _Ledger:
    """Books FLOPs and kept bytes on the unit whose module is running (the innermost of those that are)."""

    def __init__(self, network: GroupedTimm) -> None:
        parameters: list[nn.Parameter] = list(network.parameters())
        self.flops = [0] * network.n_units
        self.kept = [KeptBytes(parameters) for _ in range(network.n_units)]
        self.counter = FlopCounterMode(display=False)
        self._running = [network.n_units - 1]
        self._booked = 0

    def charge(self) -> None:
        total = self.counter.get_total_flops()
        self.flops[self._running[-1]] += total - self._booked
        self._booked = total

    def enter(self, unit: int) -> None:
        self.charge()
        self._running.append(unit)

    def leave(self, unit: int, output: Any) -> None:
        self.charge()
        self._running.pop()

    def keep(self, tensor: Tensor) -> Tensor:
        return self.kept[self._running[-1]].keep(tensor)
