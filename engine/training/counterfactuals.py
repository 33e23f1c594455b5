"""What a shot would look like, were one thing in it another: the same frame with another palette, or another
coat.

Most facts are small: the palette of mountains is half a hundredth of a frame's velocity error, so
eq. 4 alone learns it last. With the counterfactual frame at hand, the error can be measured along the one
direction that tells the two apart (`counterfactual_loss`), whatever its size.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import AutoencoderKLQwenImage
from torch import Tensor

from engine.metrics.judge import AREA, TELLING
from engine.step2.latents import encode_frames, to_pixels
from engine.training.facts import LAYOUT, NOT_SHOWN, SLOTLESS
from engine.training.latents import SHARD, encoder_of
from engine.training.shards import read_shards, write_shard
from engine.training.shots import Batch, ShotExample, Shots
from engine.training.sight import LOOK, PLACE
from engine.world.annotate import SLOT_NAMES, UNTOLD
from engine.world.render import render
from engine.world.story import Story, WorldShot, new_shots, new_story, with_location, with_look

FACTS = (*LAYOUT, *LOOK, *(f"{fact} 2" for fact in LOOK))
"""palette, side, variant, and coat, hair, hat, skin of the first and of the second person of a shot."""
_CHANCES = {"palette": 2, "side": 1, "variant": 2, "coat": 5, "hair": 6, "hat": 4, "skin": 5}
_NONE = -1
_KIND = "counterfactual"


@dataclass(frozen=True)
class Counterfactual:
    """Latents (C, H, W) of a shot's frame at `moment` (0 its start, 1 its end) in which `fact` is another."""

    fact: str
    moment: int
    latents: Tensor


@torch.inference_mode()
def encode_counterfactuals(vae: AutoencoderKLQwenImage, folder: Path, first: int, count: int = SHARD) -> Path:
    """Renders and encodes two of each shot of `count` films, one of its place and one of a person in it:
    latents (n, 6, 2, C, H, W) half, and (n, 6, 2, 2) the index into FACTS, -1 for none, and the moment.
    """

    def make() -> dict[str, Tensor]:
        latents, facts = [], []
        for seed in range(first, first + count):
            story, r = new_story(seed), random.Random(seed)
            found = [
                _another(story, shot, kind, r) for shot in new_shots(story) for kind in (LAYOUT, tuple(LOOK))
            ]
            frames = encode_frames(vae, to_pixels(np.stack([frame for _, _, frame in found])))
            latents.append(frames.half().unflatten(0, (-1, 2)))
            facts.append(torch.tensor([[fact, moment] for fact, moment, _ in found]).unflatten(0, (-1, 2)))
        return {"latents": torch.stack(latents), "facts": torch.stack(facts)}

    return write_shard(folder, _KIND, first, count, encoder_of(vae), make)


def _another(
    story: Story, shot: WorldShot, kind: Sequence[str], r: random.Random, tries: int = 4
) -> tuple[int, int, np.ndarray]:
    """(fact, moment, frame) of a shot with another value of one fact of that kind, if it can be seen."""
    place = kind == LAYOUT
    for _ in range(tries if place or shot.who else 0):
        fact, moment = r.choices(kind, [_CHANCES[fact] for fact in kind])[0], r.randrange(2)
        who = r.randrange(len(shot.who)) if shot.who else 0
        owner: Any = story.locations[shot.location] if place else story.people[shot.who[who]]
        values = PLACE[fact] if place else LOOK[fact]
        other = {fact: r.choice([v for v in values if v != getattr(owner, fact)])}
        changed = with_location(story, shot, **other) if place else with_look(story, shot.who[who], **other)
        frame, true = render(changed, shot, moment), render(story, shot, moment)
        if (np.abs(frame.astype(int) - true).sum(-1) > TELLING).sum() >= AREA:
            name = fact if place or not who else f"{fact} 2"
            return FACTS.index(name), moment, frame
    return _NONE, 0, render(story, shot, 0)


class Counterfactuals:
    """Those of the films in a folder, which must be of that encoder (`encoder_of`)."""

    def __init__(self, folder: Path, encoder: str) -> None:
        self._latents: dict[int, Tensor] = {}  # seed -> (6, 2, C, H, W) half
        self._facts: dict[int, list[list[list[int]]]] = {}
        for first, shard in read_shards(folder, _KIND, encoder, set()):
            for k in range(len(shard["facts"])):
                self._latents[first + k], self._facts[first + k] = (
                    shard["latents"][k],
                    shard["facts"][k].tolist(),
                )

    def __len__(self) -> int:
        return len(self._facts)

    def of(self, seed: int, i: int) -> Iterator[Counterfactual]:
        """Those of shot i of a film."""
        for k, (fact, moment) in enumerate(self._facts[seed][i] if seed in self._facts else ()):
            if fact != _NONE:
                yield Counterfactual(FACTS[fact], moment, self._latents[seed][i, k].float())

    def error(
        self, batch: Batch, known: Sequence[Collection[str]], error: Tensor, sigma: Tensor
    ) -> tuple[Tensor, Tensor]:
        """(error of clean frames, what tells them from their counterfactuals), (K, C, H, W) each, where the
        fact is `known` in a row of the batch; `error` is the velocity's, shaped like the batch's x.
        """
        off, apart = [], []
        for row, t in enumerate(batch.told):
            for other in self.of(t.seed, t.i):
                if other.fact in known[row] and not batch.pure_noise[row, other.moment]:
                    off.append(-sigma[row] * error[row, other.moment])
                    apart.append(other.latents - batch.x[row, other.moment])
        if not off:
            return error[:0, 0], error[:0, 0]
        return torch.stack(off), torch.stack(apart)


def known_facts(
    shots: Shots, told: ShotExample, pack: Collection[tuple[int, int]], slotless: Sequence[int]
) -> set[str]:
    """The FACTS of a shot that its words, the frames that it is shown, or the facts (5,) told to it say."""
    if not told.prompt:
        return set()
    _, filmed = shots.films.film(told.seed)
    shot = filmed[told.i]
    shown = [filmed[k // 2] for _, k in (*pack, *([told.previous] if told.previous else []))]
    people, places = {index for s in shown for index in s.who}, {s.location for s in shown}
    known = {fact for fact, value in zip(SLOTLESS, slotless, strict=True) if value != NOT_SHOWN}
    known |= {name for name in SLOT_NAMES if told.said.told[SLOT_NAMES.index(name)] != UNTOLD}
    known |= told.said.slotless
    for j, index in enumerate(shot.who):
        if index in people:
            known |= {f"{fact} 2" if j else fact for fact in LOOK}
    if shot.location in places:
        known |= set(LAYOUT)
    return known & set(FACTS)
