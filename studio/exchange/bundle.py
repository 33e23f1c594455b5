"""The film to take away: a zip with film.mp4, film.json and the frames, as they were when it was exported."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlmodel import Session, col, select

from engine.manifest import FilmManifest, LineageRecord, Lost, MemoryRecord, ShotRecord
from engine.step2.conditions import PairRecipe
from engine.story import FrameRate, FrameSide, Shot
from engine.video.subtitles import cues, to_srt, to_vtt
from studio.exchange.drawn_film import absent_of, frames_of
from studio.exchange.provenance import with_provenance
from studio.exchange.zips import ZipKind, writing
from studio.project.conditions import Packed
from studio.store import tables
from studio.store.home import Home
from studio.store.states import Mark
from studio.store.tables import Film, FrameMark, Take


def shot_record(
    session: Session, number: int, row: tables.Shot, shot: Shot, rate: FrameRate, take: Take, refined: str
) -> ShotRecord:
    """What film.json says of a shot; its frames are named after its place in the film, from 1. Those of its
    memory are named as they were when it was drawn: `write_bundle`, which knows all shots, names them anew.
    """
    packed = [Packed.model_validate(frame).frame() for frame in take.memory]
    names = [f"frames/{number:03d}-{side.value}.png" for side in FrameSide]
    record = ShotRecord.of(
        shot, rate, refined, names[0], names[1], LineageRecord.of(PairRecipe(**take.recipe), packed)
    )
    ours = {
        "title": row.title,
        "locked": row.locked,
        "words": take.conditions.get("words"),
        "marks": _marks(session, row),
    }
    return record.model_copy(update=ours)


def _marks(session: Session, row: tables.Shot) -> dict[FrameSide, str]:
    """The pins and bans of a shot's frames."""
    told = select(FrameMark).where(FrameMark.shot_id == row.id, col(FrameMark.mark) != Mark.NONE.value)
    return {FrameSide(mark.side): mark.mark for mark in session.exec(told)}


def write_bundle(home: Home, film: Film, takes: Sequence[Take]) -> Path:
    """Writes the zip of an exported film, once; `takes` are those of its shots, in order."""
    target = ZipKind.FILM.path(home, film.id)
    if target.is_file():
        return target
    by_hand = [bool(clip.get("refined")) for clip in film.conditions["clips"]]
    manifest = _whole(FilmManifest.model_validate(film.manifest), takes, by_hand)
    with writing(home, target) as partial, zipfile.ZipFile(partial, "w", zipfile.ZIP_STORED) as archive:
        archive.write(home.blobs.existing(film.sha256, "mp4"), "film.mp4")
        for name, subtitles in _subtitles(manifest).items():
            archive.writestr(name, subtitles)
        archive.writestr("film.json", _as_text(manifest))
        for entry, take in zip(manifest.shots, takes, strict=True):
            for name, sha256 in ((entry.start, take.start_sha256), (entry.end, take.end_sha256)):
                text = json.dumps(
                    {
                        "software": "STAGE Studio",
                        "frame": sha256,
                        "description": entry.description,
                        "recipe": take.recipe,
                    }
                )
                archive.writestr(name, with_provenance(home.frame(sha256).read_bytes(), text))
    return target


def _as_text(manifest: FilmManifest) -> str:
    return json.dumps(manifest.model_dump(mode="json"), indent=2, ensure_ascii=False) + "\n"


def _whole(manifest: FilmManifest, takes: Sequence[Take], by_hand: Sequence[bool]) -> FilmManifest:
    """The manifest with what only all takes of the film tell: where the frames of each memory are in it.

    A pack names its frames as they stood when it was drawn; shots that were inserted, moved or deleted since
    have other numbers, and a shot that was drawn anew shows other frames.
    """
    shown = {(ref.shot_id, ref.side, ref.sha256): ref.key for ref in frames_of(takes)}
    entries = []
    before = ""
    for entry, take, written in zip(manifest.shots, takes, by_hand, strict=True):
        absent = absent_of(take)
        memory = sorted((*_memory(take, shown), *absent.memory), key=lambda frame: frame.rank)
        lost = dict.fromkeys((*_lost(take, before), *absent.lost))
        lineage = entry.lineage.model_copy(update={"memory": tuple(memory), "lost": tuple(lost)})
        entries.append(entry.model_copy(update={"lineage": lineage, "by_hand": written}))
        before = take.end_sha256
    return manifest.model_copy(update={"shots": tuple(entries)})


def _memory(take: Take, shown: Mapping[tuple[str, FrameSide, str], str]) -> Iterator[MemoryRecord]:
    for frame in map(Packed.model_validate, take.memory):
        fields = frame.model_dump(exclude={"key", "shot_id", "side"})
        if frame.shot_id is None or frame.side is None:  # a card's picture
            yield MemoryRecord(frame=frame.key, **fields)
        else:
            gone = f"?{'S' if frame.side is FrameSide.START else 'E'}"
            yield MemoryRecord(frame=shown.get((frame.shot_id, frame.side, frame.sha256), gone), **fields)


def _lost(take: Take, before: str) -> Iterator[Lost]:
    """What else a pair was drawn from and the film does not show; `before` is the end frame before it."""
    previous: dict[str, Any] = take.conditions.get("previous") or {}
    if previous.get("sha256", "") != before:
        yield "previous"
    if take.conditions.get("kept"):
        yield "kept"


def _subtitles(manifest: FilmManifest) -> dict[str, str]:
    """film.srt and film.vtt, where somebody speaks."""
    spoken = ((e.attributes.get("dialogue", ""), e.attributes["length"]["frames"]) for e in manifest.shots)
    found = cues(spoken, manifest.frame_rate())
    return {"film.srt": to_srt(found), "film.vtt": to_vtt(found)} if found else {}
