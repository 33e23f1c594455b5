"""Held-out films of the world, and how a checkpoint draws them with parts of STEP² taken away."""

from __future__ import annotations

import hashlib
import tempfile
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from engine.errors import BadInput
from engine.metrics.judge import pair_of
from engine.step2.conditions import MemoryFrame, PairConditions, StoredFrame
from engine.step2.frames import png
from engine.step2.pipeline import Step2Pipeline
from engine.step2.prompt import compose
from engine.story import Shot, Storyboard
from engine.workflow import shot_seed
from engine.world.annotate import storyboard
from engine.world.splits import EVALUATION
from engine.world.story import SHOTS, Story, WorldShot, new_shots, new_story, place_returns


class Ablation(str, Enum):
    """What is taken away: the memory pack, the previous end frame, the joint pair, the alignment, or that the
    memory is followed more than it was learnt.
    """

    MEMORY = "memory"
    PREVIOUS = "previous"
    PAIR = "pair"
    DPO = "dpo"
    GUIDANCE = "memory-guidance"


Arm = frozenset[Ablation]
FULL = "full"  # the arm that lacks nothing


def parse_arm(name: str) -> Arm:
    """`full`, or ablations joined by `+`."""
    if name == FULL:
        return frozenset()
    known = {a.value for a in Ablation}
    parts = [part.strip() for part in name.split("+")]
    if strange := [part for part in parts if part not in known]:
        raise BadInput(f"There is nothing called {strange[0]} to take away: choose {', '.join(known)}.")
    return frozenset(Ablation(part) for part in parts)


@dataclass(frozen=True)
class HeldOut:
    """A film of the world: ground truth, and the storyboard that tells it."""

    story: Story
    shots: tuple[WorldShot, ...]
    board: Storyboard

    @property
    def returns(self) -> list[int]:
        """Shots that come back to a place which the shot before does not show (A-B-A)."""
        return [i for i in range(len(self.shots)) if place_returns(self.shots, i)]


def held_out_films(count: int, split: range = EVALUATION, shots: int = SHOTS) -> list[HeldOut]:
    """The first films of a split, of so many shots, every second of which returns to a place.

    Raises BadInput when it has not as many.
    """
    films: list[HeldOut] = []
    for seed in split:
        if len(films) >= count:
            break
        story = new_story(seed)
        filmed = new_shots(story, shots)
        film = HeldOut(story, filmed, storyboard(story, filmed))
        if len(films) % 2 == 1 or film.returns:
            films.append(film)
    if len(films) < count:
        raise BadInput(f"There are only {len(films):,} held-out films: ask for fewer.")
    return films


def told(film: HeldOut, i: int) -> tuple[str, Shot]:
    """The prompt of shot i: the looks of people and places are told when they first appear; later, only who
    and where it is.
    """
    seen = {person for shot in film.shots[:i] for person in shot.who}
    cast = [
        member
        if index not in seen
        else member.model_copy(update={"look": f"a {film.story.people[index].body}"})
        for index, member in enumerate(film.board.cast)
    ]
    shown = {shot.location for shot in film.shots[:i]}
    places = [
        place if index not in shown else place.model_copy(update={"look": ""})
        for index, place in enumerate(film.board.places)
    ]
    shot = film.board.shots[i]
    return compose(shot, cast, places), shot


def draw_film(pipe: Step2Pipeline, film: HeldOut, arm: Arm = frozenset()) -> np.ndarray:
    """The film's pairs, each with the film's own frames as history, uint8 (shots, 2, H, W, 3).

    The same seeds serve every arm. `dpo` is a matter of the pipeline's weights and changes nothing here.
    """
    pairs = []
    with tempfile.TemporaryDirectory() as folder:
        bank: list[MemoryFrame] = []
        for i in range(len(film.shots)):
            prompt, shot = told(film, i)
            conditions = PairConditions(
                prompt=prompt,
                description=shot.description,
                previous_end=bank[-1].frame if bank and Ablation.PREVIOUS not in arm else None,
                memory=() if Ablation.MEMORY in arm else tuple(bank),
            )
            pair = _draw(pipe, conditions, shot_seed(film.story.seed, i + 1), arm)
            pairs.append(pair)
            bank += [
                MemoryFrame(f"{i + 1}{side}", _store(Path(folder), frame))
                for side, frame in zip("SE", pair, strict=True)
            ]
    return np.stack(pairs)


def _draw(pipe: Step2Pipeline, conditions: PairConditions, seed: int, arm: Arm) -> np.ndarray:
    """One pair; without `pair`, each frame is drawn while its partner stays the noise that it began as."""
    generator = torch.Generator().manual_seed(seed)
    following = 1.0 if Ablation.GUIDANCE in arm else None
    if Ablation.PAIR not in arm:
        return pipe(conditions, [generator], memory_guidance_scale=following).frames[0]
    h, w = pipe.check_inputs([generator], pipe.card.width, pipe.card.height, 1, 1.0)
    noise = pipe.noise([torch.Generator().manual_seed(seed)], h, w).to(pipe._execution_device)
    frames = []
    for side in range(2):
        partner = slice(h * w, 2 * h * w) if side == 0 else slice(0, h * w)

        def hold(
            _: Step2Pipeline, i: int, t: Tensor, given: dict[str, Any], at: slice = partner
        ) -> dict[str, Any]:
            x = given["latents"].clone()
            x[:, at] = noise[:, at]
            return {"latents": x}

        again = torch.Generator().manual_seed(seed)
        drawn = pipe(conditions, [again], memory_guidance_scale=following, callback_on_step_end=hold)
        frames.append(drawn.frames[0, side])
    return np.stack(frames)


def _store(folder: Path, frame: np.ndarray) -> StoredFrame:
    data = png(frame)
    sha = hashlib.sha256(data).hexdigest()
    path = folder / f"{sha}.png"
    path.write_bytes(data)
    return StoredFrame(sha, path)


def true_film(film: HeldOut) -> np.ndarray:
    """The ground truth, uint8 (shots, 2, H, W, 3)."""
    return np.stack([pair_of(film.story, shot) for shot in film.shots]).astype(np.uint8)
