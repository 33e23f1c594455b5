"""Brings a drawn film in: film.json with its frames, as `stage film` and the studio's bundle write them.

The pairs become picked takes. Their conditions are what the project says at that moment, with the words that
they were drawn from where film.json tells them: what was stale by its words is stale again.
A frame of a memory pack that is not in the film (of a deleted shot, or a card's picture) did not come along
and is left out of the pack that is shown.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from sqlmodel import Session

from engine.catalogue import MINI, resized
from engine.errors import BadInput
from engine.manifest import FilmManifest, MemoryRecord, ShotRecord, inside, read_manifest
from engine.profiles import Profile, get_profile
from engine.step2.tiling import tiles
from engine.story import FrameSide, slate_letters
from studio.exchange.pictures import check_png
from studio.exchange.provenance import without_metadata
from studio.project.conditions import Packed, Words
from studio.project.film import attribute_fields, load_film
from studio.project.lineage import Lineage
from studio.project.order import spread
from studio.store.blobs import Blobs
from studio.store.states import Mark
from studio.store.tables import CastMember, FrameMark, Place, Project, Shot, Take

EXAMPLES = Path(__file__).resolve().parents[2] / "assets" / "examples"
# Where the memory lies when film.json does not say: the shares are the same on every even grid.
_NOMINAL_GRID = (64, 128)
_KEY = re.compile("([0-9]{1,4})([SE])")


@dataclass(frozen=True)
class DrawnFilm:
    """A film that was read: its manifest, and the stored hashes of each shot's start and end frame."""

    manifest: FilmManifest
    frames: tuple[tuple[str, str], ...]
    sizes: tuple[tuple[int, int], ...]


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
    # one picture at a time, and each but once: a small zip may name a large one a thousand times
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
    _add_pins(session, project, manifest, shots)
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
    _record_lineage(session, project, manifest.shots, shots, takes)
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


def _add_pins(session: Session, project: Project, manifest: FilmManifest, shots: list[Shot]) -> None:
    pinned = {m.frame for entry in manifest.shots for m in entry.lineage.memory if m.pinned}
    for key in sorted(pinned):
        slot = _slot(key, shots)
        if slot is not None:
            shot, side = slot
            session.add(
                FrameMark(
                    owner=project.owner,
                    project_id=project.id,
                    shot_id=shot.id,
                    side=side.value,
                    mark=Mark.PINNED.value,
                )
            )
    session.flush()


def _record_lineage(
    session: Session, project: Project, entries: tuple[ShotRecord, ...], shots: list[Shot], takes: list[Take]
) -> None:
    lineage = Lineage(load_film(session, project))
    by_shot = {take.shot_id: take for take in takes}
    for index, (entry, take) in enumerate(zip(entries, takes, strict=True)):
        present = lineage.present(index)
        with suppress(ValidationError):  # words of another version: the shot counts as drawn from its own
            if entry.words is not None:
                present = present.model_copy(update={"words": Words.model_validate(entry.words)})
        take.conditions = present.model_dump(mode="json")
        memory = entry.lineage.memory
        nominal = tiles(len(memory), *_NOMINAL_GRID)
        found = (
            _packed(m, tile.box, shots, by_shot)
            for m, tile in zip(sorted(memory, key=lambda m: m.rank), nominal, strict=False)
        )
        take.memory = [packed.model_dump(mode="json") for packed in found if packed is not None]
        session.add(take)
    session.flush()


def _packed(
    entry: MemoryRecord, box: tuple[int, int, int, int], shots: list[Shot], takes: Mapping[str, Take]
) -> Packed | None:
    slot = _slot(entry.frame, shots)
    if slot is None:
        return None
    shot, side = slot
    take = takes[shot.id]
    return Packed(
        key=entry.frame,
        sha256=take.start_sha256 if side is FrameSide.START else take.end_sha256,
        rank=entry.rank,
        share=entry.share,
        similarity=entry.similarity,
        pinned=entry.pinned,
        box=entry.box or box,
        shot_id=shot.id,
        side=side,
    )


def _slot(key: str, shots: list[Shot]) -> tuple[Shot, FrameSide] | None:
    """The shot and side of a key like "2E"."""
    found = _KEY.fullmatch(key)
    if found is None or not 1 <= int(found[1]) <= len(shots):
        return None
    return shots[int(found[1]) - 1], {"S": FrameSide.START, "E": FrameSide.END}[found[2]]


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
