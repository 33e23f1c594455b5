"""The two objectives of STEP² (STAGE, sec. 4.2), as pure functions of velocity errors.

Errors are `model output - (noise - data)`; their square is that of the paper's v = data - noise, whose sign
is the opposite on both sides. Shapes: (B, 2, C, H, W), a row a shot, both frames of the pair.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor


def sft_loss(error: Tensor, weight: Tensor | None = None) -> Tensor:
    """Eq. 4: the mean squared velocity error, () ; `weight` (B, 2, 1, H, W) counts some cells more."""
    if weight is None:
        return error.square().mean()
    return (error.square() * weight).mean() / weight.mean()


def divergence(loser: Tensor, winner: Tensor) -> Tensor:
    """Eq. 6: D = ||v_l - v(x_l)||² - ||v_w - v(x_w)||², (B,), from the errors on the dispreferred and the
    preferred pair.

    The norm is a mean over the elements of the pair, so beta does not depend on the size of the frame: a sum
    would be a beta as many times larger.
    """
    return loser.square().flatten(1).mean(1) - winner.square().flatten(1).mean(1)


def dpo_loss(model: Tensor, reference: Tensor, beta: float) -> Tensor:
    """Eq. 5: -log sigmoid(beta (D_theta - D_ref)), () ; both `divergence`s (B,).

    It is ln 2 where model and reference agree, and falls as the model fits the winner better, and the loser
    worse, than the reference does.
    """
    return -F.logsigmoid(beta * (model - reference)).mean()
