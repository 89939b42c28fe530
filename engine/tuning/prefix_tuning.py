"""Prefix tuning: softmax(q [P_k; k]^T / sqrt(d)) [P_v; v], with learned P_k and P_v in every attention."""

from __future__ import annotations

import functools

import torch
from timm.layers import Attention
from torch import Tensor, nn
from torch.nn import functional

from engine.errors import StrategyError
from engine.strategies._layers import attentions
from engine.tuning import _base, _inject

DEVIATION = 0.02
"""Of the keys and values at first, as of a transformer's own position embeddings."""


class Prefix(nn.Module):
    """`values` (2, tokens, heads, head width): keys, then values."""

    def __init__(self, tokens: int, heads: int, width: int) -> None:
        super().__init__()
        self.values = nn.Parameter(torch.randn(2, tokens, heads, width) * DEVIATION)


class Tuning(_inject.Injected):
    """A prefix for every attention of the card."""

    name = "Prefix tuning"

    def put_in(self) -> None:
        for module in attentions(self.setup.card) if self.settings["tokens"] else ():
            attention = self.network.get_submodule(module)
            if type(attention) is not Attention or attention.gate is not None:
                raise StrategyError(
                    f"Prefix tuning cannot be used here: {module} is not plain attention with fused qkv."
                )
            with _base.drawing(self.setup.seed, "prefix", module):
                prefix = Prefix(self.settings["tokens"], attention.num_heads, attention.head_dim)
            self.network.added[_base.key(module)] = prefix
            attention.forward = functools.partial(_attend, attention, prefix)


def _attend(
    attention: Attention, prefix: Prefix, tokens: Tensor, attn_mask: None = None, is_causal: bool = False
) -> Tensor:
    """Attention over the tokens (n, t, c) and the prefix: (n, t, c). A mask would not know of the prefix."""
    if attn_mask is not None or is_causal:
        raise TypeError("attention with a mask")
    n, t, _ = tokens.shape
    heads = attention.qkv(tokens).view(n, t, 3, attention.num_heads, attention.head_dim)
    query, key, value = (part.transpose(1, 2) for part in heads.unbind(2))  # (n, heads, t, head width)
    query, key = attention.q_norm(query), attention.k_norm(key)
    learned = prefix.values.to(key.dtype).transpose(1, 2).unsqueeze(1).expand(-1, n, -1, -1, -1)
    key, value = torch.cat([learned[0], key], dim=2), torch.cat([learned[1], value], dim=2)
    dropout = attention.attn_drop.p if attention.training else 0.0
    looked = functional.scaled_dot_product_attention(query, key, value, dropout_p=dropout)
    joined = attention.norm(looked.transpose(1, 2).reshape(n, t, -1))
    return attention.proj_drop(attention.proj(joined))
