"""EWC: strength / 2 * sum F_i (w_i - w_i,pretrained)^2, F the diagonal Fisher information on source images over its mean.

F_i is cut at `MOST` times the mean. Beside biases of an early unit without normalisation a few weights reach tens of thousands:
their pull is steeper than steps of SGD with momentum can follow (rate x strength x F above 1.4), and the loss grows without end
(plain8_cifar10, seed 5: 28,987). One weight in about 10,000 is beyond 150 to 330, so the cut leaves nearly all as they are.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from engine import seeding
from engine.scores.linear_probe import fit
from engine.tuning import _base

MOST = 1_000.0
C = 1.0
"""Of the logistic regression that stands for the source head."""


class Tuning(_base.Tuning):
    """Measures the Fisher information before training, one image at a time, labels drawn from the model's own answers."""

    def prepare(self) -> None:
        self.strength = self.settings["strength"]
        self.triples: list[tuple[Tensor, Tensor, Tensor]] = []
        if not self.strength:
            return
        moving = _base.moving(self.network)
        fisher = self._fisher(moving)
        mean = torch.cat([one.flatten() for one in fisher]).mean().clamp_min(1e-30)
        self.triples = [
            (now, now.detach().clone(), (one / mean).clamp_max(MOST)) for now, one in zip(moving, fisher, strict=True)
        ]  # fmt: skip

    def _fisher(self, moving: list[Tensor]) -> list[Tensor]:
        pixels, rows = self.setup.source(self.settings["source"])
        draws = seeding.generator(self.setup.seed, "ewc")
        chosen = draws.permutation(rows)[: self.settings["images"]]
        was_training = self.network.training
        self.network.eval()
        self.read, self.differentiated = len(chosen), len(chosen)
        weight, bias = self._head(pixels, chosen)
        fisher = [torch.zeros_like(one) for one in moving]
        for image, _ in pixels.in_order(chosen, 1):
            self.setup.step()
            with torch.enable_grad():
                log_odds = functional.log_softmax(self.network.embed(image) @ weight.T + bias, dim=1)
                answer = draws.choice(len(bias), p=_normalised(log_odds))
                gradients = torch.autograd.grad(log_odds[0, answer], moving, allow_unused=True)
            for total, gradient in zip(fisher, gradients, strict=True):
                if gradient is not None:
                    total += gradient.square() / len(chosen)
        self.network.train(was_training)
        return fisher

    def _head(self, pixels: _base.Pixels, chosen: np.ndarray) -> tuple[Tensor, Tensor]:
        with torch.no_grad():
            read = [(self.network.embed(images), labels) for images, labels in pixels.in_order(chosen, 256)]
        features = torch.cat([one for one, _ in read])
        _, labels = np.unique(torch.cat([one for _, one in read]).cpu().numpy(), return_inverse=True)
        weight, bias = fit(features.double().cpu().numpy(), labels, int(labels.max()) + 1, C)
        return torch.from_numpy(weight).to(features), torch.from_numpy(bias).to(features)

    def penalty(self, images: Tensor, embedded: Tensor) -> Tensor | None:
        if not self.strength:
            return None
        pulls = [(share * (now - then).square()).sum() for now, then, share in self.triples]
        return self.strength / 2 * torch.stack(pulls).sum()


def _normalised(log_odds: Tensor) -> np.ndarray:
    odds = log_odds[0].detach().double().exp().cpu().numpy()
    return odds / odds.sum()
