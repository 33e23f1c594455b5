"""A folder of films to learn from: pictures, and `films.jsonl` with a film a line.

    {"title": "…", "shots": [{"prompt": "…", "description": "…", "start": "a/1s.png", "end": "a/1e.png",
                              "internal": ["a/1-3.png", "a/1-7.png"],
                              "rejected": [{"start": "a/1s-2.png", "end": "a/1e-2.png"}]}, …]}

`prompt` is D_i and C_i as `engine.step2.prompt.compose` writes them, `description` is D_i alone: memory is
ranked by it (by the prompt where it is missing). `internal` frames, in the order of time, are what preference
alignment takes for the dispreferred pair; where there are `rejected` pairs (takes that a filmmaker turned
down for the one above, drawn from the same words), it takes one of those. Paths are relative to the folder.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from engine.errors import BadInput
from engine.step2.conditions import StoredFrame
from engine.step2.frames import stored

FILMS_FILE = "films.jsonl"


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _Pair(_Record):
    """Start and end frame, as paths in the folder."""

    start: Path
    end: Path

    @field_validator("start", "end")
    @classmethod
    def _frames_inside(cls, value: Path) -> Path:
        return _inside(value)


class RejectedPair(_Pair):
    """A pair that was turned down."""


class TrainingShot(_Pair):
    """One shot: what was asked, and how it looks."""

    prompt: str = Field(min_length=1)
    description: str = ""
    internal: tuple[Path, ...] = ()
    rejected: tuple[RejectedPair, ...] = ()

    @field_validator("internal")
    @classmethod
    def _all_inside(cls, value: tuple[Path, ...]) -> tuple[Path, ...]:
        return tuple(map(_inside, value))

    @property
    def pictures(self) -> tuple[Path, ...]:
        """All of its files."""
        turned_down = (path for pair in self.rejected for path in (pair.start, pair.end))
        return (self.start, self.end, *self.internal, *turned_down)


def _inside(path: Path) -> Path:
    if path.is_absolute() or ".." in path.parts:
        raise ValueError("a path must lie inside the folder")
    return path


class TrainingFilm(_Record):
    """The shots of one film, in their order."""

    title: str = ""
    shots: tuple[TrainingShot, ...] = Field(min_length=1)


def read_films(folder: Path) -> list[TrainingFilm]:
    """All films of a folder.

    Raises BadInput with the number of the line that cannot be used, and for pictures that are not there.
    """
    path = folder / FILMS_FILE
    if not path.exists():
        raise BadInput(f"There is no {FILMS_FILE} in {folder}: write one, with a film a line.")
    films = []
    # Not `splitlines`: it would also part a line where a text has U+2028 or U+0085 in it.
    for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), 1):
        if not line.strip():
            continue
        try:
            film = TrainingFilm.model_validate_json(line)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"])) or "the line"
            raise BadInput(f"Line {number} of {FILMS_FILE}: {where}: {first['msg']}.") from error
        for shot in film.shots:
            for picture in shot.pictures:
                if not (folder / picture).is_file():
                    raise BadInput(f"Line {number} of {FILMS_FILE} names {picture}, which is not there.")
        films.append(film)
    if not films:
        raise BadInput(f"{FILMS_FILE} in {folder} holds no film.")
    return films


class FilmFrames:
    """The stored frames of a folder's films; each picture's hash is computed once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._known: dict[Path, StoredFrame] = {}

    def __getitem__(self, picture: Path) -> StoredFrame:
        if picture not in self._known:
            self._known[picture] = stored(self.folder / picture)
        return self._known[picture]
