"""Stage `sight`: the understanding model's vision tower learns what a frame of the world shows.

The real Qwen2.5-VL comes to Qwen-Image with eyes that were trained on pictures; the mini one gets its own
here. Heads on the tower's picture tokens name the look of each kind of person and the layout of the place.
Only training needs the heads; every later stage leaves the tower as it is, so that frames are looked at once.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MethodType
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import PreTrainedTokenizerFast
from transformers.image_utils import OPENAI_CLIP_MEAN, OPENAI_CLIP_STD

from engine.training.data_parallel import Team, spawn_workers
from engine.training.muon import muon_and_adam
from engine.training.slots import CONTEXT_DIM
from engine.training.train_loop import StageOptions, Trainee, train
from engine.training.understanding import MERGE, PATCH, PICTURE_TOKENS, new_context_model
from engine.training.weights_file import Progress, load_weights, save_weights
from engine.world.layout import VALUES
from engine.world.palette import COATS, HAIRS, SKINS
from engine.world.render import render
from engine.world.splits import FILMS_HELD_OUT, TRAIN, films_of
from engine.world.story import (
    BODIES,
    HATS,
    SCALES,
    SETTINGS,
    TIMES,
    WEATHERS,
    Story,
    WorldShot,
    new_shots,
    new_story,
)

LOOK: dict[str, tuple[Any, ...]] = {
    "coat": tuple(COATS),
    "hair": tuple(HAIRS),
    "hat": HATS,
    "skin": tuple(range(len(SKINS))),
}
PLACE: dict[str, tuple[Any, ...]] = {
    "setting": SETTINGS,
    **VALUES,
    "time": TIMES,
    "weather": WEATHERS,
    "scale": SCALES,
}
# of pixels from 0 to 1, as Qwen2-VL's processor has them
MEAN, STD = torch.tensor(OPENAI_CLIP_MEAN), torch.tensor(OPENAI_CLIP_STD)
# what drawn frames may lack against the world's: see `as_drawn`
SOFTEST, NOISIEST, OFF_COLOUR = 2.6, 10.0, 6.0


@dataclass(frozen=True)
class SightOptions(StageOptions):
    """`pool` is how many films the frames come from, 1.2 MB each while it trains. Of 1,000 the tower learns
    the people by heart: held-out hair was 0.44 after 117,000 frames, and 0.82 after 262,000 more of 4,000.
    """

    minutes: float = 25.0
    batch: int = 64
    decay: float = 0.5
    pool: int = 8000


def frame_facts(story: Story, shot: WorldShot) -> tuple[Tensor, Tensor]:
    """What the frames of a shot show: (4, 5) for each kind of person whether one is there and the indices of
    LOOK (-1 where nobody is), and (7,) the indices of PLACE.
    """
    people = torch.full((len(BODIES), 1 + len(LOOK)), -1)
    people[:, 0] = 0
    for index in shot.who:
        person = story.people[index]
        values = [LOOK[fact].index(getattr(person, fact)) for fact in LOOK]
        people[BODIES.index(person.body)] = torch.tensor([1, *values])
    at = story.locations[shot.location]
    shown = {
        "setting": at.setting,
        "palette": at.palette,
        "side": at.side,
        "variant": at.variant,
        "time": story.time,
        "weather": "clear" if at.setting == "room" else story.weather,  # a room shows none
        "scale": shot.scale,
    }
    return people, torch.tensor([PLACE[fact].index(shown[fact]) for fact in PLACE])


def as_drawn(frames: Tensor, r: random.Random) -> Tensor:
    """Frames (n, H, W, 3) of the world, most of them softer, noisier and off colour by a little, as a model
    draws them; values of bytes, float.
    """
    x = frames.permute(0, 3, 1, 2).float()
    g = torch.Generator().manual_seed(r.getrandbits(62))
    spoilt = []
    for frame in x:
        if r.random() < 0.7:
            size = [round(side / r.uniform(1.0, SOFTEST)) for side in frame.shape[1:]]
            small = F.interpolate(frame[None], size=size, mode="bilinear", antialias=True)
            frame = F.interpolate(small, size=frame.shape[1:], mode="bilinear")[0]
            frame = frame + torch.randn(frame.shape, generator=g) * r.uniform(0.0, NOISIEST)
            frame = frame + torch.randn(3, 1, 1, generator=g) * r.uniform(0.0, OFF_COLOUR)
        spoilt.append(frame.clamp(0, 255))
    return torch.stack(spoilt).permute(0, 2, 3, 1)


def picture_tokens(visual: nn.Module, frames: Tensor) -> Tensor:
    """What the tower makes of frames (n, H, W, 3), values of bytes: (n, tokens, 128).

    The same as the processor's way, for many frames of one size.
    """
    n, height, width, _ = frames.shape
    x = ((frames.float() / 255 - MEAN) / STD).permute(0, 3, 1, 2)  # n 3 H W
    gh, gw = height // PATCH, width // PATCH
    x = x.reshape(n, 3, gh // MERGE, MERGE, PATCH, gw // MERGE, MERGE, PATCH)
    x = x.permute(0, 2, 5, 3, 6, 1, 4, 7).reshape(n * gh * gw, 3, 1, PATCH, PATCH)  # merged patches together
    x = x.expand(-1, -1, 2, -1, -1).flatten(1)  # a still picture lasts two frames
    found = visual(x, grid_thw=torch.tensor([[1, gh, gw]] * n)).pooler_output
    return (torch.cat(found) if isinstance(found, (tuple, list)) else found).view(n, -1, CONTEXT_DIM)


@contextmanager
def still_patches(visual: nn.Module) -> Iterator[None]:
    """The tower embeds patches with one matrix product inside, which is what its 3-D convolution comes to
    where both halves of a patch in time are equal; its backward is half of a step's time on a CPU.
    """
    module: Any = visual.patch_embed
    stock = module.forward

    def forward(self: Any, patches: Tensor) -> Tensor:
        kernel = self.proj.weight  # D 3 2 P P
        first = patches.view(-1, kernel.shape[1], kernel.shape[2], PATCH * PATCH)[:, :, 0].flatten(1)
        return F.linear(first.to(kernel.dtype), kernel.sum(2).flatten(1), self.proj.bias)

    module.forward = MethodType(forward, module)
    try:
        yield
    finally:
        module.forward = stock


class Heads(nn.Module):
    """They ask a frame's picture tokens about each kind of person and about the place."""

    def __init__(self) -> None:
        super().__init__()
        self.questions = nn.Parameter(torch.randn(len(BODIES) + 1, CONTEXT_DIM) * 0.3)
        self.position = nn.Parameter(torch.randn(PICTURE_TOKENS, CONTEXT_DIM) * 0.05)
        self.layer = nn.TransformerDecoderLayer(
            CONTEXT_DIM, 4, 2 * CONTEXT_DIM, 0.0, "gelu", batch_first=True, norm_first=True
        )
        self.people = nn.Linear(CONTEXT_DIM, 1 + sum(map(len, LOOK.values())))
        self.place = nn.Linear(CONTEXT_DIM, sum(map(len, PLACE.values())))

    def forward(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """(n, 32, 128) -> logits of the people (n, 4, …) and of the place (n, …)."""
        answers = self.layer(self.questions.expand(len(tokens), -1, -1), tokens + self.position)
        return self.people(answers[:, :-1]), self.place(answers[:, -1])


class Sight(nn.Module):
    """The tower and its heads."""

    def __init__(self, visual: nn.Module) -> None:
        super().__init__()
        self.visual, self.heads = visual, Heads()

    def parts(self) -> dict[str, nn.Module]:
        """What is saved."""
        return {"visual": self.visual, "heads": self.heads}

    def score(self, frames: Tensor, people: Tensor, place: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """The loss, and of each fact whether it was named rightly, frame by frame (or person by person)."""
        of_people, of_place = self.heads(picture_tokens(self.visual, frames))
        there = people[..., 0] == 1
        loss = F.binary_cross_entropy_with_logits(of_people[..., 0], there.float())
        hits: dict[str, Tensor] = {}
        looks = of_people[..., 1:].split([len(values) for values in LOOK.values()], -1)
        for k, (fact, logits) in enumerate(zip(LOOK, looks, strict=True)):
            if there.any():
                wanted = people[..., 1 + k][there]
                loss = loss + 0.7 * F.cross_entropy(logits[there], wanted)
                hits[fact] = (logits[there].argmax(-1) == wanted).float()
        places = of_place.split([len(values) for values in PLACE.values()], -1)
        for k, (fact, logits) in enumerate(zip(PLACE, places, strict=True)):
            loss = loss + 0.7 * F.cross_entropy(logits, place[:, k])
            hits[fact] = (logits.argmax(-1) == place[:, k]).float()
        return loss, hits


class Frames:
    """The frames of some films, and what they show."""

    def __init__(self, films: range) -> None:
        self.pixels: list[np.ndarray] = []
        self.facts: list[tuple[Tensor, Tensor]] = []
        for story in map(new_story, films):
            for shot in new_shots(story):
                facts = frame_facts(story, shot)
                for t in (0.0, 1.0):
                    self.pixels.append(render(story, shot, t))
                    self.facts.append(facts)

    @classmethod
    def to_learn_from(cls, pool: int, team: Team) -> Frames:
        """Those of a pool of films that are this worker's."""
        each = max(1, pool // team.size)
        return cls(films_of(TRAIN, each, team.rank * each))

    @classmethod
    def held_out(cls, films: int = 12) -> Frames:
        return cls(FILMS_HELD_OUT[:films])

    def batch(self, r: random.Random, size: int) -> tuple[Tensor, Tensor, Tensor]:
        """`size` frames as a model might draw them, with their people and places."""
        picks = r.choices(range(len(self.pixels)), k=size)
        people, place = zip(*(self.facts[k] for k in picks), strict=True)
        frames = torch.from_numpy(np.stack([self.pixels[k] for k in picks]))
        return as_drawn(frames, r), torch.stack(people), torch.stack(place)


@torch.no_grad()
def sight_accuracy(sight: Sight, frames: Frames, count: int = 256) -> dict[str, float]:
    """How often each fact of held-out frames is named rightly."""
    hits: dict[str, list[Tensor]] = {}
    r = random.Random(7)
    for _ in range(max(1, count // 64)):
        for fact, found in sight.score(*frames.batch(r, 64))[1].items():
            hits.setdefault(fact, []).append(found)
    return {fact: float(torch.cat(found).mean()) for fact, found in hits.items()}


def train_sight(folder: Path, tokenizer: PreTrainedTokenizerFast, options: SightOptions) -> Path:
    """Trains for a budget of minutes; resumes from `folder`/sight.safetensors."""
    spawn_workers(options.workers, _train, folder, tokenizer, options)
    return folder / "sight.safetensors"


def _train(folder: Path, tokenizer: PreTrainedTokenizerFast, options: SightOptions, team: Team) -> None:
    torch.manual_seed(options.seed)
    path = folder / "sight.safetensors"
    sight = Sight(new_context_model(tokenizer).model.visual)
    progress = Progress()
    if path.exists():
        progress = load_weights(path, sight.parts(), missing_ok=True)
    torch.manual_seed(options.seed + progress.samples + team.rank)
    frames, held_out = Frames.to_learn_from(options.pool, team), Frames.held_out()
    progress.films = max(progress.films, options.pool)
    r = random.Random(options.seed + progress.samples + 7919 * team.rank)
    trainee = Trainee(
        path,
        parameters=list(sight.parameters()),
        solvers=muon_and_adam(sight, options.lr, _is_matrix, team=team),
        loss=lambda _: sight.score(*frames.batch(r, options.batch // team.size))[0],
        report=lambda: sight_accuracy(sight, held_out),
        save=lambda done: save_weights(path, sight.parts(), done),
    )
    with still_patches(sight.visual):
        train(trainee, options, progress, team)


def _is_matrix(name: str, p: Tensor) -> bool:
    """The matrices inside the tower's blocks."""
    return p.ndim == 2 and ".blocks." in name
