"""Learned tokens that stand after those of the image; attention does not mind where they stand."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from engine.backbones._composition import Between
from engine.strategies._layers import token_width
from engine.tuning import _base, _inject


class Prompts(nn.Module):
    """`values` (blocks that get new ones, tokens, width), drawn as Jia et al. 2022 do (uniform, by Glorot's rule)."""

    def __init__(self, blocks: int, tokens: int, width: int, patch: int) -> None:
        super().__init__()
        reach = math.sqrt(6 / (3 * patch * patch + width))
        self.values = nn.Parameter(torch.empty(blocks, tokens, width).uniform_(-reach, reach))


class Prompted(Between):
    """New prompts before some blocks (units from 1 on), gone before anything is pooled."""

    def __init__(self, prompts: Prompts, image_tokens: int) -> None:
        self.prompts, self.image_tokens = prompts, image_tokens

    def before(self, unit: int, hidden: Tensor) -> Tensor:
        if not 1 <= unit <= len(self.prompts.values):
            return hidden
        new = self.prompts.values[unit - 1].expand(len(hidden), -1, -1).to(hidden.dtype)
        return torch.cat([self.strip(hidden), new], dim=1)

    def strip(self, hidden: Tensor) -> Tensor:
        return hidden[:, : self.image_tokens]


class Prompting(_inject.Injected):
    """Prompts for the first block only, or for every block."""

    name = "Prompt tuning"
    deep = False

    def put_in(self) -> None:
        if not self.settings["tokens"]:
            return
        card = self.setup.card
        tokens, _ = card.units[0].output
        blocks = card.n_units - 1 if self.deep else 1
        patch = max(1, round(card.input_size[1] / math.sqrt(tokens)))
        with _base.drawing(self.setup.seed, "prompts"):
            prompts = Prompts(blocks, self.settings["tokens"], token_width(card), patch)
        self.network.added["prompts"] = prompts
        self.network.between = Prompted(prompts, tokens)
