"""Stage `clip`: a tiny open_clip model that ranks the memory bank (eq. 1), on frames and free words."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import PreTrainedTokenizerFast

from engine.step2.ranking import FrameRanker
from engine.training.latents import HELD_OUT_SEED
from engine.training.muon import muon_and_adam, set_rate
from engine.training.paraphrase import paraphrase
from engine.training.run import Budget, Every, Progress, load_weights, save_weights
from engine.world.render import render
from engine.world.story import SHOTS, new_shots, new_story

VISION: dict[str, Any] = {
    "layers": 4,
    "width": 128,
    "head_width": 32,
    "patch_size": 16,
    "image_size": (64, 128),
}
TEXT_LENGTH = 48  # a description fits; a whole prompt is cut


@dataclass(frozen=True)
class RankerOptions:
    minutes: float = 15.0
    batch: int = 64
    lr: float = 2e-3
    threads: int = 1
    seed: int = 0


def new_ranker(tokenizer: PreTrainedTokenizerFast) -> FrameRanker:
    """The mini ranker, untrained: frames squashed to 128 x 64."""
    text = {
        "context_length": TEXT_LENGTH,
        "vocab_size": len(tokenizer),
        "width": 128,
        "heads": 4,
        "layers": 3,
    }
    return FrameRanker(embed_dim=128, vision_cfg=VISION, text_cfg=text, resize="squash", tokenizer=tokenizer)


def frames_and_words(r: random.Random, size: int, first_seed: int = 0) -> tuple[np.ndarray, list[str]]:
    """Random frames (B, 128, 256, 3) with a description or a whole prompt of their shot."""
    frames, texts = [], []
    for _ in range(size):
        story = new_story(first_seed + r.randrange(20_000))
        shot = new_shots(story)[r.randrange(SHOTS)]
        prompt, description, _ = paraphrase(story, shot, set(), r)
        frames.append(render(story, shot, float(r.random() < 0.5)))
        texts.append(description if r.random() < 0.6 else prompt)
    return np.stack(frames), texts


def contrastive_loss(images: Tensor, texts: Tensor, scale: Tensor) -> Tensor:
    """CLIP's symmetric cross entropy over unit features (B, D)."""
    logits = scale * images @ texts.T
    target = torch.arange(len(logits))
    return (F.cross_entropy(logits, target) + F.cross_entropy(logits.T, target)) / 2


@torch.no_grad()
def recall(ranker: FrameRanker, size: int = 128) -> float:
    """How often a held-out frame's own text is the nearest of `size`."""
    frames, texts = frames_and_words(random.Random(3), size, HELD_OUT_SEED)
    scores = ranker.frame_features(frames) @ ranker.text_features(texts).T
    return float((scores.argmax(1) == torch.arange(size)).float().mean())


def _is_matrix(name: str, p: Tensor) -> bool:
    """The matrices inside the blocks of both towers."""
    return p.ndim == 2 and "resblocks" in name


def train_ranker(folder: Path, tokenizer: PreTrainedTokenizerFast, options: RankerOptions) -> Path:
    """Trains for a budget of minutes; resumes from `folder`/ranker.safetensors."""
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    path = folder / "ranker.safetensors"
    ranker, progress = new_ranker(tokenizer).train(), Progress()
    if path.exists():
        progress = load_weights(path, {"clip": ranker.clip})
    solvers = muon_and_adam(ranker, options.lr, _is_matrix)
    r = random.Random(options.seed + progress.samples)
    budget, log = Budget(options.minutes, decay=0.5, warmup=30), Every(120, first=30)
    hours, recent = progress.cpu_hours, math.log(options.batch)
    while not budget.spent:
        set_rate(solvers, options.lr * budget.factor())
        frames, texts = frames_and_words(r, options.batch)
        images, words = ranker(pixels=ranker.pixels(frames)), ranker(tokens=ranker.tokens(texts))
        loss = contrastive_loss(images, words, ranker.clip.logit_scale.exp().clamp(max=100))
        ranker.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(ranker.parameters(), 1.0)
        for solver in solvers:
            solver.step()
        progress.samples += options.batch
        progress.steps += 1
        progress.cpu_hours = hours + budget.cpu_hours
        recent = 0.98 * recent + 0.02 * float(loss.detach())
        if log():
            save_weights(path, {"clip": ranker.clip}, progress)
            print(
                f"{progress.samples} frames, loss {recent:.3f}, recall at 1 of 128: {recall(ranker):.2f}",
                flush=True,
            )
    save_weights(path, {"clip": ranker.clip}, progress)
    return path
