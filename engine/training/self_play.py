"""Stage `selfplay`: the SFT model learns to tell what is true from what it draws itself.

Self-play fine-tuning (Chen et al. 2024; of diffusion models: Yuan et al. 2024, arXiv:2402.10210) is not in
the paper. It is eq. 5 and 6 of STAGE with other pairs: y_w is a shot's true start and end, y_l what the model
draws when it is told the same, and the reference is the model that drew. Eq. 4 tells a model what is near the
truth, and nothing of what its own drawings have that no true frame has: figures that stand there twice, and
smears.

What is learnt goes into the SFT weights, as an adapter that is merged. Run again, the stage draws anew with
these, which is the next round of self-play.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from diffusers import FlowMatchEulerDiscreteScheduler, QwenImageTransformer2DModel
from safetensors.torch import load_file
from torch import Tensor
from transformers import PreTrainedTokenizerFast

from engine.step2.card import CheckpointCard
from engine.step2.latents import PAIR, PATCH, advance, pack, set_schedule, unpack
from engine.step2.ranking import FrameRanker
from engine.step2.velocity import guided_velocity
from engine.training.adapters import ADAPTER
from engine.training.data_parallel import Team, spawn_workers
from engine.training.dpo import DpoOptions, PolicyAndReference
from engine.training.latents import draw_shot
from engine.training.objectives import dpo_loss, sft_loss
from engine.training.sft import MiniModels, load_mini_models
from engine.training.shards import fingerprint, write_shard
from engine.training.shots import (
    NO_MEMORY,
    NO_PREVIOUS_FRAME,
    RECALLING,
    Batch,
    ShotExample,
    Shots,
    recalls,
)
from engine.training.train_loop import Trainee, train
from engine.training.transformer import draw_sigma
from engine.training.weights_file import Progress, save_weights

SHARD = 48  # films; of each, one shot is drawn
TOGETHER = 8  # shots in one forward


@dataclass(frozen=True)
class SelfPlayOptions(DpoOptions):
    """Those of `dpo`, and from how many films it draws, a shot of each."""

    beta: float = 300.0
    films: int = 1536


def told_of(shots: Shots, seed: int) -> ShotExample:
    """The shot of a film that is drawn, and what is told of it: the same whenever it is asked, whatever other
    films are there by then, since what was drawn is found again.
    """
    r = random.Random(seed)
    must = recalls(shots.films.film(seed)[1])
    i = r.choice(must) if must and r.random() < RECALLING else draw_shot(r)
    before, memory = r.random() >= NO_PREVIOUS_FRAME, r.random() >= NO_MEMORY
    return shots.tell(seed, i, r, before, memory, leave_out=r.random() < 0.5)


@torch.no_grad()
def draw_pairs(
    model: MiniModels,
    shots: Shots,
    told: Sequence[ShotExample],
    scheduler: FlowMatchEulerDiscreteScheduler,
    card: CheckpointCard,
    seed: int,
) -> Tensor:
    """What the model draws of each, as `Step2Pipeline` would: normalised latents (B, 2, C, H, W), in the
    order of `told`.
    """
    batch = shots.collate(told)
    _, F, C, H, W = batch.x.shape
    h, w = H // PATCH, W // PATCH
    g = torch.Generator().manual_seed(seed)

    def noise() -> Tensor:
        return pack(torch.randn(len(told), F, C, H, W, generator=g))

    untold = replace(batch, told=tuple(replace(t, prompt="") for t in batch.told))
    context, blank = model.context(batch, shots.views), model.context(untold, shots.views)
    memory, x = pack(batch.memory[:, None]), noise()
    for i in range(len(set_schedule(scheduler, card.steps, h, w))):
        sigma = scheduler.sigmas[i].expand(len(told))
        v = guided_velocity(
            model.transformer, x, memory, context, blank, sigma, h, w, card.guidance, card.rescale
        )
        x = advance(scheduler, x, v, i, card.eta, noise)
    drawn = unpack(x, PAIR, h, w)
    rows = {id(t): row for row, t in enumerate(batch.told)}  # `collate` has them in an order of its own
    return drawn[[rows[id(t)] for t in told]]


class OwnDrawings:
    """Shots with what the model drew of them: (conditions and y_w, y_l)."""

    def __init__(self, shots: Shots, drawn: dict[int, Tensor]) -> None:
        self.shots, self.drawn = shots, drawn  # seed -> (2, C, H, W) half
        self.seeds = sorted(drawn)

    def batch(
        self, seeds: Sequence[int], r: random.Random | None = None, g: torch.Generator | None = None
    ) -> tuple[Batch, Tensor]:
        """Conditions with the true pairs, and the drawn ones (B, 2, C, H, W), row by row; `r` and `g` are
        those of `Shots.collate`.
        """
        batch = self.shots.collate([told_of(self.shots, seed) for seed in seeds], r, g)
        return batch, torch.stack([self.drawn[t.seed].float() for t in batch.told])


def draw_films(
    model: MiniModels,
    shots: Shots,
    seeds: Sequence[int],
    scheduler: FlowMatchEulerDiscreteScheduler,
    card: CheckpointCard,
    team: Team,
) -> OwnDrawings:
    """Draws a shot of each film, in shards beside the latents, where they are found again; the team shares
    the work.
    """
    how = f"{card.steps} steps, guidance {card.guidance}, eta {card.eta}"
    folder, maker = shots.films.folder, fingerprint(model.transformer, model.understanding.model, salt=how)
    parts = [seeds[k : k + SHARD] for k in range(0, len(seeds), SHARD)]
    paths: list[Path] = []
    for k, part in enumerate(parts):

        def make(part: Sequence[int] = part) -> dict[str, Tensor]:
            told = [told_of(shots, seed) for seed in part]
            groups = [told[j : j + TOGETHER] for j in range(0, len(told), TOGETHER)]
            drawn = [draw_pairs(model, shots, group, scheduler, card, group[0].seed) for group in groups]
            return {"latents": torch.cat(drawn).half(), "seeds": torch.tensor(part)}

        if k % team.size == team.rank:
            write_shard(folder, "drawn", part[0], len(part), maker, make)
        paths.append(folder / f"drawn-{part[0]:06d}.safetensors")
    team.agree(0.0)  # until everybody's are there
    found: dict[int, Tensor] = {}
    for path in paths:
        shard = load_file(path)
        found |= dict(zip(shard["seeds"].tolist(), shard["latents"], strict=True))
    return OwnDrawings(shots, found)


def merged(transformer: QwenImageTransformer2DModel) -> QwenImageTransformer2DModel:
    """A copy with its adapter in its weights."""
    whole = copy.deepcopy(transformer)
    whole.fuse_lora(adapter_names=[ADAPTER])
    whole.unload_lora()
    return whole


def self_play(
    folder: Path,
    tokenizer: PreTrainedTokenizerFast,
    ranker: FrameRanker,
    encoder: str,
    scheduler: FlowMatchEulerDiscreteScheduler,
    card: CheckpointCard,
    options: SelfPlayOptions,
) -> Path:
    """Plays one round: draws with the weights in `folder`/sft.safetensors, and leaves better ones there."""
    spawn_workers(options.workers, _self_play, folder, tokenizer, ranker, encoder, scheduler, card, options)
    return folder / "sft.safetensors"


def _self_play(
    folder: Path,
    tokenizer: PreTrainedTokenizerFast,
    ranker: FrameRanker,
    encoder: str,
    scheduler: FlowMatchEulerDiscreteScheduler,
    card: CheckpointCard,
    options: SelfPlayOptions,
    team: Team,
) -> None:
    path = folder / "sft.safetensors"
    torch.manual_seed(options.seed)
    policy, progress = load_mini_models(tokenizer, path)
    reference, _ = load_mini_models(tokenizer, path)
    shots, held_out = (
        Shots(folder / name, encoder, ranker, reference.understanding.model.visual)
        for name in ("latents", "held-out")
    )
    with torch.autocast("cpu", torch.bfloat16, enabled=options.bf16):
        own = draw_films(reference.eval(), shots, sorted(shots.seeds)[: options.films], scheduler, card, team)
        test = draw_films(reference, held_out, sorted(held_out.seeds)[:SHARD], scheduler, card, team)
    model = PolicyAndReference(policy, reference, options.rank)
    learning = [p for p in model.parameters() if p.requires_grad]
    torch.manual_seed(options.seed + progress.samples + team.rank)
    r = random.Random(options.seed + progress.samples + 7919 * team.rank)

    def loss(_: float) -> Tensor:
        batch, losers = own.batch(r.choices(own.seeds, k=options.batch // team.size), r)
        with torch.no_grad():
            context = reference.context(batch, shots.views, r)
        found, held, winner = model(batch, losers, context, draw_sigma(len(losers)), torch.randn_like(losers))
        played = dpo_loss(found, held, options.beta) / options.beta
        return played + options.anchor * sft_loss(winner, batch.weight)

    def save(done: Progress) -> None:
        whole = {"transformer": merged(model.policy), "model": reference.understanding.model}
        save_weights(path, whole, done)

    trainee = Trainee(
        folder / "selfplay",
        parameters=learning,
        solvers=[torch.optim.Adam(learning, lr=options.lr)],
        loss=loss,
        report=lambda: report(model, test, options.beta),
        save=save,
    )
    train(trainee, options, progress, team)


@torch.no_grad()
def report(model: PolicyAndReference, own: OwnDrawings, beta: float) -> dict[str, float]:
    """How often held-out truth is preferred more than by the reference, and what that costs in eq. 4."""
    g = torch.Generator().manual_seed(1)
    batch, losers = own.batch(own.seeds, None, g)
    context = model.reference.context(batch, own.shots.views)
    noise = torch.randn(losers.shape, generator=g)
    sigma = (torch.arange(len(losers)) + 0.5) / len(losers)
    found, held, winner = model(batch, losers, context, sigma, noise)
    return {
        "eq. 5": float(dpo_loss(found, held, beta)),
        "preferred": float((found > held).float().mean()),
        "eq. 4": float(sft_loss(winner)),
    }
