"""film.json: what a film is made of, written beside it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from engine.step2.conditions import PairTake
from engine.story import FrameRate, Shot, Storyboard
from engine.video.files import write_bytes


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class MemoryRecord(_Frozen):
    """A frame of the memory pack that a shot was drawn with."""

    frame: str
    rank: int
    share: float
    similarity: float | None
    pinned: bool


class Lineage(_Frozen):
    """How a pair was drawn."""

    seed: int
    steps: int
    guidance: float
    profile: str
    weights: str
    memory: tuple[MemoryRecord, ...]


class ShotRecord(_Frozen):
    """A shot as it was filmed; `start` and `end` are paths relative to the manifest."""

    description: str
    attributes: dict[str, Any]
    refined: str
    start: str
    end: str
    lineage: Lineage

    @classmethod
    def of(
        cls, shot: Shot, rate: FrameRate, refined: str, start: Path, end: Path, take: PairTake, folder: Path
    ) -> ShotRecord:
        """The record of a shot; `folder` is where the manifest will be."""
        attributes = shot.attributes.model_dump(mode="json")
        frames = shot.attributes.length
        attributes["length"] = {"seconds": round(rate.seconds(frames), 6), "frames": frames}
        recipe = take.recipe
        memory = tuple(
            MemoryRecord(frame=m.key, rank=m.rank, share=m.share, similarity=m.similarity, pinned=m.pinned)
            for m in take.memory
        )
        return cls(
            description=shot.description,
            attributes=attributes,
            refined=refined,
            start=start.relative_to(folder).as_posix(),
            end=end.relative_to(folder).as_posix(),
            lineage=Lineage(
                seed=recipe.seed,
                steps=recipe.steps,
                guidance=recipe.guidance,
                profile=recipe.profile,
                weights=recipe.weights,
                memory=memory,
            ),
        )


class FilmManifest(_Frozen):
    """The whole film. `fps` is for people and programs; `rate` is the same exactly, e.g. 24000/1001."""

    title: str
    theme: str
    fps: float
    rate: str
    shots: tuple[ShotRecord, ...]

    @classmethod
    def of(cls, storyboard: Storyboard, shots: Sequence[ShotRecord]) -> FilmManifest:
        """The manifest of a filmed storyboard."""
        rate = storyboard.rate
        fps = float(rate.fraction)
        return cls(
            title=storyboard.title, theme=storyboard.theme, fps=fps, rate=str(rate), shots=tuple(shots)
        )


def write_manifest(path: Path, manifest: FilmManifest) -> None:
    """Write it as JSON that a person can read.

    Raises:
        StageError: the file cannot be written.
    """
    text = json.dumps(manifest.model_dump(mode="json"), indent=2, ensure_ascii=False)
    write_bytes(path, f"{text}\n".encode())


def abandoned_frames(path: Path, shots: Sequence[ShotRecord]) -> list[Path]:
    """The frames of the manifest that is about to be replaced and that the new shots do not use.

    Only files that an earlier run wrote (by its own manifest) into the film's folder of frames are named;
    another program's JSON of that name, or none, names nothing.
    """
    try:
        old = FilmManifest.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return []
    used = {name for shot in shots for name in (shot.start, shot.end)}
    folder = (path.parent / f"{path.stem}.frames").resolve()
    named = {path.parent / name for shot in old.shots for name in (shot.start, shot.end) if name not in used}
    return [file for file in sorted(named) if file.resolve().parent == folder]
