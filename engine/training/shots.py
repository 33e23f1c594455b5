"""Shots of cached films as `context`, `sft` and `dpo` are told them: words, pictures and the memory pack,
with what is left out now and then.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor, nn

from engine.step2.ranking import FrameRanker
from engine.training.latents import Films, draw_shot
from engine.training.paraphrase import Paraphrase, paraphrase
from engine.training.understanding import MEMORY_PICTURES
from engine.training.views import Frame, Views
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
    """What is told of shot `i` of film `seed`: words (`said`, and `prompt`, which may be blank), and whether
    previous end frame and memory are there.
    """

    seed: int
    i: int
    prompt: str
    said: Paraphrase
    has_previous_frame: bool
    has_memory: bool
    only_frame: int | None = None  # 0 or 1: the frame whose partner is nothing but noise

    @property
    def look_dropout(self) -> frozenset[int]:
        """People whose looks the words leave to memory."""
        return self.said.look_dropout

    @property
    def previous(self) -> Frame | None:
        """The frame before, if it is shown."""
        return (self.seed, 2 * self.i - 1) if self.has_previous_frame else None


@dataclass(frozen=True)
class Batch:
    """x (B, 2, C, H, W) clean pairs, memory (B, C, H, W), loss weights (B, 2, 1, H, W), `pure_noise` (B, 2)
    true for frames that are nothing but noise, and what is told. `packs` are the frames of each row's pack
    that the understanding model reads; those without a previous frame come first.
    """

    x: Tensor
    memory: Tensor
    weight: Tensor
    pure_noise: Tensor
    told: tuple[ShotExample, ...]
    packs: tuple[tuple[Frame, ...], ...]

    def without_memory(self) -> Batch:
        """The same shots, and nothing to remember."""
        return replace(self, memory=torch.zeros_like(self.memory), packs=((),) * len(self.packs))

    def with_anothers_memory(self) -> Batch:
        """Each row with the memory of the row before."""
        return replace(self, memory=self.memory.roll(1, 0), packs=(self.packs[-1], *self.packs[:-1]))


def read_frames(told: ShotExample, order: Sequence[int]) -> tuple[Frame, ...]:
    """The frames of a pack that the understanding model reads."""
    return tuple((told.seed, k) for k in order[:MEMORY_PICTURES])


def recalls(shots: Sequence[WorldShot]) -> list[int]:
    """Shots with a person or a place that was seen before, but not in the shot before."""
    return [i for i in range(len(shots)) if place_returns(shots, i) or people_back(shots, i)]


class Shots:
    """Shots of the films in a folder that have both latents and views."""

    def __init__(self, folder: Path, encoder: str, ranker: FrameRanker, visual: nn.Module) -> None:
        self.films, self.ranker = Films(folder, encoder), ranker
        self.views = Views(folder, ranker, visual)
        self.seeds: list[int] = []
        self.recalling: list[tuple[int, int]] = []  # (seed, shot)
        self.refresh()

    def refresh(self) -> None:
        """Picks up shards that were written since: another process may still be at it."""
        self.films.refresh()
        self.views.refresh()
        known = set(self.seeds)  # views may come in another order than latents
        new = [seed for seed in self.films.seeds if seed in self.views.features and seed not in known]
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
            seed, i = r.choice(self.seeds), draw_shot(r)
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
        """Shot i in free words; `leave_out`: most looks of people and places seen before are left to memory.

        A first shot has neither a previous frame nor a memory, whatever is asked.
        """
        has_previous_frame, has_memory = has_previous_frame and i > 0, has_memory and i > 0
        story, shots = self.films.film(seed)
        seen = {person for earlier in shots[:i] for person in earlier.who} if leave_out else set()
        before = None
        if has_previous_frame and shots[i - 1].location == shots[i].location:
            place = story.locations[shots[i].location].setting
            before = (place, "clear" if place == "room" else story.weather)
        place_seen = leave_out and any(earlier.location == shots[i].location for earlier in shots[:i])
        said = paraphrase(story, shots[i], seen, r, before, place_seen)
        return ShotExample(
            seed,
            i,
            said.prompt,
            said,
            has_previous_frame,
            has_memory,
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
        orders = self.orders(told, r)
        memory, pure_noise = [], torch.zeros(len(told), 2, dtype=torch.bool)
        for row, (t, order) in enumerate(zip(told, orders, strict=True)):
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
            tuple(read_frames(t, order) for t, order in zip(told, orders, strict=True)),
        )

    def orders(self, told: Sequence[ShotExample], r: random.Random | None = None) -> list[list[int]]:
        """The frames of each shot's pack, as `order` has them; none where it has no memory."""
        words = self.ranker.text_features([t.said.description for t in told])  # B D
        return [
            self.order(t.seed, t.i, text, r) if t.has_memory else []
            for t, text in zip(told, words, strict=True)
        ]

    def order(self, seed: int, i: int, text: Tensor, r: random.Random | None = None) -> list[int]:
        """Earlier frames of shot i, the most similar to its words (D,) first, as the pipeline ranks them."""
        if r is not None and r.random() < TOLD_ORDER:
            return self.films.memory_order(seed, i, r)
        similarity = (self.views.features[seed][: 2 * i] @ text).tolist()
        scores = [s + (r.gauss(0, RANK_NOISE) if r else 0.0) for s in similarity]
        return sorted(range(2 * i), key=lambda j: -scores[j])
