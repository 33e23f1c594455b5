"""Brings a drawn film in: film.json with its frames, as `stage film` and the studio's bundle write them.

The pairs become picked takes. Their conditions are what the project says at that moment, with the words that
they were drawn from where film.json tells them, and without the end frame before it where that was another:
what was stale by these is stale again.
A frame of a memory pack that is not in the film (of a deleted shot, of a pair that was drawn anew since, or a
card's picture) did not come along and is left out of the pack that is shown. That it is absent is recorded:
such a pair cannot be drawn again exactly, and a film.json that is written of it says so too.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError
from sqlmodel import Session

from engine.catalogue import MINI, resized
from engine.errors import BadInput
from engine.manifest import FilmManifest, Lost, MemoryRecord, ShotRecord, inside, read_manifest
from engine.profiles import Profile, get_profile
from engine.step2.tiling import tiles
from engine.story import FrameSide, slate_letters
from studio.exchange.pictures import check_png
from studio.exchange.provenance import without_metadata
from studio.project.clips import BY_HAND, load_clips
from studio.project.conditions import FrameRef, Packed, Words
from studio.project.film import attribute_fields, load_film
from studio.project.lineage import Lineage
from studio.project.order import spread
from studio.store.blobs import Blobs
from studio.store.states import Mark
from studio.store.tables import CastMember, FrameMark, Place, Project, Refinement, Shot, Take

EXAMPLES = Path(__file__).resolve().parents[2] / "assets" / "examples"
# Where the memory lies when film.json does not say: the shares are the same on every even grid.
_NOMINAL_GRID = (64, 128)
_KEY = re.compile("[0-9]{1,4}([SE])")
_LONGEST_KEY = 80
_ABSENT = "absent"
_MOST_TEXT = 4000  # as many characters as somebody can write by hand


@dataclass(frozen=True)
class DrawnFilm:
    """A film that was read: its manifest, and the stored hashes of each shot's start and end frame."""

    manifest: FilmManifest
    frames: tuple[tuple[str, str], ...]
    sizes: tuple[tuple[int, int], ...]


class Absent(BaseModel):
    """What an imported pair was drawn from and did not come along; it stands in the take's conditions. The
    frames have no hash: a file that somebody brings must not name pictures that are stored here.
    """

    model_config = ConfigDict(frozen=True)

    memory: tuple[MemoryRecord, ...] = ()
    lost: tuple[Lost, ...] = ()

    def told(self) -> str:
        """In words; empty when nothing is absent."""
        count = len(self.memory)
        what = ["a frame of its memory" if count == 1 else f"{count} frames of its memory"] if count else []
        what += ["the end frame before it, which is another here"] if "previous" in self.lost else []
        what += ["the frame that was given"] if "kept" in self.lost else []
        return " and ".join(what)


def absent_of(take: Take) -> Absent:
    """What did not come along with a take."""
    return Absent.model_validate(take.conditions.get(_ABSENT, {}))


def frames_of(takes: Sequence[Take]) -> list[FrameRef]:
    """The frames of a film, whose `takes` come in its order, by their keys in film.json: "1S", "1E", "2S"."""
    return [
        FrameRef(shot_id=take.shot_id, side=side, key=f"{number}{letter}", sha256=sha256)
        for number, take in enumerate(takes, start=1)
        for side, letter, sha256 in (
            (FrameSide.START, "S", take.start_sha256),
            (FrameSide.END, "E", take.end_sha256),
        )
    ]


@dataclass(frozen=True)
class _Frames:
    """The frames that came with a film, by what its memory packs call them."""

    by_key: Mapping[str, FrameRef]
    by_hash: Mapping[str, FrameRef]

    @classmethod
    def of(cls, takes: Sequence[Take]) -> _Frames:
        """`takes` in film order."""
        refs = frames_of(takes)
        return cls(by_key={ref.key: ref for ref in refs}, by_hash={ref.sha256: ref for ref in reversed(refs)})

    def find(self, frame: MemoryRecord) -> FrameRef | None:
        """The frame that a pack holds; None for one that did not come along. Where its hash is told, that
        counts: a key may be from another moment of the film.
        """
        if _KEY.fullmatch(frame.frame) is None:
            return None
        named = self.by_key.get(frame.frame)
        if not frame.sha256 or (named is not None and named.sha256 == frame.sha256):
            return named
        return self.by_hash.get(frame.sha256)


def example_folders() -> list[Path]:
    """The example films that ship with the program."""
    return sorted(path.parent for path in EXAMPLES.glob("*/film.json"))


def read_film(folder: Path, blobs: Blobs) -> DrawnFilm:
    """Reads film.json and stores its frames. Raises BadInput with the file that cannot be read, or for a
    profile that this studio does not have, before any is stored.
    """
    manifest = read_manifest(folder / "film.json")
    _profile_of(manifest)
    names = dict.fromkeys(name for entry in manifest.shots for name in (entry.start, entry.end))
    # one picture at a time, and each file as one: a small zip may name a large one a thousand times
    sizes = {name: _size(_read_png(folder, name)) for name in names}
    for number, entry in enumerate(manifest.shots, start=1):
        if sizes[entry.start] != sizes[entry.end]:
            raise BadInput(f"The start and end frame of shot {number} are not of one size: bring them so.")
    stored = {name: blobs.put(without_metadata((folder / name).read_bytes()), "png") for name in names}
    return DrawnFilm(
        manifest=manifest,
        frames=tuple((stored[entry.start], stored[entry.end]) for entry in manifest.shots),
        sizes=tuple(sizes[entry.start] for entry in manifest.shots),
    )


def add_film(session: Session, owner: str, film: DrawnFilm) -> Project:
    """Makes a project of a drawn film, inside the caller's write transaction."""
    manifest = film.manifest
    rate = manifest.frame_rate()
    profile = _profile_of(manifest)
    project = Project(
        owner=owner,
        title=manifest.title,
        theme=manifest.theme,
        logline=manifest.logline,
        look=manifest.look,
        profile=profile.name,
        aspect=_aspect_of(profile, film.sizes),
        rate_numerator=rate.numerator,
        rate_denominator=rate.denominator,
    )
    session.add(project)
    session.flush()
    shots = _add_rows(session, project, manifest)
    takes = [
        Take(
            owner=owner,
            project_id=project.id,
            shot_id=shot.id,
            number=1,
            start_sha256=start,
            end_sha256=end,
            conditions={},
            recipe=asdict(entry.lineage.recipe(*size)),
            memory=[],
            imported=True,
        )
        for shot, entry, (start, end), size in zip(
            shots, manifest.shots, film.frames, film.sizes, strict=True
        )
    ]
    session.add_all(takes)
    for shot, take in zip(shots, takes, strict=True):
        shot.picked = take.id
    session.flush()
    frames = _Frames.of(takes)
    _add_marks(session, project, manifest.shots, shots, frames)
    _record_lineage(session, project, manifest.shots, takes, frames)
    _add_texts(session, project, manifest.shots, shots)
    return project


def _profile_of(manifest: FilmManifest) -> Profile:
    """The profile that the film was begun with. Raises BadInput for one that this studio does not have."""
    return get_profile(manifest.shots[0].lineage.profile if manifest.shots else MINI.name)


def _aspect_of(profile: Profile, sizes: Sequence[tuple[int, int]]) -> str:
    """The aspect at which the profile draws frames of the first shot's size; "" for its own, or where it
    draws none of that size.
    """
    for aspect in profile.aspects if sizes else ():
        shape = resized(profile, aspect)
        if (shape.width, shape.height) == sizes[0] != (profile.width, profile.height):
            return aspect
    return ""


def _add_rows(session: Session, project: Project, manifest: FilmManifest) -> list[Shot]:
    ids: dict[str, Any] = {"owner": project.owner, "project_id": project.id}
    for member, at in zip(manifest.cast, spread(None, None, len(manifest.cast)), strict=True):
        session.add(CastMember(**ids, position=at, name=member.name, look=member.look))
    for place, at in zip(manifest.places, spread(None, None, len(manifest.places)), strict=True):
        session.add(
            Place(**ids, position=at, name=place.name, look=place.look, interior=place.interior.value)
        )
    shots = []
    for i, (entry, at) in enumerate(
        zip(manifest.shots, spread(None, None, len(manifest.shots)), strict=True)
    ):
        told = entry.shot()
        fields = attribute_fields(told.attributes)
        slate = told.slate or slate_letters(i)
        shots.append(
            Shot(
                **ids,
                position=at,
                scene=told.scene,
                slate=slate,
                title=entry.title,
                locked=entry.locked,
                description=told.description,
                **fields,
            )
        )
    session.add_all(shots)
    session.flush()
    return shots


def _add_marks(
    session: Session, project: Project, entries: Sequence[ShotRecord], shots: Sequence[Shot], frames: _Frames
) -> None:
    """The pins and bans that film.json tells. One that tells none (of `stage film`, or of an earlier version)
    had those frames pinned that its packs hold as pinned.
    """
    if any(entry.marks is not None for entry in entries):
        marks = {
            (shot.id, side): mark
            for entry, shot in zip(entries, shots, strict=True)
            for side, mark in (entry.marks or {}).items()
        }
    else:
        packed = (frames.find(m) for entry in entries for m in entry.lineage.memory if m.pinned)
        marks = {ref.slot: Mark.PINNED.value for ref in packed if ref is not None}
    session.add_all(
        FrameMark(owner=project.owner, project_id=project.id, shot_id=shot_id, side=side.value, mark=mark)
        for (shot_id, side), mark in marks.items()
    )
    session.flush()


def _record_lineage(
    session: Session, project: Project, entries: Sequence[ShotRecord], takes: Sequence[Take], frames: _Frames
) -> None:
    lineage = Lineage(load_film(session, project))
    for index, (entry, take) in enumerate(zip(entries, takes, strict=True)):
        present = lineage.present(index)
        with suppress(ValidationError):  # words of another version: the shot counts as drawn from its own
            if entry.words is not None:
                present = present.model_copy(update={"words": Words.model_validate(entry.words)})
        if "previous" in entry.lineage.lost:
            present = present.model_copy(update={"previous": None})
        memory = sorted(entry.lineage.memory, key=lambda m: m.rank)
        found = [frames.find(m) for m in memory]
        absent = Absent(
            memory=tuple(_nameless(m) for m, ref in zip(memory, found, strict=True) if ref is None),
            lost=entry.lineage.lost,
        )
        told = {_ABSENT: absent.model_dump(mode="json")} if absent.told() else {}
        take.conditions = {**present.model_dump(mode="json"), **told}
        nominal = tiles(len(memory), *_NOMINAL_GRID)
        take.memory = [
            _packed(m, ref, tile.box).model_dump(mode="json")
            for m, ref, tile in zip(memory, found, nominal, strict=False)
            if ref is not None
        ]
        session.add(take)
    session.flush()


def _nameless(frame: MemoryRecord) -> MemoryRecord:
    """A frame that is not in the film, without a number of it; a card's picture keeps its name."""
    key = _KEY.fullmatch(frame.frame)
    name = f"?{key[1]}" if key else frame.frame[:_LONGEST_KEY]
    return frame.model_copy(update={"frame": name, "sha256": ""})


def _packed(entry: MemoryRecord, ref: FrameRef, box: tuple[int, int, int, int]) -> Packed:
    return Packed(
        key=ref.key,
        sha256=ref.sha256,
        rank=entry.rank,
        share=entry.share,
        similarity=entry.similarity,
        pinned=entry.pinned,
        box=entry.box or box,
        shot_id=ref.shot_id,
        side=ref.side,
        later=entry.later,
    )


def _add_texts(
    session: Session, project: Project, entries: Sequence[ShotRecord], shots: Sequence[Shot]
) -> None:
    """The texts R_i that somebody wrote, chosen again. The refiner writes its own anew."""
    clips = load_clips(session, load_film(session, project))
    for entry, shot in zip(entries, shots, strict=True):
        conditions = clips.wanted(shot)
        text = entry.refined.strip()
        if not entry.by_hand or conditions is None or not 0 < len(text) <= _MOST_TEXT:
            continue
        row = Refinement(
            owner=project.owner,
            project_id=project.id,
            shot_id=shot.id,
            take_id=conditions.take_id,
            text=text,
            conditions=conditions.model_dump(mode="json"),
            recipe={"refiner": BY_HAND},
        )
        session.add(row)
        session.flush()
        shot.refinement = row.id
    session.flush()


def _read_png(folder: Path, name: str) -> bytes:
    if not inside(folder, name):
        raise BadInput(f"film.json of {folder.name} names a file outside of its folder.")
    path = folder / name
    if not path.is_file():
        raise BadInput(f"The frame {name} of {folder.name} is missing: bring the film with all frames.")
    try:
        png = path.read_bytes()
        check_png(png)
        return without_metadata(png)
    except (BadInput, OSError) as error:
        raise BadInput(
            f"The frame {name} of {folder.name} is not a whole PNG picture: bring the film with all frames."
        ) from error


def _size(png: bytes) -> tuple[int, int]:
    width, height = struct.unpack(">II", png[16:24])
    return width, height
