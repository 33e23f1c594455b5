"""Stage `clip`: a tiny open_clip model that ranks the memory bank (eq. 1), on frames and free words."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from transformers import PreTrainedTokenizerFast

from engine.step2.ranking import FrameRanker
from engine.training.data_parallel import Team, spawn_workers
from engine.training.muon import muon_and_adam
from engine.training.paraphrase import paraphrase
from engine.training.train_loop import StageOptions, Trainee, train
from engine.training.weights_file import Progress, load_weights, save_weights
from engine.world.render import render
from engine.world.splits import WORDS_HELD_OUT, WORDS_TRAIN
from engine.world.story import new_shots, new_story

VISION: dict[str, Any] = {
    "layers": 4,
    "width": 128,
    "head_width": 32,
    "patch_size": 16,
    "image_size": (64, 128),
}
SHOTS_A_FILM = 4
TEXT_LENGTH = 48  # a description fits; a whole prompt is cut


@dataclass(frozen=True)
class RankerOptions(StageOptions):
    minutes: float = 15.0
    batch: int = 64
    decay: float = 0.5


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


def frames_and_words(r: random.Random, size: int, films: range = WORDS_TRAIN) -> tuple[np.ndarray, list[str]]:
    """Random frames (B, 128, 256, 3) with a description or a whole prompt of their shot.

    SHOTS_A_FILM shots of each film: within a film time, weather and often the place are the same, and who is
    there and where is what ranking its memory turns on.
    """
    frames: list[np.ndarray] = []
    texts: list[str] = []
    while len(frames) < size:
        story = new_story(r.choice(films))
        for shot in r.sample(new_shots(story), SHOTS_A_FILM):
            said = paraphrase(story, shot, set(), r)
            frames.append(render(story, shot, float(r.random() < 0.5)))
            texts.append(said.description if r.random() < 0.6 else said.prompt)
    return np.stack(frames[:size]), texts[:size]


def contrastive_loss(images: Tensor, texts: Tensor, scale: Tensor) -> Tensor:
    """CLIP's symmetric cross entropy over unit features (B, D)."""
    logits = scale * images @ texts.T
    target = torch.arange(len(logits))
    return (F.cross_entropy(logits, target) + F.cross_entropy(logits.T, target)) / 2


@torch.no_grad()
def recall(ranker: FrameRanker, size: int = 128) -> float:
    """How often a held-out frame's own text is the nearest of `size`."""
    frames, texts = frames_and_words(random.Random(3), size, WORDS_HELD_OUT)
    scores = ranker.frame_features(frames) @ ranker.text_features(texts).T
    return float((scores.argmax(1) == torch.arange(size)).float().mean())


def _is_matrix(name: str, p: Tensor) -> bool:
    """The matrices inside the blocks of both towers."""
    return p.ndim == 2 and "resblocks" in name


def train_ranker(folder: Path, tokenizer: PreTrainedTokenizerFast, options: RankerOptions) -> Path:
    """Trains for a budget of minutes; resumes from `folder`/ranker.safetensors."""
    spawn_workers(options.workers, _train, folder, tokenizer, options)
    return folder / "ranker.safetensors"


def _train(folder: Path, tokenizer: PreTrainedTokenizerFast, options: RankerOptions, team: Team) -> None:
    torch.manual_seed(options.seed)
    path = folder / "ranker.safetensors"
    ranker, progress = new_ranker(tokenizer).train(), Progress()
    if path.exists():
        progress = load_weights(path, {"clip": ranker.clip})
    r = random.Random(options.seed + progress.samples + 7919 * team.rank)

    def loss(_: float) -> Tensor:
        frames, texts = frames_and_words(r, options.batch // team.size)
        images, words = ranker(pixels=ranker.pixels(frames)), ranker(tokens=ranker.tokens(texts))
        return contrastive_loss(images, words, ranker.clip.logit_scale.exp().clamp(max=100))

    trainee = Trainee(
        path,
        parameters=list(ranker.parameters()),
        solvers=muon_and_adam(ranker, options.lr, _is_matrix, team=team),
        loss=loss,
        report=lambda: {"recall at 1 of 128": recall(ranker)},
        save=lambda done: save_weights(path, {"clip": ranker.clip}, done),
    )
    train(trainee, options, progress, team)
