"""The optimiser of a training: one group for all that may move, or one for every unit where their rates or decays differ."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from engine.backbones._network import Network
from engine.course import Course
from engine.spec import AUTO, TrainSpec
from engine.tuning import Tuning


def optimiser_of(network: Network, spec: TrainSpec, course: Course, tuning: Tuning) -> torch.optim.Optimizer:
    """The optimiser of all that may move; units apart where their rates or their decay differ."""
    moving = [parameter for parameter in network.parameters() if parameter.requires_grad]
    if course.uniform and not tuning.replaces_decay:
        return make_optimiser(moving, spec)
    unit_of = {id(one): unit for unit in range(network.n_units) for one in network.unit_parameters(unit)}
    groups = []
    for unit in range(network.n_units + 1):
        held = unit < network.n_units and tuning.replaces_decay
        mine = [parameter for parameter in moving if unit_of.get(id(parameter), network.n_units) == unit]
        groups += [
            {**group, "unit": unit} for group in decayed(mine, 0.0 if held else spec.weight_decay) if group["params"]
        ]
    return make_optimiser(groups, spec)


def let_learn(network: Network, optimiser: torch.optim.Optimizer, learning: frozenset[int]) -> frozenset[int]:
    """Let some units learn (the last number is the head) and the others rest; what rests forgets its momentum."""
    network.rest(unit for unit in range(network.n_units + 1) if unit not in learning)
    for group in optimiser.param_groups:
        for parameter in group["params"]:
            if not parameter.requires_grad:
                parameter.grad = None
                optimiser.state.pop(parameter, None)
    return learning


def decayed(parameters: list[torch.nn.Parameter], weight_decay: float) -> list[dict[str, Any]]:
    """Weight decay on matrices and kernels, not on biases, normalisation and what is marked so (`decays = False`)."""
    held = [parameter.ndim > 1 and getattr(parameter, "decays", True) for parameter in parameters]
    return [
        {
            "params": [one for one, decays in zip(parameters, held, strict=True) if decays == wanted],
            "weight_decay": decay,
        }
        for wanted, decay in ((True, weight_decay), (False, 0.0))
    ]


def make_optimiser(parameters: list[Any], spec: TrainSpec) -> torch.optim.Optimizer:
    """SGD with Nesterov momentum 0.9, or AdamW, of parameters or of groups of them.

    Raises:
        ValueError: the spec leaves optimiser or rate at `auto`, which `engine.recipes` has to settle first.
    """
    if AUTO in (spec.optimizer, spec.learning_rate):
        raise ValueError("the training was not settled: its optimiser or learning rate is still 'auto'")
    grouped = bool(parameters) and isinstance(parameters[0], dict)
    groups = parameters if grouped else decayed(parameters, spec.weight_decay)
    if spec.optimizer == "adamw":
        return torch.optim.AdamW(groups, lr=spec.learning_rate)
    return torch.optim.SGD(groups, lr=spec.learning_rate, momentum=0.9, nesterov=True)


def lay_out(optimiser: torch.optim.Optimizer) -> None:
    """Give restored optimiser tensors the memory layout of their parameters: other layouts take other kernels."""
    for parameter, state in optimiser.state.items():
        for name, value in state.items():
            if isinstance(value, Tensor) and value.shape == parameter.shape:
                state[name] = torch.empty_like(parameter, dtype=value.dtype).copy_(value)
