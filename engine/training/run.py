"""What every stage shares: atomic weight files, a learning rate over a budget, a log line a minute."""

from __future__ import annotations

import json
import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from engine.training.team import Team


@dataclass
class Progress:
    """How far a stage has come, over all its runs."""

    samples: int = 0
    steps: int = 0
    cpu_hours: float = 0.0
    start: str = "from nothing"


class Budget:
    """A wall-clock budget: the learning rate is constant and decays over the last part of it."""

    def __init__(
        self, minutes: float, decay: float = 0.4, warmup: int = 40, team: Team | None = None
    ) -> None:
        self.seconds, self.decay, self.warmup = minutes * 60, decay, warmup
        self.team = team or Team()
        self.begun = time.monotonic()
        self.processed = time.process_time()
        self.steps, self.fraction = 0, 0.0

    @property
    def cpu_hours(self) -> float:
        """Hours of processor time since the budget began, over all threads and the whole team."""
        return self.team.size * (time.process_time() - self.processed) / 3600

    @property
    def spent(self) -> bool:
        """Whether the time is over, by the leader's clock; asked once a step, by the whole team."""
        elapsed = time.monotonic() - self.begun
        self.fraction = self.team.agree(elapsed / self.seconds if self.seconds > 0 else 1.0)
        return self.fraction >= 1

    def factor(self) -> float:
        """The factor on the learning rate for the next step; counts the step."""
        self.steps += 1
        rise = min(1.0, self.steps / self.warmup)
        fall = max(0.01, (1 - self.fraction) / self.decay) if self.fraction > 1 - self.decay else 1.0
        return rise * min(1.0, fall)


class Every:
    """True once in so many seconds."""

    def __init__(self, seconds: float, first: float | None = None) -> None:
        self.seconds = seconds
        self.next = time.monotonic() + (seconds if first is None else first)

    def __call__(self) -> bool:
        if time.monotonic() < self.next:
            return False
        self.next = time.monotonic() + self.seconds
        return True


def save_weights(path: Path, modules: dict[str, nn.Module], progress: Progress, half: bool = False) -> None:
    """Weights of named modules in one safetensors file, progress beside it; written whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    state: dict[str, Tensor] = {}
    for name, module in modules.items():
        for key, value in module.state_dict().items():
            tensor = value.detach().to("cpu").contiguous()
            state[f"{name}.{key}"] = tensor.half() if half and tensor.is_floating_point() else tensor
    part = path.with_suffix(".part")
    save_file(state, part, metadata={"progress": json.dumps(asdict(progress))})
    os.replace(part, path)
    part.with_suffix(".json.part").write_text(json.dumps(asdict(progress), indent=1))
    os.replace(part.with_suffix(".json.part"), path.with_suffix(".json"))


def load_weights(path: Path, modules: dict[str, nn.Module], missing_ok: bool = False) -> Progress:
    """Fills the modules from a file of `save_weights`; returns how far it had come.

    `missing_ok` leaves a module as it is when the file holds nothing of it.
    """
    state = load_file(path)
    for name, module in modules.items():
        own = {k[len(name) + 1 :]: v.float() for k, v in state.items() if k.startswith(f"{name}.")}
        if own or not missing_ok:
            module.load_state_dict(own)
    record = path.with_suffix(".json")
    return Progress(**json.loads(record.read_text())) if record.exists() else Progress()


@torch.no_grad()
def follow(average: nn.Module, model: nn.Module, steps: int, limit: float = 0.997) -> None:
    """Exponential moving average of the weights, warming up over the first steps."""
    keep = min(limit, (steps + 1) / (steps + 20))
    targets: list[Tensor] = list(average.parameters())
    torch._foreach_lerp_(targets, [p.detach() for p in model.parameters()], 1 - keep)
