"""What the understanding model and the ranker make of the world's films, cached for stage `sft`.

A shard `readings-000250.safetensors` lies beside the latents of the same seeds:

    context     (n, 6, 4, 16, 128) half   U_i of each shot, once for each `Telling`
    similarity  (n, 6, 12) float          cosine of every frame of the film with the words of D_i

Both are computed with the models that sampling uses, on words as a director or a filmmaker writes them.
"""

from __future__ import annotations

import random
from enum import IntEnum
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from torch import Tensor

from engine.step2.context import ContextTemplate, context_inputs, encode_context
from engine.step2.pipeline import Step2Pipeline
from engine.training.latents import SHARD
from engine.training.paraphrase import paraphrase
from engine.world.render import render
from engine.world.story import SHOTS, new_shots, new_story


class Telling(IntEnum):
    """What the understanding model was given of a shot."""

    TOLD = 0  # every look in words, and the previous end frame
    SEEN = 1  # the looks of people who were seen before are left to memory
    UNSEEN = 2  # every look in words, without the previous end frame
    BLANK = 3  # no words: the unconditional branch of guidance


@torch.inference_mode()
def read_shard(pipe: Step2Pipeline, folder: Path, first: int, count: int = SHARD) -> Path:
    """Reads the films of `count` seeds, unless that shard is already there with as many."""
    path = folder / f"readings-{first:06d}.safetensors"
    if path.exists() and len(load_file(path)["similarity"]) >= count:
        return path
    films = [_read_film(pipe, seed) for seed in range(first, first + count)]
    context, similarity = (torch.stack(parts) for parts in zip(*films, strict=True))
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {"context": context.half().contiguous(), "similarity": similarity.contiguous()}
    save_file(tensors, path.with_suffix(".part"))
    path.with_suffix(".part").replace(path)
    return path


def _read_film(pipe: Step2Pipeline, seed: int) -> tuple[Tensor, Tensor]:
    """(6, 4, 16, 128) context tokens and (6, 12) similarities of one film."""
    story, r = new_story(seed), random.Random(seed * 31 + 5)
    shots = new_shots(story)
    frames = np.stack([render(story, shot, t) for shot in shots for t in (0, 1)])
    told, descriptions, kept = [], [], []
    for i, shot in enumerate(shots):
        prompt, description, _ = paraphrase(story, shot, set(), r)
        told.append(prompt)
        descriptions.append(description)
        before = {person for earlier in shots[:i] for person in earlier.who}
        kept.append(paraphrase(story, shot, before, r)[0])
    ends = [Image.fromarray(frames[2 * i + 1]) for i in range(SHOTS - 1)]
    blind = _encode(pipe, [*told, ""], None)
    sighted = _encode(pipe, [*told[1:], *kept[1:], *[""] * (SHOTS - 1)], ends * 3)
    own, seen, blank = sighted.split(SHOTS - 1)
    by_telling = {
        Telling.TOLD: torch.cat([blind[:1], own]),
        Telling.SEEN: torch.cat([blind[:1], seen]),
        Telling.UNSEEN: blind[:-1],
        Telling.BLANK: torch.cat([blind[-1:], blank]),
    }
    context = torch.stack([by_telling[telling] for telling in Telling], 1)  # 6 4 16 128
    features = pipe.ranker.text_features(descriptions), pipe.ranker.frame_features(frames)
    return context, features[0] @ features[1].T


def _encode(pipe: Step2Pipeline, prompts: list[str], frames: list[Image.Image] | None) -> Tensor:
    template = ContextTemplate.of(pipe.card)
    inputs = context_inputs(pipe.processor, template, prompts, frames)
    return encode_context(pipe.text_encoder, inputs, template.drop(frames is not None))


class Readings:
    """The readings of the shards in a folder, by seed; `refresh` picks up shards that were written since."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.context: dict[int, Tensor] = {}  # seed -> (6, 4, 16, 128) half
        self.similarity: dict[int, Tensor] = {}  # seed -> (6, 12)
        self._shards: set[Path] = set()
        self.refresh()

    def refresh(self) -> None:
        for path in sorted(set(self.folder.glob("readings-*.safetensors")) - self._shards):
            self._shards.add(path)
            first, shard = int(path.stem.split("-")[1]), load_file(path)
            for k in range(len(shard["similarity"])):
                self.context[first + k] = shard["context"][k]
                self.similarity[first + k] = shard["similarity"][k]
