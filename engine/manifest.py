"""film.json: what a film is made of, written beside it by `stage film` and by the studio, and read by both.

A film.json of an earlier version, which says less, is read as well: what it lacks has a default.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from engine.errors import BadInput
from engine.profile import Mode
from engine.profiles import mode_of
from engine.step2.conditions import PackedFrame, PairRecipe
from engine.story import CastMember, CinematicAttributes, FrameRate, FrameSide, Place, Shot, Storyboard
from engine.video.files import write_bytes

LONGEST_NAME = 200  # bytes of a frame's name; file systems take 255


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class MemoryRecord(_Frozen):
    """A frame of the memory pack that a shot was drawn with.

    `frame` is its key in the film, "2E" for the end of shot 2, or "?E" where the film does not show it (any
    more); `sha256` is the hash of its stored file, "" where that is not told; `share` is its part of the
    canvas; `box` is y, x, h, w in packed tokens; `later` says that its shot came later in the film then.
    """

    frame: str
    sha256: str = ""
    rank: int = Field(ge=1)
    share: float = Field(gt=0, le=1)
    similarity: float | None = Field(allow_inf_nan=False)
    pinned: bool
    box: tuple[int, int, int, int] | None = None
    later: bool = False


Lost = Literal["previous", "kept"]
"""What a pair may have been drawn from, beside its memory, that a film does not show: another end frame
before it (or none), and a frame that was given.
"""


class LineageRecord(_Frozen):
    """How a pair was drawn. The bounds are wider than what anybody draws with: a film.json may come from
    anywhere, and a pair is drawn again by what stands here. `lost` is what it would need for that and the
    film does not show. `mode` is how the profile made the pair (None: not told): one of "zero-shot" or
    "hosted" was drawn by a model that was never trained on pairs.
    """

    seed: int = Field(ge=0, lt=2**63)
    steps: int = Field(ge=1, le=1000)
    guidance: float = Field(allow_inf_nan=False)
    memory_guidance: float = Field(1.0, allow_inf_nan=False)
    profile: str
    mode: Mode | None = None
    weights: str
    batch: int = Field(1, ge=1, le=64)
    dtype: str = ""
    device: str = ""
    versions: dict[str, str] = Field(default_factory=dict)
    memory: tuple[MemoryRecord, ...]
    lost: tuple[Lost, ...] = ()

    @classmethod
    def of(cls, recipe: PairRecipe, memory: Iterable[PackedFrame]) -> LineageRecord:
        """The lineage of a take."""
        return cls(
            seed=recipe.seed,
            steps=recipe.steps,
            guidance=recipe.guidance,
            profile=recipe.profile,
            mode=mode_of(recipe.profile),
            weights=recipe.weights,
            batch=recipe.batch,
            dtype=recipe.dtype,
            device=recipe.device,
            versions=recipe.versions,
            memory_guidance=recipe.memory_guidance,
            memory=tuple(
                MemoryRecord(
                    frame=m.key,
                    sha256=m.sha256,
                    rank=m.rank,
                    share=m.share,
                    similarity=m.similarity,
                    pinned=m.pinned,
                    box=m.box,
                )
                for m in memory
            ),
        )

    def recipe(self, width: int, height: int) -> PairRecipe:
        """The recipe again; the size of the pictures is that of their files."""
        return PairRecipe(**self.model_dump(exclude={"memory", "lost", "mode"}), width=width, height=height)


class ShotRecord(_Frozen):
    """A shot as it was filmed.

    `attributes` are C_i, the length in seconds and in frames; `start` and `end` are paths relative to the
    manifest. The studio adds the shot's `title`, whether it is `locked`, the `words` that its pair was drawn
    from, which the film may have changed since, the `marks` of its frames as memory of other shots (None:
    not told), and whether somebody wrote `refined` `by_hand`.
    """

    description: str
    scene: int = 1
    slate: str = ""
    title: str = Field("", max_length=200)
    locked: bool = False
    words: dict[str, Any] | None = None
    marks: dict[FrameSide, Literal["pinned", "banned"]] | None = None
    attributes: dict[str, Any]
    refined: str
    by_hand: bool = False
    start: str
    end: str
    lineage: LineageRecord

    @classmethod
    def of(
        cls, shot: Shot, rate: FrameRate, refined: str, start: str, end: str, lineage: LineageRecord
    ) -> ShotRecord:
        """The record of a shot."""
        attributes = shot.attributes.model_dump(mode="json")
        frames = shot.attributes.length
        attributes["length"] = {"seconds": round(rate.seconds(frames), 6), "frames": frames}
        return cls(
            description=shot.description,
            scene=shot.scene,
            slate=shot.slate,
            attributes=attributes,
            refined=refined,
            start=start,
            end=end,
            lineage=lineage,
        )

    def shot(self) -> Shot:
        """S_i = (D_i, C_i).

        Raises:
            KeyError, ValidationError: the attributes are none of ours.
        """
        length = self.attributes.get("length", {})
        fields = {**self.attributes, "length": length["frames"] if isinstance(length, dict) else length}
        return Shot(
            description=self.description,
            attributes=CinematicAttributes.model_validate(fields),
            scene=self.scene,
            slate=self.slate,
        )


class FilmManifest(_Frozen):
    """The whole film. `fps` is for people and programs; `rate` is the same exactly, e.g. 24000/1001."""

    title: str
    theme: str
    logline: str = ""
    look: str = ""
    fps: float
    rate: str
    cast: tuple[CastMember, ...] = ()
    places: tuple[Place, ...] = ()
    shots: tuple[ShotRecord, ...]

    @classmethod
    def of(cls, storyboard: Storyboard, shots: Iterable[ShotRecord]) -> FilmManifest:
        """The manifest of a filmed storyboard; `shots` are the records of what was filmed."""
        rate = storyboard.rate
        return cls(
            title=storyboard.title,
            theme=storyboard.theme,
            logline=storyboard.logline,
            look=storyboard.look,
            fps=float(rate.fraction),
            rate=str(rate),
            cast=tuple(storyboard.cast),
            places=tuple(storyboard.places),
            shots=tuple(shots),
        )

    def frame_rate(self) -> FrameRate:
        """`rate` as a number.

        Raises:
            ValueError: it is none.
        """
        return FrameRate.parse(self.rate)

    def storyboard(self) -> Storyboard:
        """The storyboard that was filmed.

        Raises:
            KeyError, ValueError: what is written there is none.
        """
        return Storyboard(
            title=self.title,
            theme=self.theme,
            logline=self.logline,
            look=self.look,
            rate=self.frame_rate(),
            cast=list(self.cast),
            places=list(self.places),
            shots=[record.shot() for record in self.shots],
        )


def read_manifest(path: Path) -> FilmManifest:
    """The manifest of a file, with all of its storyboard checked.

    Raises:
        BadInput: the file cannot be read, or is no film.json.
    """
    try:
        manifest = FilmManifest.model_validate_json(path.read_bytes())
        manifest.storyboard()
    except (OSError, ValueError, KeyError) as error:  # a ValidationError is a ValueError
        raise BadInput(
            f"{path.name} of {path.parent.name} is not a film that this program can read."
        ) from error
    return manifest


def inside(folder: Path, name: str) -> bool:
    """Whether a name that a film.json gives is one that a file in its folder can have."""
    if not name.isprintable() or len(name.encode()) > LONGEST_NAME:
        return False
    return (folder / name).resolve().is_relative_to(folder.resolve())


def write_manifest(path: Path, manifest: FilmManifest) -> None:
    """Write it as JSON that a person can read.

    Raises:
        StageError: the file cannot be written.
    """
    text = json.dumps(manifest.model_dump(mode="json"), indent=2, ensure_ascii=False)
    write_bytes(path, f"{text}\n".encode())


def check_manifest_place(path: Path) -> None:
    """Refuse to write a film's manifest over a file that is none.

    Raises:
        BadInput: something else has that name.
    """
    try:
        FilmManifest.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        pass
    except (OSError, ValidationError) as error:
        raise BadInput(
            f"{path} is there and is not a film's: the film needs that name for what it is made of, so give "
            "the film another name."
        ) from error


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
