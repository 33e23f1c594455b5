"""Makes the film: refines (eq. 9) and renders (eq. 10) what is missing or stale, then joins all clips.

Every clip is a row as soon as it is whole, so a cancelled or killed export goes on where it was.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from sqlmodel import Session, select

from engine.errors import Cancelled, StageError
from engine.manifest import FilmManifest
from engine.video.film import assemble
from engine.video.sound import lay_under
from studio.exchange.bundle import shot_record
from studio.exchange.zips import ZipKind, forget
from studio.jobs import queue
from studio.jobs.bench import Bench
from studio.jobs.clips import find_clip, make_clip, pick_clip, write_texts
from studio.jobs.orders import ExportOrder, ExportSound
from studio.store.states import JobState
from studio.store.tables import Clip, Film, Refinement, Shot, Take


@dataclass
class Progress:
    """Counts frames over all clips that have to be rendered."""

    bench: Bench
    total: int
    message: str = ""
    done: int = 0

    def frame(self, frames: int, of: int) -> None:
        self.bench.report(min(self.done + frames, self.total - 1), self.total, self.message)


def export(bench: Bench) -> None:
    """Works on an export job to its end. Raises StageError with one sentence, Cancelled, or LeaseLost."""
    order = ExportOrder.model_validate(bench.job.order)
    clips = [find_clip(bench.home, item) for item in order.shots]
    missing = [item for item, clip in zip(order.shots, clips, strict=True) if clip is None]
    frames = sum(item.clip.frames for item in missing)
    progress = Progress(bench, frames + 1)
    began = time.monotonic()
    texts = iter(write_texts(bench, order.storyboard, missing, order.agents, again=False))
    ready: list[Clip] = []
    for number, (item, clip) in enumerate(zip(order.shots, clips, strict=True), start=1):
        bench.check()
        progress.message = f"shot {number} of {len(order.shots)}"
        if clip is None:
            clip = make_clip(bench, item, next(texts), order.storyboard.rate, progress.frame)
            progress.done += item.clip.frames
        ready.append(clip)
    bench.report(progress.total - 1, progress.total, "joining the clips", at_once=True)
    keep_film(bench, order, ready, frames, began)


def keep_film(bench: Bench, order: ExportOrder, clips: list[Clip], rendered: int, began: float) -> None:
    """Joins the clips and keeps the film with its manifest, and ends the job. Raises Cancelled.

    The zips of the project's earlier films go: they can be made again, and the page offers the newest.
    """
    home = bench.home
    out = home.blobs.scratch(".mp4")
    try:
        files = [home.blobs.existing(clip.sha256, "mp4") for clip in clips]
        assemble(files, out, order.storyboard.rate, bench.cancelled)
        if order.sound is not None:
            _add_sound(bench, order, order.sound, sum(clip.frames for clip in clips), out)
        bench.check()
        sha256 = home.blobs.adopt(out, "mp4")
    finally:
        out.unlink(missing_ok=True)
    with home.database.write() as session:
        job = queue.held(session, bench.job.id, bench.worker_id)
        if job.cancel_requested:  # since the last look: what was cancelled makes no film
            raise Cancelled("The film was cancelled; its clips are kept.")
        rate = order.storyboard.rate
        records = [
            shot_record(
                session,
                number,
                session.get_one(Shot, item.shot_id),
                item.shot,
                rate,
                *_made_of(session, clip),
            )
            for number, (item, clip) in enumerate(zip(order.shots, clips, strict=True), start=1)
        ]
        film = Film(
            owner=job.owner,
            project_id=job.project_id,
            job_id=job.id,
            sha256=sha256,
            frames=sum(clip.frames for clip in clips),
            conditions={
                "clips": [clip.conditions for clip in clips],
                "used": [clip.id for clip in clips],
                "sound": order.sound.model_dump(mode="json") if order.sound else None,
            },
            manifest=FilmManifest.of(order.storyboard, records).model_dump(mode="json"),
        )
        session.add(film)
        for item, clip in zip(order.shots, clips, strict=True):
            pick_clip(session, item, clip)
        job.units = rendered
        queue.end(session, job, JobState.DONE, seconds=time.monotonic() - began)
        mine = select(Film.id).where(Film.project_id == film.project_id, Film.id != film.id)
        earlier = session.exec(mine).all()
    for id in earlier:
        with suppress(StageError):  # somebody is fetching it: the next film takes it away
            forget(home, ZipKind.FILM, id)


def _add_sound(bench: Bench, order: ExportOrder, sound: ExportSound, frames: int, film: Path) -> None:
    """Lays the scratch sound under an assembled film, in its place."""
    sha256, _, extension = sound.file.partition(".")
    rate = order.storyboard.rate
    early = rate.seconds(abs(sound.offset)) * (1 if sound.offset >= 0 else -1)
    home = bench.home
    with_sound = home.blobs.scratch(".mp4")
    try:
        lay_under(
            film,
            home.blobs.existing(sha256, extension),
            with_sound,
            seconds=rate.seconds(frames),
            offset=early,
            volume=sound.volume / 100,
            cancelled=bench.cancelled,
        )
        os.replace(with_sound, film)
    finally:
        with_sound.unlink(missing_ok=True)


def _made_of(session: Session, clip: Clip) -> tuple[Take, str]:
    return session.get_one(Take, clip.take_id), session.get_one(Refinement, clip.refinement_id).text
