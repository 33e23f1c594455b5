"""Stage `sft`: the understanding and the generation model together, on what sampling gives them (STAGE,
sec. 4.2, eq. 4).

`pretrain` learns to draw from sixteen exact slots and `context` to say them with words. Here both models are
trained by the drawing alone: free words and the previous end frame go in, the memory pack is ranked by the
CLIP model, and the loss is that of the velocity, as in `Step2Pipeline.__call__`.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from diffusers import QwenImageTransformer2DModel
from torch import Tensor, nn
from transformers import PreTrainedTokenizerFast, Qwen2_5_VLForConditionalGeneration

from engine.step2.context import context_inputs, encode_context
from engine.step2.ranking import FrameRanker
from engine.training.context import TEMPLATE, new_context_model, new_processor
from engine.training.data_parallel import Team, spawn_workers
from engine.training.flow_training import FlowOptions, train_flow
from engine.training.latents import Films
from engine.training.paraphrase import paraphrase
from engine.training.shards import fingerprint
from engine.training.transformer import draw_sigma, flow_error, new_transformer
from engine.training.views import Views
from engine.training.weights_file import Progress, load_weights
from engine.world.story import WorldShot, people_back, place_returns

MEMORY_NOISE = 0.15  # inference feeds its own frames: a little noise teaches not to trust every value
RANK_NOISE = 0.015  # jitter on the similarities, whose spread within a film is about 0.05
# how often words, memory, previous frame, looks, and the partner of a frame are left out: see `Shots.draw`
NO_WORDS, NO_MEMORY, NO_PREVIOUS_FRAME, NO_LOOKS, ONLY_FRAME = 0.1, 0.1, 0.5, 0.85, 0.06
RECALLING = 0.5  # part of the shots that show somebody or some place that only the memory pack can show
TOLD_ORDER = 0.4  # part of the packs in the order of what frames truly show, as a filmmaker's pins make it
RETURN_WEIGHT = 6.0  # the loss counts latent cells of people whose look only earlier frames tell so often


@dataclass(frozen=True)
class ShotExample:
    """What is told of shot `i` of film `seed`: words, and whether previous end frame and memory are there."""

    seed: int
    i: int
    prompt: str
    description: str
    has_previous_frame: bool
    has_memory: bool
    look_dropout: frozenset[int] = frozenset()  # people whose looks the words leave to memory
    only_frame: int | None = None  # 0 or 1: the frame whose partner is nothing but noise


@dataclass(frozen=True)
class Batch:
    """x (B, 2, C, H, W) clean pairs, memory (B, C, H, W), loss weights (B, 2, 1, H, W), `pure_noise` (B, 2)
    true for frames that are nothing but noise, and what is told; those without a previous frame come first.
    """

    x: Tensor
    memory: Tensor
    weight: Tensor
    pure_noise: Tensor
    told: tuple[ShotExample, ...]


def recalls(shots: Sequence[WorldShot]) -> list[int]:
    """Shots with a person or a place that was seen before, but not in the shot before."""
    return [i for i in range(len(shots)) if place_returns(shots, i) or people_back(shots, i)]


class Shots:
    """Shots of the films in a folder that have both latents and views."""

    def __init__(self, folder: Path, encoder: str, ranker: FrameRanker) -> None:
        self.films, self.views, self.ranker = Films(folder, encoder), Views(folder, ranker), ranker
        self.seeds: list[int] = []
        self.recalling: list[tuple[int, int]] = []  # (seed, shot)
        self.refresh()

    def refresh(self) -> None:
        """Picks up shards that were written since: another process may still be at it."""
        self.films.refresh()
        self.views.refresh()
        known = set(self.seeds)  # views may come in another order than latents
        new = [seed for seed in self.films.seeds if seed in self.views.ends and seed not in known]
        self.seeds += new
        self.recalling += [(seed, i) for seed in new for i in recalls(self.films.film(seed)[1])]

    def draw(self, r: random.Random) -> ShotExample:
        """A random shot, with the dropouts that guidance, "keep one frame" and the ablations need.

        By chance one shot in six asks the memory for what nothing else shows, and reading it is learnt late
        or never; half of the shots here do. Hiding the previous frame from half makes the memory the only
        place to look in many more.
        """
        if self.recalling and r.random() < RECALLING:
            seed, i = r.choice(self.recalling)
        else:
            seed, i = r.choice(self.seeds), r.choice((0, 1, 2, 2, 3, 3, 4, 4, 5, 5))
        has_memory = i > 0 and r.random() >= NO_MEMORY
        has_previous_frame = i > 0 and r.random() >= NO_PREVIOUS_FRAME
        only_frame = r.randrange(2) if r.random() < ONLY_FRAME else None
        leave_out = has_memory and r.random() < NO_LOOKS
        told = self.tell(seed, i, r, has_previous_frame, has_memory, leave_out, only_frame)
        if r.random() < NO_WORDS:
            return replace(told, prompt="")
        return told

    def tell(
        self,
        seed: int,
        i: int,
        r: random.Random,
        has_previous_frame: bool = True,
        has_memory: bool = True,
        leave_out: bool = True,
        only_frame: int | None = None,
    ) -> ShotExample:
        """Shot i in free words; `leave_out`: most looks of people who were seen before are left to memory.

        A first shot has neither a previous frame nor a memory, whatever is asked.
        """
        has_previous_frame, has_memory = has_previous_frame and i > 0, has_memory and i > 0
        story, shots = self.films.film(seed)
        seen = {person for earlier in shots[:i] for person in earlier.who} if leave_out else set()
        before = None
        if has_previous_frame and shots[i - 1].location == shots[i].location:
            place = story.locations[shots[i].location].setting
            before = (place, "clear" if place == "room" else story.weather)
        said = paraphrase(story, shots[i], seen, r, before)
        return ShotExample(
            seed,
            i,
            said.prompt,
            said.description,
            has_previous_frame,
            has_memory,
            said.look_dropout,
            only_frame,
        )

    def collate(
        self,
        told: Sequence[ShotExample],
        r: random.Random | None = None,
        g: torch.Generator | None = None,
    ) -> Batch:
        """The tensors of what is told; `r` jitters the memory, as training wants it, with noise of `g`."""
        told = sorted(told, key=lambda t: t.has_previous_frame)
        words = self.ranker.text_features([t.description for t in told])  # B D
        memory, pure_noise = [], torch.zeros(len(told), 2, dtype=torch.bool)
        for row, (t, text) in enumerate(zip(told, words, strict=True)):
            order = self.order(t.seed, t.i, text, r) if t.has_memory else []
            canvas = self.films.memory(t.seed, t.i, order)
            if r is not None:
                noise = torch.randn(canvas.shape, generator=g)
                canvas = canvas + noise * (canvas != 0) * (MEMORY_NOISE * r.random())
            memory.append(canvas)
            if t.only_frame is not None:
                pure_noise[row, 1 - t.only_frame] = True
        recalled = [t.look_dropout if t.has_memory else () for t in told]
        weight = torch.stack(
            [
                self.films.weights(t.seed, t.i, people, RETURN_WEIGHT)
                for t, people in zip(told, recalled, strict=True)
            ]
        )
        return Batch(
            torch.stack([self.films.pair(t.seed, t.i) for t in told]),
            torch.stack(memory),
            weight * ~pure_noise[:, :, None, None, None],
            pure_noise,
            tuple(told),
        )

    def order(self, seed: int, i: int, text: Tensor, r: random.Random | None = None) -> list[int]:
        """Earlier frames of shot i, the most similar to its words (D,) first, as the pipeline ranks them."""
        if r is not None and r.random() < TOLD_ORDER:
            return self.films.memory_order(seed, i, r)
        similarity = (self.views.features[seed][: 2 * i] @ text).tolist()
        scores = [s + (r.gauss(0, RANK_NOISE) if r else 0.0) for s in similarity]
        return sorted(range(2 * i), key=lambda j: -scores[j])


class MiniModels(nn.Module):
    """E_mu and E_gen: the understanding model's context tokens are trained by what is drawn from them."""

    def __init__(self, tokenizer: PreTrainedTokenizerFast) -> None:
        super().__init__()
        self.understanding = new_context_model(tokenizer)
        self.transformer: QwenImageTransformer2DModel = new_transformer()
        self.processor = new_processor(tokenizer)

    def parts(self) -> dict[str, nn.Module]:
        """What is saved; the vocabulary head is tied to the embedding and unused."""
        return {"transformer": self.transformer, "model": self.understanding.model}

    def context(self, batch: Batch, views: Views) -> Tensor:
        """U_i of each row, (B, L, E)."""
        groups = []
        for has_previous_frame in (False, True):
            told = [t for t in batch.told if t.has_previous_frame is has_previous_frame]
            if told:
                frames = [views.end(t.seed, t.i - 1) for t in told] if has_previous_frame else None
                inputs = context_inputs(self.processor, TEMPLATE, [t.prompt for t in told], frames)
                groups.append(encode_context(self.understanding, inputs, TEMPLATE.drop(has_previous_frame)))
        return torch.cat(groups)

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
    context = model.context(batch, shots.views)
    noise = torch.randn(batch.x.shape, generator=g)
    sigma, high = (torch.arange(count) + 0.5) / count, torch.full((count,), 0.9)

    def loss(memory: Tensor, sigma: Tensor) -> float:
        error = flow_error(model.transformer, batch.x, memory, context, sigma, noise)
        return float(error.square().mean())

    return {
        "held-out": loss(batch.memory, sigma),
        "sigma 0.9, memory": loss(batch.memory, high),
        "no memory": loss(torch.zeros_like(batch.memory), high),
        "another's": loss(batch.memory.roll(1, 0), high),
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
    context = model.context(batch, shots.views)
    noise = torch.randn(batch.x.shape, generator=g)

    def loss(memory: Tensor) -> float:
        error = flow_error(model.transformer, batch.x, memory, context, torch.full((len(picks),), 0.9), noise)
        return float((error.square() * mask).sum())

    return loss(batch.memory) / max(loss(torch.zeros_like(batch.memory)), 1e-9)


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
    train, held_out = (Shots(folder / name, encoder, ranker) for name in ("latents", "held-out"))

    def batch(r: random.Random) -> tuple[Tensor, Tensor]:
        b = train.collate([train.draw(r) for _ in range(options.batch // team.size)], r)
        context = model.context(b, train.views)
        return model.error(b, context, draw_sigma(len(b.x)), torch.randn_like(b.x)), b.weight

    def report(average: nn.Module) -> dict[str, float]:
        assert isinstance(average, MiniModels)
        return held_out_error(average, held_out)

    train_flow(model, batch, report, path, progress, options, team, train.refresh)
