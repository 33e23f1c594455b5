"""Stage `sft`: the understanding and the generation model together, on what sampling gives them (STAGE,
sec. 4.2, eq. 4).

`pretrain` learns to draw from sixteen exact slots and `context` to say them with words. Here both models are
trained by the drawing alone: free words, the previous end frame and the best of the memory pack go in, the
pack is ranked by the CLIP model, and the loss is that of the velocity, as in `Step2Pipeline.__call__`. As in
`facts`, small things count by the error towards counterfactual frames, where words or frames tell them.
"""

from __future__ import annotations

import random
from pathlib import Path

import torch
from diffusers import QwenImageTransformer2DModel
from torch import Tensor, nn
from transformers import PreTrainedTokenizerFast, Qwen2_5_VLForConditionalGeneration

from engine.step2.ranking import FrameRanker
from engine.training.context import read_shots
from engine.training.counterfactuals import Counterfactuals, known_facts
from engine.training.data_parallel import Team, spawn_workers
from engine.training.facts import NOTHING
from engine.training.flow_training import FlowOptions, train_flow
from engine.training.objectives import counterfactual_loss, sft_loss
from engine.training.shards import fingerprint
from engine.training.shots import RETURN_WEIGHT, Batch, Shots
from engine.training.transformer import draw_high_sigma, flow_error, new_transformer
from engine.training.understanding import new_context_model
from engine.training.views import Views
from engine.training.weights_file import Progress, load_weights

NEAR_NOISE = 0.2  # part of the shots that are near pure noise


class MiniModels(nn.Module):
    """E_mu and E_gen: the understanding model's context tokens are trained by what is drawn from them."""

    def __init__(self, tokenizer: PreTrainedTokenizerFast) -> None:
        super().__init__()
        self.understanding = new_context_model(tokenizer)
        self.understanding.model.visual.requires_grad_(False)  # what it saw of the films is kept
        self.transformer: QwenImageTransformer2DModel = new_transformer()
        self.tokenizer = tokenizer

    def parts(self) -> dict[str, nn.Module]:
        """What is saved; the vocabulary head is tied to the embedding and unused."""
        return {"transformer": self.transformer, "model": self.understanding.model}

    def context(self, batch: Batch, views: Views, r: random.Random | None = None) -> Tensor:
        """U_i of each row, (B, L, E); with `r`, half of the pictures are as a model might have drawn them."""
        return read_shots(self.understanding, self.tokenizer, batch.told, batch.packs, views, r)

    def error(self, batch: Batch, context: Tensor, sigma: Tensor, noise: Tensor) -> Tensor:
        """Velocity error (eq. 4), shaped like x."""
        return flow_error(
            self.transformer, batch.x, batch.memory, context, sigma, noise, pure_noise=batch.pure_noise
        )


@torch.no_grad()
def held_out_error(model: MiniModels, shots: Shots, count: int = 48) -> dict[str, float]:
    """Flow loss on held-out shots; at sigma 0.9 with its own, no and another film's memory. There, too, the
    loss on people who come back untold and unseen, as a share of that without memory.
    """
    count = min(count, 8 * len(shots.seeds))
    g, r = torch.Generator().manual_seed(1), random.Random(5)
    picks = [(r.choice(shots.seeds), r.randrange(1, 6)) for _ in range(count)]
    batch = shots.collate([shots.tell(seed, i, r) for seed, i in picks])
    noise = torch.randn(batch.x.shape, generator=g)
    sigma, high = (torch.arange(count) + 0.5) / count, torch.full((count,), 0.9)

    def losses(batch: Batch, *levels: Tensor) -> list[float]:
        context = model.context(batch, shots.views)
        errors = (flow_error(model.transformer, batch.x, batch.memory, context, s, noise) for s in levels)
        return [float(error.square().mean()) for error in errors]

    held_out, own = losses(batch, sigma, high)
    return {
        "held-out": held_out,
        "sigma 0.9, memory": own,
        "no memory": losses(batch.without_memory(), high)[0],
        "another's": losses(batch.with_anothers_memory(), high)[0],
        "returning people": _returning_error(model, shots, count, r, g),
    }


def _returning_error(
    model: MiniModels, shots: Shots, count: int, r: random.Random, g: torch.Generator
) -> float:
    """Squared error at sigma 0.9 over people whom only memory shows, with memory by that without it."""
    picks = [(seed, i) for seed, i in shots.recalling if shots.films.film(seed)[1][i].who]
    picks = r.sample(picks, min(count, len(picks)))
    if not picks:
        return 1.0
    batch = shots.collate([shots.tell(seed, i, r, has_previous_frame=False) for seed, i in picks])
    mask = (batch.weight == RETURN_WEIGHT).float()
    noise = torch.randn(batch.x.shape, generator=g)

    def loss(batch: Batch) -> float:
        context, high = model.context(batch, shots.views), torch.full((len(picks),), 0.9)
        error = flow_error(model.transformer, batch.x, batch.memory, context, high, noise)
        return float((error.square() * mask).sum())

    return loss(batch) / max(loss(batch.without_memory()), 1e-9)


def sft_fingerprint(transformer: nn.Module, understanding: Qwen2_5_VLForConditionalGeneration) -> str:
    """What identifies the SFT model, so that an adapter is used on no other."""
    return fingerprint(transformer, understanding.model)


def load_mini_models(tokenizer: PreTrainedTokenizerFast, *sources: Path) -> tuple[MiniModels, Progress]:
    """Both models from the files that hold them, and how far the transformer had come."""
    model, progress = MiniModels(tokenizer), Progress()
    for source in dict.fromkeys(sources):
        held = load_weights(source, model.parts(), missing_ok=True)
        if source == sources[0]:
            progress = held
    return model, progress


def sft(
    folder: Path,
    tokenizer: PreTrainedTokenizerFast,
    ranker: FrameRanker,
    encoder: str,
    sources: tuple[Path, ...],
    options: FlowOptions,
) -> Path:
    """Trains for a budget of minutes from `folder`/sft.safetensors, else from the weights in `sources`, on
    the latents of that encoder (`encoder_of`).
    """
    spawn_workers(options.workers, _sft, folder, tokenizer, ranker, encoder, sources, options)
    return folder / "sft.safetensors"


def _sft(
    folder: Path,
    tokenizer: PreTrainedTokenizerFast,
    ranker: FrameRanker,
    encoder: str,
    sources: tuple[Path, ...],
    options: FlowOptions,
    team: Team,
) -> None:
    path = folder / "sft.safetensors"
    torch.manual_seed(options.seed)
    model, progress = load_mini_models(tokenizer, *((path,) if path.exists() else sources))
    visual = model.understanding.model.visual
    train, held_out = (Shots(folder / name, encoder, ranker, visual) for name in ("latents", "held-out"))
    progress.films = max(progress.films, len(train.seeds))
    others = Counterfactuals(folder / "latents", encoder)

    def loss(r: random.Random) -> Tensor:
        b = train.collate([train.draw(r) for _ in range(options.batch // team.size)], r)
        sigma, noise = draw_high_sigma(len(b.x), NEAR_NOISE), torch.randn_like(b.x)
        error = model.error(b, model.context(b, train.views, r), sigma, noise)
        known = [known_facts(train, t, pack, NOTHING) for t, pack in zip(b.told, b.packs, strict=True)]
        return sft_loss(error, b.weight) + counterfactual_loss(*others.error(b, known, error, sigma))

    def report(average: nn.Module) -> dict[str, float]:
        assert isinstance(average, MiniModels)
        return held_out_error(average, held_out)

    train_flow(model, loss, report, path, progress, options, team, train.refresh)
