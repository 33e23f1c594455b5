"""Stage `sft`: the pair transformer on what sampling gives it (STAGE, sec. 4.2, eq. 4).

`pretrain` learns to draw from sixteen exact slots. Here the context tokens are those that the understanding
model makes of free words and the previous end frame, and the memory pack is ranked by the CLIP model: the
same conditions as in `Step2Pipeline.__call__`.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path

import torch
from diffusers import QwenImageTransformer2DModel
from torch import Tensor, nn

from engine.training.fit import FitOptions, fit
from engine.training.latents import Films
from engine.training.readings import Readings, Telling
from engine.training.run import load_weights
from engine.training.transformer import draw_sigma, flow_error, new_transformer

MEMORY_NOISE = 0.15  # inference feeds its own frames: a little noise teaches not to trust every value
RANK_NOISE = 0.015  # jitter on the similarities, whose spread within a film is about 0.05


@dataclass(frozen=True)
class Example:
    """x (2, C, H, W) clean pair, memory (C, H, W), context (L, E), loss weights (2, 1, H, W)."""

    x: Tensor
    memory: Tensor
    context: Tensor
    weight: Tensor


class Shots:
    """Shots of the films in a folder that have both latents and readings."""

    def __init__(self, folder: Path) -> None:
        self.films = Films(folder)
        self.readings = Readings(folder)
        self.seeds: list[int] = []
        self.refresh()

    def refresh(self) -> None:
        """Picks up shards that were written since: another process may still be at it."""
        self.films.refresh()
        self.readings.refresh()
        self.seeds = [seed for seed in self.films.seeds if seed in self.readings.context]

    def order(self, seed: int, i: int, r: random.Random | None = None) -> list[int]:
        """Earlier frames of shot i, the most similar to its words first, as the pipeline ranks them."""
        similarity = self.readings.similarity[seed][i].tolist()
        scores = [similarity[j] + (r.gauss(0, RANK_NOISE) if r else 0.0) for j in range(2 * i)]
        return sorted(range(2 * i), key=lambda j: -scores[j])

    def example(self, seed: int, i: int, telling: Telling, order: list[int]) -> Example:
        """Shot i of a film, told so and with those frames in memory."""
        memory = self.films.memory(seed, i, order)
        context = self.readings.context[seed][i, telling].float()
        return Example(self.films.pair(seed, i), memory, context, self.films.weights(seed, i))

    def draw(self, r: random.Random) -> Example:
        """A random shot, with the dropouts that guidance and the ablations need."""
        seed, i = r.choice(self.seeds), r.choice((0, 1, 2, 2, 3, 3, 4, 4, 5, 5))
        remembers = r.random() >= 0.12
        order = self.order(seed, i, r) if remembers else []
        told = r.choices(list(Telling), (0.5, 0.28 if remembers else 0.0, 0.12, 0.1))[0]
        example = self.example(seed, i, told, order)
        if not order:
            return example
        noise = torch.randn_like(example.memory) * (example.memory != 0) * (MEMORY_NOISE * r.random())
        return Example(example.x, example.memory + noise, example.context, example.weight)

    def batch(self, r: random.Random, size: int) -> Example:
        """`size` random shots, stacked along a new first axis."""
        return stack([self.draw(r) for _ in range(size)])


def stack(examples: list[Example]) -> Example:
    return Example(
        torch.stack([e.x for e in examples]),
        torch.stack([e.memory for e in examples]),
        torch.stack([e.context for e in examples]),
        torch.stack([e.weight for e in examples]),
    )


class Tuned(nn.Module):
    """The pair transformer alone: its context tokens come ready-made."""

    def __init__(self) -> None:
        super().__init__()
        self.transformer: QwenImageTransformer2DModel = new_transformer()

    def error(self, e: Example, sigma: Tensor, noise: Tensor) -> Tensor:
        return flow_error(self.transformer, e.x, e.memory, e.context, sigma, noise)


@torch.no_grad()
def held_out_error(model: Tuned, shots: Shots, count: int = 48) -> dict[str, float]:
    """Flow loss on held-out shots; at sigma 0.9 with its own, no and another film's memory."""
    g, r = torch.Generator().manual_seed(1), random.Random(5)
    picks = [(r.choice(shots.seeds), r.randrange(1, 6)) for _ in range(count)]
    e = stack([shots.example(seed, i, Telling.SEEN, shots.order(seed, i)) for seed, i in picks])
    noise = torch.randn(e.x.shape, generator=g)
    sigma, high = (torch.arange(count) + 0.5) / count, torch.full((count,), 0.9)

    def loss(memory: Tensor, sigma: Tensor) -> float:
        return float(model.error(Example(e.x, memory, e.context, e.weight), sigma, noise).square().mean())

    return {
        "held-out": loss(e.memory, sigma),
        "sigma 0.9, memory": loss(e.memory, high),
        "no memory": loss(torch.zeros_like(e.memory), high),
        "another's": loss(e.memory.roll(1, 0), high),
    }


def sft(folder: Path, start: Path, options: FitOptions) -> Path:
    """Trains for a budget of minutes from `folder`/sft.safetensors, else from the transformer in `start`."""
    path = folder / "sft.safetensors"
    torch.manual_seed(options.seed)
    model = Tuned()
    progress = load_weights(path if path.exists() else start, {"transformer": model.transformer})
    train, held_out = Shots(folder / "latents"), Shots(folder / "held-out")

    def batch(r: random.Random) -> tuple[Tensor, Tensor]:
        e = train.batch(r, options.batch)
        return model.error(e, draw_sigma(len(e.x)), torch.randn_like(e.x)).square(), e.weight

    def report(average: nn.Module) -> str:
        assert isinstance(average, Tuned)
        train.refresh()
        found = held_out_error(average, held_out)
        return f"{len(train.seeds)} films, " + ", ".join(f"{k} {v:.4f}" for k, v in found.items())

    fit(model, batch, report, path, progress, options)
    return path
