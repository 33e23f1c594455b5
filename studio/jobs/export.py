"""Makes the film: refines (eq. 9) and renders (eq. 10) what is missing or stale, then joins all clips.

Every clip is a row as soon as it is whole, so a cancelled or killed export goes on where it was.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlmodel import Session, col, select

from engine.manifest import FilmManifest
from engine.profiles import get_profile
from engine.refiner.plain_refiner import PlainRefiner
from engine.story import Shot, Storyboard
from engine.video.animatic import AnimaticRenderer
from engine.video.film import assemble
from engine.video.renderer import ClipRenderer
from studio.exchange.bundle import shot_record
from studio.jobs import queue
from studio.jobs.bench import Bench
from studio.jobs.orders import ClipConditions, ExportOrder, ExportShot
from studio.store.home import Home
from studio.store.states import JobState
from studio.store.tables import Clip, Film, Refinement, Take


@dataclass
class _Progress:
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
    missing = [item.clip.frames for item in order.shots if find_clip(bench.home, item.clip) is None]
    progress = _Progress(bench, sum(missing) + 1)
    began = time.monotonic()
    clips = []
    for number, item in enumerate(order.shots, start=1):
        bench.check()
        progress.message = f"shot {number} of {len(order.shots)}"
        clip = find_clip(bench.home, item.clip)
        if clip is None:
            clip = make_clip(bench, order.storyboard, item, progress)
            progress.done += item.clip.frames
        clips.append(clip)
    bench.report(progress.total - 1, progress.total, "joining the clips", at_once=True)
    keep_film(bench, order, clips, sum(missing), began)


def find_clip(home: Home, conditions: ClipConditions) -> Clip | None:
    """The newest clip that was rendered from exactly these conditions."""
    wanted = conditions.model_dump(mode="json")
    with home.database.read() as session:
        query = select(Clip).where(Clip.take_id == conditions.take_id).order_by(col(Clip.created).desc())
        return next((clip for clip in session.exec(query) if clip.conditions == wanted), None)


@lru_cache(maxsize=2)
def clip_renderer(profile: str) -> ClipRenderer:
    """The built-in renderer, with the upscaler that the profile's checkpoint brings."""
    from engine.video.super_resolution import load_upscaler

    return AnimaticRenderer(load_upscaler(get_profile(profile).checkpoint))


def make_clip(bench: Bench, storyboard: Storyboard, item: ExportShot, progress: _Progress) -> Clip:
    """Refines and renders one shot and keeps both rows."""
    home = bench.home
    with home.database.read() as session:
        take = session.get_one(Take, item.clip.take_id)
    start, end = home.frame(take.start_sha256), home.frame(take.end_sha256)
    renderer = clip_renderer(take.recipe["profile"])
    progress.frame(0, item.clip.frames)
    refiner = PlainRefiner()
    text = refiner.refine(item.shot, storyboard.cast, start, end)
    out = home.blobs.scratch(".mp4")
    began = time.monotonic()
    try:
        renderer.render(
            text,
            start,
            end,
            movement=item.shot.attributes.movement,
            frames=item.clip.frames,
            rate=storyboard.rate,
            out=out,
            on_frame=progress.frame,
            cancelled=bench.cancelled,
        )
        sha256 = home.blobs.adopt(out, "mp4")
    finally:
        out.unlink(missing_ok=True)
    recipe = {"renderer": renderer.name, "refiner": type(refiner).__name__}
    with home.database.write() as session:
        job = queue.held(session, bench.job.id, bench.worker_id)
        shared: dict[str, Any] = {
            "owner": job.owner,
            "project_id": job.project_id,
            "shot_id": item.shot_id,
            "take_id": take.id,
            "conditions": item.clip.model_dump(mode="json"),
            "recipe": recipe,
        }
        refinement = Refinement(text=text, **shared)
        session.add(refinement)
        session.flush()
        clip = Clip(
            refinement_id=refinement.id,
            sha256=sha256,
            frames=item.clip.frames,
            seconds=time.monotonic() - began,
            **shared,
        )
        session.add(clip)
    return clip


def keep_film(bench: Bench, order: ExportOrder, clips: list[Clip], rendered: int, began: float) -> None:
    """Joins the clips and keeps the film with its manifest, and ends the job."""
    home = bench.home
    out = home.blobs.scratch(".mp4")
    try:
        assemble([home.blobs.existing(clip.sha256, "mp4") for clip in clips], out)
        sha256 = home.blobs.adopt(out, "mp4")
    finally:
        out.unlink(missing_ok=True)
    with home.database.write() as session:
        job = queue.held(session, bench.job.id, bench.worker_id)
        shots: list[Shot] = [item.shot for item in order.shots]
        records = [
            shot_record(number, shot, order.storyboard.rate, *_made_of(session, clip))
            for number, (shot, clip) in enumerate(zip(shots, clips, strict=True), start=1)
        ]
        film = Film(
            owner=job.owner,
            project_id=job.project_id,
            job_id=job.id,
            sha256=sha256,
            frames=sum(clip.frames for clip in clips),
            conditions={"clips": [item.clip.model_dump(mode="json") for item in order.shots]},
            manifest=FilmManifest.of(order.storyboard, records).model_dump(mode="json"),
        )
        session.add(film)
        job.units = rendered
        queue.end(session, job, JobState.DONE, seconds=time.monotonic() - began)


def _made_of(session: Session, clip: Clip) -> tuple[Take, str]:
    return session.get_one(Take, clip.take_id), session.get_one(Refinement, clip.refinement_id).text
