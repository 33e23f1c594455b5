"""Stage `dpo`: preference alignment of the generation model (STAGE, sec. 4.2, eq. 5-6).

The preferred pair y_w is a shot's true start and end; the dispreferred y_l are two internal frames of the
same shot, in their order: an incomplete camera movement. Both share the noise, its level, the context and the
memory. The reference is the SFT model; what is learnt is a LoRA adapter on top of it, so that the checkpoint
can be drawn with or without the alignment.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKLQwenImage
from torch import Tensor, nn
from transformers import PreTrainedTokenizerFast

from engine.errors import BadInput
from engine.step2.latents import encode_frames, to_pixels
from engine.step2.ranking import FrameRanker
from engine.training.adapters import ADAPTER, PROGRESS, WEIGHTS, adapt_generation, load_adapter, save_adapters
from engine.training.data_parallel import Team, spawn_workers
from engine.training.latents import SHARD, encoder_of
from engine.training.objectives import divergence, dpo_loss, sft_loss
from engine.training.sft import MiniModels, load_mini_models, sft_fingerprint
from engine.training.shards import read_shards, write_shard
from engine.training.shots import Batch, Shots
from engine.training.train_loop import StageOptions, Trainee, train
from engine.training.transformer import draw_sigma, flow_error
from engine.training.weights_file import Progress, read_record
from engine.world.render import render
from engine.world.story import new_shots, new_story

MOMENTS = (0.2, 0.4, 0.6, 0.8)  # of a shot: its internal frames
LEAST_DIFFERENCE = 1e-3  # mean square between the latents of y_w and y_l; a waving hand alone makes 0.01


@dataclass(frozen=True)
class DpoOptions(StageOptions):
    """`beta` of eq. 5, for norms that are means; `anchor` weighs eq. 4 on the preferred pair beside it, which
    keeps the model from spoiling both pairs as long as the loser suffers more. A batch is of tuples.
    """

    minutes: float = 12.0
    batch: int = 16
    lr: float = 2e-4
    decay: float = 0.5
    warmup: int = 20
    report_every: float = 90.0
    workers: int = 2
    beta: float = 1000.0
    anchor: float = 0.5
    rank: int = 32


@torch.inference_mode()
def encode_internal(vae: AutoencoderKLQwenImage, folder: Path, first: int, count: int = SHARD) -> Path:
    """Renders and encodes frames from inside the shots of `count` films: (n, 6, 4, C, H, W) half."""

    def make() -> dict[str, Tensor]:
        films = []
        for seed in range(first, first + count):
            story = new_story(seed)
            shots = [np.stack([render(story, shot, t) for t in MOMENTS]) for shot in new_shots(story)]
            films.append(torch.stack([encode_frames(vae, to_pixels(frames)).half() for frames in shots]))
        return {"latents": torch.stack(films)}

    return write_shard(folder, "internal", first, count, encoder_of(vae), make)


class Preferences:
    """Shots with their internal frames, as tuples (y_w, y_l) that differ.

    In a static shot of a figure that stands still, y_l is y_w: eq. 5 is ln 2 there whatever is learnt, and
    neither pair can be preferred. One tuple in six is of that kind, and none of them is drawn.
    """

    def __init__(self, shots: Shots) -> None:
        self.shots = shots
        self.internal: dict[int, Tensor] = {}  # seed -> (6, 4, C, H, W) half
        for first, shard in read_shards(shots.films.folder, "internal", shots.films.encoder, set()):
            for k, film in enumerate(shard["latents"]):
                self.internal[first + k] = film
        self.tuples: list[tuple[int, int, tuple[int, int]]] = [  # (seed, shot, moments of y_l)
            (seed, i, at)
            for seed in shots.seeds
            if seed in self.internal
            for at in combinations(range(len(MOMENTS)), 2)
            for i in self._moving(seed, at)
        ]
        if not self.tuples:
            raise BadInput("In no shot of these films does anything move: encode more films, with --films.")

    def _moving(self, seed: int, at: tuple[int, int]) -> list[int]:
        """The shots of a film whose frames at these moments are not those of their ends."""
        losers = self.internal[seed][:, list(at)].float()  # 6 2 C H W
        winners = torch.stack([self.shots.films.pair(seed, i) for i in range(len(losers))])
        apart = (winners - losers).square().flatten(1).mean(1)
        return torch.nonzero(apart >= LEAST_DIFFERENCE).flatten().tolist()

    def draw(self, r: random.Random, size: int, g: torch.Generator | None = None) -> tuple[Batch, Tensor]:
        """Conditions with the preferred pairs, and the dispreferred pairs (B, 2, C, H, W); `r` and `g` are
        those of `Shots.collate`.
        """
        drawn = []
        for seed, i, at in r.choices(self.tuples, k=size):
            leave_out, has_memory = r.random() < 0.5, r.random() > 0.1
            drawn.append((self.shots.tell(seed, i, r, leave_out=leave_out, has_memory=has_memory), at))
        drawn.sort(key=lambda pair: pair[0].has_previous_frame)  # as `collate` has them
        batch = self.shots.collate([told for told, _ in drawn], r, g)
        losers = [self.internal[told.seed][told.i, list(at)].float() for told, at in drawn]
        return batch, torch.stack(losers)


class PolicyAndReference(nn.Module):
    """The adapted transformer and the frozen SFT model, which is also the one that reads."""

    def __init__(self, policy: MiniModels, reference: MiniModels, rank: int) -> None:
        super().__init__()
        self.reference = reference.eval().requires_grad_(False)
        self.policy = policy.transformer
        adapt_generation(self.policy, ADAPTER, rank)

    def forward(
        self, batch: Batch, losers: Tensor, context: Tensor, sigma: Tensor, noise: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """(D_theta, D_ref, the policy's velocity error on the preferred pairs)."""

        def errors(transformer: nn.Module) -> tuple[Tensor, Tensor]:
            both = flow_error(
                transformer,  # type: ignore[arg-type]
                torch.cat([losers, batch.x]),
                batch.memory.repeat(2, 1, 1, 1),
                context.repeat(2, 1, 1),
                sigma.repeat(2),
                noise.repeat(2, 1, 1, 1, 1),
            )
            loser, winner = both.chunk(2)
            return loser, winner

        loser, winner = errors(self.policy)
        with torch.no_grad():
            held = divergence(*errors(self.reference.transformer))
        return divergence(loser, winner), held, winner


def dpo(
    folder: Path,
    tokenizer: PreTrainedTokenizerFast,
    ranker: FrameRanker,
    encoder: str,
    sources: tuple[Path, ...],
    options: DpoOptions,
) -> Path:
    """Trains a fresh adapter on the SFT model in `sources`; returns the folder `folder`/dpo that holds it.

    An adapter is trained in minutes, so a run that was cut off starts again from what it had saved last.
    Raises BadInput when that is an adapter of another SFT model.
    """
    spawn_workers(options.workers, _dpo, folder, tokenizer, ranker, encoder, sources, options)
    return folder / ADAPTER


def _dpo(
    folder: Path,
    tokenizer: PreTrainedTokenizerFast,
    ranker: FrameRanker,
    encoder: str,
    sources: tuple[Path, ...],
    options: DpoOptions,
    team: Team,
) -> None:
    torch.manual_seed(options.seed)
    policy, _ = load_mini_models(tokenizer, *sources)
    reference, _ = load_mini_models(tokenizer, *sources)
    origin = sft_fingerprint(reference.transformer, reference.understanding)
    model, progress = (
        PolicyAndReference(policy, reference, options.rank),
        Progress(start="the SFT model", origin=origin),
    )
    out = folder / ADAPTER
    if (out / WEIGHTS).exists():
        progress = adapter_progress(out, origin)
        load_adapter(out, ADAPTER, model.policy)
    preferences, held_out = (
        Preferences(Shots(folder / name, encoder, ranker, reference.understanding.model.visual))
        for name in ("latents", "held-out")
    )
    progress.films = max(progress.films, len(preferences.shots.seeds))
    learning = [p for p in model.parameters() if p.requires_grad]
    torch.manual_seed(options.seed + progress.samples + team.rank)
    r = random.Random(options.seed + progress.samples + 7919 * team.rank)

    def loss(_: float) -> Tensor:
        batch, losers = preferences.draw(r, options.batch // team.size)
        with torch.no_grad():
            context = reference.context(batch, preferences.shots.views, r)
        noise = torch.randn_like(losers)
        found, held, winner = model(batch, losers, context, draw_sigma(len(losers)), noise)
        aligned = dpo_loss(found, held, options.beta) / options.beta
        return aligned + options.anchor * sft_loss(winner, batch.weight)

    def save(done: Progress) -> None:
        save_adapters(out, ADAPTER, model.policy, progress=done)

    trainee = Trainee(
        out / WEIGHTS,
        parameters=learning,
        solvers=[torch.optim.Adam(learning, lr=options.lr)],
        loss=loss,
        report=lambda: _report(model, held_out, options.beta),
        save=save,
    )
    train(trainee, options, progress, team)


@torch.no_grad()
def _report(
    model: PolicyAndReference, preferences: Preferences, beta: float, count: int = 48
) -> dict[str, float]:
    """How often the held-out winner is preferred more than by the reference, and what that costs in eq. 4."""
    count = min(count, 8 * len(preferences.shots.seeds))
    g = torch.Generator().manual_seed(1)
    batch, losers = preferences.draw(random.Random(5), count, g)
    context = model.reference.context(batch, preferences.shots.views)
    noise = torch.randn(losers.shape, generator=g)
    sigma = (torch.arange(count) + 0.5) / count
    found, held, winner = model(batch, losers, context, sigma, noise)
    plain = flow_error(model.reference.transformer, batch.x, batch.memory, context, sigma, noise)
    return {
        "eq. 5": float(dpo_loss(found, held, beta)),
        "preferred": float((found > held).float().mean()),
        "eq. 4": float(sft_loss(winner)),
        "eq. 4 of SFT": float(sft_loss(plain)),
    }


def adapter_progress(folder: Path, sft: str) -> Progress:
    """How far an adapter has come. Raises BadInput unless its record says that it is one of the SFT model of
    that fingerprint.
    """
    progress = read_record(folder / PROGRESS, Progress)
    if progress.origin != sft:
        raise BadInput(
            f"The adapter in {folder} was not trained on the SFT weights that are here now: remove that "
            "folder, and train one on these with `stage train mini --stage dpo` if it is wanted."
        )
    return progress
