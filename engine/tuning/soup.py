"""Soup: sum of shares times the weights of runs that kept them; updates of low rank are put into their layers first."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from engine import run_weights
from engine.backbones._weights import read_safetensors
from engine.errors import StrategyError, WeightsError
from engine.scores import FeatureSplit
from engine.scores.linear_probe import log_loss
from engine.strategies._layers import layers
from engine.strategies._runs import ids
from engine.tuning import _base, lora


class Tuning(_base.Tuning):
    """Mixes before anything is measured; the head that comes out stands for one that is solved."""

    def shares(self, n: int) -> list[float]:
        """Of each run, in order; they make one."""
        return [1 / n] * n

    def prepare(self) -> None:
        """Raises StrategyError or WeightsError naming the run that cannot be mixed."""
        names = ids(self.settings)
        found = [self.learned(name) for name in names]
        mixed = {
            name: sum(share * one[name] for share, one in zip(self.shares(len(found)), found, strict=True))
            if tensor.is_floating_point()
            else tensor
            for name, tensor in found[0].items()
        }
        self.network.load_state_dict(mixed)

    def learned(self, run_id: str) -> dict[str, Tensor]:
        """What a run learned, as tensors of this network. Raises WeightsError where they are not there or do not fit."""
        tensors = self.kept(run_id)
        wanted = self.network.state_dict()
        for layer in layers(self.setup.card):
            tensors = lora.taken_in(tensors, layer.module)
        if extra := [name for name in tensors if name.startswith("added.")]:
            raise StrategyError(
                f"Run {run_id} put {extra[0].removeprefix('added.')!r} into its network, which is no part of its weights:"
                " only runs that change weights, and LoRA, can be mixed."
            )
        for name, tensor in wanted.items():
            if name not in tensors or tensors[name].shape != tensor.shape:
                raise WeightsError(
                    f"Run {run_id} does not fit: its {name} is missing or has another shape. Mix runs of the same network"
                    " and the same classes."
                )
        return {name: tensors[name].to(tensor) for name, tensor in wanted.items()}

    def kept(self, run_id: str) -> dict[str, Tensor]:
        """The tensors in the file of a run. Raises WeightsError where it is not there."""
        file = run_weights.path(self.setup.home, run_id) if self.setup.home else None
        if file is None or not file.is_file():
            raise WeightsError(
                f"Run {run_id} has left no weights here. It must finish first, with keep_weights = true: run it again."
            )
        return read_safetensors(file)

    @torch.no_grad()
    def solve(self, depths: Sequence[FeatureSplit]) -> _base.Solved:
        head, last = self.network.head, depths[-1]
        weight, bias = head.weight.double().cpu().numpy(), head.bias.double().cpu().numpy()
        logits = last.validation @ weight.T + bias
        accuracy = float(np.mean(logits.argmax(1) == last.validation_labels))
        notice = f"the weights are a mix of runs {', '.join(ids(self.settings))}"
        return _base.Solved(weight, bias, accuracy, log_loss(logits, last.validation_labels), notice)
