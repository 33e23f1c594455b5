"""The structured captions that teach drawing: sixteen slots, one token each.

The transformer first learns to draw from this small embedding; the context model (a Qwen2.5-VL) then learns
to give the same sixteen context tokens from free words and pictures, so that language is decoupled from
drawing.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from engine.world.annotate import LENGTH, VOCABULARY

CONTEXT_DIM = 128


class SlotEncoder(nn.Module):
    """Slot ids (B, 16) -> context tokens (B, 16, 128)."""

    def __init__(self, dim: int = CONTEXT_DIM) -> None:
        super().__init__()
        self.embedding = nn.Embedding(len(VOCABULARY), dim)
        self.position = nn.Parameter(torch.randn(1, LENGTH, dim) * 0.5)
        self.layer = nn.TransformerEncoderLayer(
            dim, 4, 2 * dim, 0.0, "gelu", batch_first=True, norm_first=True
        )

    def forward(self, ids: Tensor) -> Tensor:
        return self.layer(self.embedding(ids) + self.position)
