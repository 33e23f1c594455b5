"""Muon (Jordan et al., 2024): momentum, orthogonalised by Newton-Schulz, for matrices and kernels.

torch.optim.Muon takes matrices only and is newer than our floor; kernels are flattened to (out, in*k*k) here,
and of a causal 3-D kernel only the last temporal tap is trained: single frames never reach the others.

Orthogonalising takes as long as half a forward and backward pass of the mini transformer on twelve pairs.
Workers that train together share it: each does a part of the matrices and gets the rest from the others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from engine.training.data_parallel import Team


def orthogonalise(gradient: Tensor, steps: int) -> Tensor:
    """The nearest semi-orthogonal matrix, roughly: (m, n) -> (m, n), by a quintic Newton-Schulz iteration."""
    x = gradient / (gradient.norm() + 1e-7)
    tall = x.shape[0] > x.shape[1]
    if tall:
        x = x.T
    for _ in range(steps):
        a = x @ x.T
        x = 3.4445 * x + (-4.7750 * a + 2.0315 * a @ a) @ x
    return x.T if tall else x


class Muon(torch.optim.Optimizer):
    """Updates are scaled to Adam's size (0.2 sqrt(max side)), so that both share one learning rate.

    In a `team` every worker must have the same gradients (`Team.average`), and takes the same step.
    """

    def __init__(
        self,
        params: Iterable[Tensor],
        lr: float = 2e-3,
        momentum: float = 0.95,
        weight_decay: float = 0.0,
        steps: int = 3,
        team: Team | None = None,
    ) -> None:
        super().__init__(
            list(params), {"lr": lr, "momentum": momentum, "weight_decay": weight_decay, "steps": steps}
        )
        self.team = team or Team()

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> Any:  # type: ignore[override]
        loss = closure() if closure is not None else None
        for group in self.param_groups:
            learning = [p for p in group["params"] if p.grad is not None]
            wanted = [self._momentum(p, group["momentum"]) for p in learning]
            owners = share_out([_work(flat) for flat in wanted], self.team.size)
            updates = [
                orthogonalise(flat, group["steps"]) if owner == self.team.rank else torch.zeros_like(flat)
                for flat, owner in zip(wanted, owners, strict=True)
            ]
            self.team.add_up(updates)
            for p, update in zip(learning, updates, strict=True):
                w = _trained(p.data)
                if group["weight_decay"]:
                    w.mul_(1 - group["lr"] * group["weight_decay"])
                w.add_(update.view_as(w), alpha=-group["lr"] * 0.2 * max(update.shape) ** 0.5)
        return loss

    def _momentum(self, p: Tensor, momentum: float) -> Tensor:
        """What the next step is made of, a matrix: Nesterov's momentum."""
        assert p.grad is not None
        g = _trained(p.grad)
        m = self.state[p].setdefault("momentum", torch.zeros_like(g))
        m.mul_(momentum).add_(g)
        return (g + momentum * m).flatten(1)


def _trained(p: Tensor) -> Tensor:
    """The part that is trained: of a 3-D kernel (out, in, T, k, k) its last tap, of all others everything."""
    return p[:, :, -1] if p.ndim == 5 else p


def _work(flat: Tensor) -> int:
    """What orthogonalising costs, up to a factor: the products of a matrix (m, n)."""
    return min(flat.shape) ** 2 * max(flat.shape)


def share_out(costs: Sequence[int], workers: int) -> list[int]:
    """The worker of each task; the next task goes to whoever has least to do, the dearest first."""
    load, owners = [0] * workers, [0] * len(costs)
    for k in sorted(range(len(costs)), key=lambda k: -costs[k]):
        owners[k] = load.index(min(load))
        load[owners[k]] += costs[k]
    return owners


def muon_and_adam(
    model: nn.Module,
    lr: float,
    inner: Callable[[str, Tensor], bool],
    steps: int = 3,
    team: Team | None = None,
) -> list[torch.optim.Optimizer]:
    """Muon for the parameters that `inner(name, parameter)` picks (matrices, kernels), AdamW for the rest."""
    mine = [p for name, p in model.named_parameters() if inner(name, p)]
    own = {id(p) for p in mine}
    rest = [p for p in model.parameters() if id(p) not in own]
    adam = torch.optim.AdamW(rest, lr=lr, betas=(0.9, 0.98), weight_decay=1e-3, fused=True)
    return [adam, Muon(mine, lr=lr, weight_decay=0.01, steps=steps, team=team)]


def set_learning_rate(solvers: Iterable[torch.optim.Optimizer], lr: float) -> None:
    """One learning rate for all of them."""
    for solver in solvers:
        for group in solver.param_groups:
            group["lr"] = lr
