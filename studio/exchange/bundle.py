"""The film to take away: a zip with film.mp4, film.json and the frames, as they were when it was exported."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Sequence
from pathlib import Path

from engine.manifest import FilmManifest, LineageRecord, ShotRecord
from engine.step2.conditions import PairRecipe
from engine.story import FrameRate, FrameSide, Shot
from engine.video.subtitles import cues, to_srt, to_vtt
from studio.exchange.provenance import with_provenance
from studio.exchange.zips import ZipKind, writing
from studio.project.conditions import Packed
from studio.store import tables
from studio.store.home import Home
from studio.store.tables import Film, Take


def shot_record(
    number: int, row: tables.Shot, shot: Shot, rate: FrameRate, take: Take, refined: str
) -> ShotRecord:
    """What film.json says of a shot; its frames are named after its place in the film, from 1."""
    packed = [Packed.model_validate(frame).frame() for frame in take.memory]
    names = [f"frames/{number:03d}-{side.value}.png" for side in FrameSide]
    record = ShotRecord.of(
        shot, rate, refined, names[0], names[1], LineageRecord.of(PairRecipe(**take.recipe), packed)
    )
    ours = {"title": row.title, "locked": row.locked, "words": take.conditions.get("words")}
    return record.model_copy(update=ours)


def write_bundle(home: Home, film: Film, takes: Sequence[Take]) -> Path:
    """Writes the zip of an exported film, once; `takes` are those of its shots, in order."""
    target = ZipKind.FILM.path(home, film.id)
    if target.is_file():
        return target
    manifest = FilmManifest.model_validate(film.manifest)
    with writing(home, target) as partial, zipfile.ZipFile(partial, "w", zipfile.ZIP_STORED) as archive:
        archive.write(home.blobs.existing(film.sha256, "mp4"), "film.mp4")
        for name, subtitles in _subtitles(manifest).items():
            archive.writestr(name, subtitles)
        archive.writestr("film.json", json.dumps(film.manifest, indent=2, ensure_ascii=False) + "\n")
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


def _subtitles(manifest: FilmManifest) -> dict[str, str]:
    """film.srt and film.vtt, where somebody speaks."""
    spoken = ((e.attributes.get("dialogue", ""), e.attributes["length"]["frames"]) for e in manifest.shots)
    found = cues(spoken, manifest.frame_rate())
    return {"film.srt": to_srt(found), "film.vtt": to_vtt(found)} if found else {}
