"""The two objectives of STEP² (STAGE, sec. 4.2), as pure functions of velocity errors, and one of our own.

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


def counterfactual_loss(error: Tensor, apart: Tensor, least: float = 16.0) -> Tensor:
    """How far clean frames are drawn towards their counterfactuals: the mean of <e, d>^2 / |d|^4, ().

    `error` e is x̂ - x of K frames, `apart` d is the counterfactual frame less x, both (K, C, H, W). It is 0
    where a fact is drawn as it is, 1/4 half-way, 1 where the other value is drawn; as a square it is least at
    the mean of what may be, as eq. 4 is. Below |d|^2 = `least`, where an error in any direction would count,
    it falls with |d|^2. 0 for no frames.
    """
    if not len(error):
        return error.sum()
    size = apart.square().flatten(1).sum(1)
    along = (error * apart).flatten(1).sum(1)
    return (along.square() / (size * size.clamp(min=least)).clamp(min=1e-12)).mean()


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
