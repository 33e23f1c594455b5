"""The pairs of `stage film` in their folder, and how a film that was stopped goes on from them.

Until the film is done, `unfinished.json` in that folder says what each pair was drawn from, and holds the
storyboard that a language model made of the theme, and the text R_i that was written for each pair. The same
drawing, directing or text, asked for by the next run is taken from there: an hour on a GPU, or what a service
was paid, is not spent twice because a renderer failed.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from engine.manifest import inside
from engine.step2.conditions import PackedFrame, PairConditions, PairRecipe, PairTake, StoredFrame
from engine.story import FrameSide, Shot, Storyboard
from engine.video.files import write_bytes

if TYPE_CHECKING:
    from engine.agents.choice import Target
    from engine.profile import Profile
    from engine.step2.painter import PairPainter

UNFINISHED = "unfinished.json"


@dataclass(frozen=True)
class StoredPair:
    """A pair that is drawn, and its frames as they are stored."""

    take: PairTake
    start: StoredFrame
    end: StoredFrame


class _Drawn(BaseModel):
    """A pair of an unfinished film: the names of its files, their SHA-256, and how it was drawn."""

    model_config = ConfigDict(frozen=True)

    start: str
    end: str
    start_sha256: str
    end_sha256: str
    recipe: PairRecipe
    memory: tuple[PackedFrame, ...]


class _Directed(BaseModel):
    """The storyboard of an unfinished film, which a language model made."""

    model_config = ConfigDict(frozen=True)

    storyboard: Storyboard


class _Refined(BaseModel):
    """The text R_i of a pair. A service knows an order again by it, and a model would write another one."""

    model_config = ConfigDict(frozen=True)

    text: str


_Note = _Drawn | _Directed | _Refined
_NOTES = TypeAdapter(dict[str, _Note])
"""By the hash of what was asked for: `drawing_of`, `directing_of`, `refining_of`."""


def frames_folder(film: Path) -> Path:
    """Where the pairs of a film lie: beside it."""
    return film.with_name(f"{film.stem}.frames")


def is_unfinished(film: Path) -> bool:
    """Whether a run of `stage film` was stopped after it had drawn pairs, or a model had directed."""
    return (frames_folder(film) / UNFINISHED).exists()


def drawing_of(painter: PairPainter, conditions: PairConditions, seed: int) -> str:
    """What names a drawing, as a SHA-256: its conditions, its seed, and the painter's weights and settings.

    Versions of libraries are left out: a picture that is there is not drawn anew for an update.
    """
    profile = painter.profile
    told = (
        (profile.name, painter.weights, profile.width, profile.height),
        (profile.steps, profile.guidance, profile.memory_guidance, profile.negative, seed),
        dataclasses.asdict(conditions),
    )
    # A frame is its content: where it lies does not matter, and a path is no JSON.
    return hashlib.sha256(json.dumps(told, default=lambda _: "").encode()).hexdigest()


def directing_of(
    model: Target, story: str, shots: int, profile: Profile, seed: int, seconds: float | None = None
) -> str:
    """What names a directing, as a SHA-256: the model, and all that it is told."""
    told: tuple[object, ...] = (model.source.value, model.url, model.model, story, shots, profile.name, seed)
    if seconds is not None:
        told = (*told, seconds)
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def refining_of(refiner: str, shot: Shot, storyboard: Storyboard, pair: StoredPair) -> str:
    """What names a text R_i, as a SHA-256: who writes it, and all that it is written from."""
    cast = [member.model_dump(mode="json") for member in storyboard.cast]
    told = (refiner, shot.model_dump(mode="json"), cast, str(storyboard.rate))
    frames = (pair.start.sha256, pair.end.sha256)
    return hashlib.sha256(json.dumps((told, frames)).encode()).hexdigest()


class PairStore:
    """The folder of frames of one film. Unreadable notes of an unfinished film are the same as none."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._notes: dict[str, _Note] = {}
        with suppress(OSError, ValidationError):
            self._notes = _NOTES.validate_json((folder / UNFINISHED).read_bytes())

    def directed(self, directing: str) -> Storyboard | None:
        """The storyboard of that `directing_of`, if an unfinished run has it."""
        found = self._notes.get(directing)
        return found.storyboard if isinstance(found, _Directed) else None

    def keep_directed(self, directing: str, storyboard: Storyboard) -> None:
        """Note a storyboard. Raises StageError when it cannot be written."""
        self._note(directing, _Directed(storyboard=storyboard))

    def refined(self, refining: str) -> str | None:
        """The text of that `refining_of`, if an unfinished run has it."""
        found = self._notes.get(refining)
        return found.text if isinstance(found, _Refined) else None

    def keep_refined(self, refining: str, text: str) -> None:
        """Note a text. Raises StageError when it cannot be written."""
        self._note(refining, _Refined(text=text))

    def find(self, drawing: str) -> StoredPair | None:
        """The pair of that `drawing_of`, if an unfinished run drew it and its files are unchanged."""
        drawn = self._notes.get(drawing)
        if not isinstance(drawn, _Drawn):
            return None
        start = StoredFrame(drawn.start_sha256, self.folder / drawn.start)
        end = StoredFrame(drawn.end_sha256, self.folder / drawn.end)
        try:
            take = PairTake(start.path.read_bytes(), end.path.read_bytes(), drawn.recipe, drawn.memory)
        except OSError:
            return None
        if [hashlib.sha256(png).hexdigest() for png in (take.start, take.end)] != [start.sha256, end.sha256]:
            return None
        return StoredPair(take, start, end)

    def keep(self, drawing: str, shot: int, take: PairTake) -> StoredPair:
        """Store what was drawn for shot `shot` (from 1), and note it.

        Raises:
            StageError: it cannot be written.
        """
        start = self._store(shot, FrameSide.START, take.start)
        end = self._store(shot, FrameSide.END, take.end)
        drawn = _Drawn(
            start=start.path.name,
            end=end.path.name,
            start_sha256=start.sha256,
            end_sha256=end.sha256,
            recipe=take.recipe,
            memory=take.memory,
        )
        self._note(drawing, drawn)
        return StoredPair(take, start, end)

    def finish(self, used: Sequence[StoredPair]) -> None:
        """The film is done, of these pairs: its next run is a new one, and what runs that were stopped had
        drawn otherwise goes.
        """
        kept = {frame.path.name for pair in used for frame in (pair.start, pair.end)}
        for drawn in self._notes.values():
            for name in ({drawn.start, drawn.end} if isinstance(drawn, _Drawn) else set()) - kept:
                if inside(self.folder, name):
                    (self.folder / name).unlink(missing_ok=True)
        (self.folder / UNFINISHED).unlink(missing_ok=True)

    def _note(self, name: str, what: _Note) -> None:
        self._notes[name] = what
        write_bytes(self.folder / UNFINISHED, _NOTES.dump_json(self._notes, indent=1))

    def _store(self, shot: int, side: FrameSide, png: bytes) -> StoredFrame:
        """Keep a drawn frame. Its hash is in its name, so that drawing again overwrites no other picture."""
        digest = hashlib.sha256(png).hexdigest()
        path = self.folder / f"{shot:03d}-{side.value}-{digest[:8]}.png"
        write_bytes(path, png)
        return StoredFrame(digest, path)
