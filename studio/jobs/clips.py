"""One shot's clip: its text R_i (eq. 9) and its frames (eq. 10), each kept as an immutable row."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from sqlmodel import Session, col, select

from engine.agents.choice import Agents, Role
from engine.errors import StageError
from engine.profiles import get_profile
from engine.refiner import PlainRefiner, Refiner
from engine.refiner.model_refiner import open_refiner
from engine.story import FrameRate, Storyboard
from engine.video.renderer import ClipRenderer
from engine.video.renderers import get_renderer
from engine.watched import Report
from studio.jobs import queue
from studio.jobs.bench import Bench
from studio.jobs.kept_renderer import release_renderer, renderer_here
from studio.jobs.operations import JobLedger
from studio.jobs.orders import ExportShot, RenderInputs, RenderOrder
from studio.jobs.pictures import stored
from studio.project.clips import fits
from studio.project.conditions import ClipConditions
from studio.store.home import Home
from studio.store.states import JobState
from studio.store.tables import Clip, Job, Refinement, RemoteOperation, Shot, Take


def render(bench: Bench) -> None:
    """Works on a render job to its end. Raises StageError with one sentence, Cancelled, or LeaseLost."""
    order = RenderOrder.model_validate(bench.job.order)
    began = time.monotonic()
    if order.text_only:
        bench.report(0, 1, "reading the pair", at_once=True)
    (text,) = write_texts(bench, order.storyboard, [order.shot], order.agents)
    if not order.text_only:
        renderer = get_renderer(order.shot.clip.renderer)
        waiting = f"{renderer.title} is at work" if renderer.kind.remote else ""

        def on_frame(done: int, total: int) -> None:
            bench.report(done, total, waiting, at_once=done == 0)

        make_clip(bench, order.shot, text, order.storyboard.rate, on_frame)
    with bench.home.database.write() as session:
        job = queue.held(session, bench.job.id, bench.worker_id)
        queue.end(session, job, JobState.DONE, seconds=time.monotonic() - began)


def find_clip(home: Home, item: ExportShot) -> Clip | None:
    """The picked clip where it is ready, else the newest one that was rendered from these conditions."""
    with home.database.read() as session:
        ready = session.get(Clip, item.ready) if item.ready is not None else None
        if ready is not None:
            return ready
        query = select(Clip, Refinement.text).join(Refinement, col(Clip.refinement_id) == Refinement.id)
        query = query.where(Clip.take_id == item.clip.take_id).order_by(col(Clip.created).desc())
        found = session.exec(query).all()
    return next(
        (c for c, text in found if fits(ClipConditions.model_validate(c.conditions), text, item.clip)), None
    )


def clip_renderer(bench: Bench, name: str, profile: str, ledger: JobLedger) -> ClipRenderer:
    """The renderer of a clip. Raises UnsupportedError or CheckpointError with one sentence."""
    renderer = get_renderer(name)
    if renderer.kind.remote:
        from engine.video.load import load_remote
        from engine.video.super_resolution import load_upscaler

        return load_remote(renderer, load_upscaler(get_profile(profile).checkpoint), ledger)
    if renderer.needs.vram:
        bench.report(0, 0, f"loading {renderer.title}", at_once=True)
    return renderer_here(name, profile)


def write_texts(
    bench: Bench, storyboard: Storyboard, items: Sequence[ExportShot], agents: Agents, again: bool = True
) -> list[Refinement]:
    """R_i of every item: the text that was chosen, else what the refiner reads from the pair; as rows. Unless
    it is to be written `again`, a text that this refiner wrote for the same conditions is taken; a text for
    which a clip may be ordered is taken anyway (`_written`).

    No model stays open: what renders next may need its memory.
    """
    if not items:
        return []
    target = agents.target(Role.REFINER)
    name = target.title if target is not None else PlainRefiner.name
    with bench.home.database.read() as session:
        texts = [_chosen(session, item) or _written(session, bench, item, name, again) for item in items]
    there = [text for text in texts if text is not None]
    if len(there) == len(items):
        return there
    if target is not None and not target.url:  # a model of this machine wants the card, too
        bench.painters.release()
        release_renderer()
    with open_refiner(agents, storyboard.rate, bench.cancelled) as refiner:
        return [
            text or _write(bench, storyboard, item, refiner) for text, item in zip(texts, items, strict=True)
        ]


def _write(bench: Bench, storyboard: Storyboard, item: ExportShot, refiner: Refiner) -> Refinement:
    home = bench.home
    bench.check()
    with home.database.read() as session:
        take = _take(session, item)
    start, end = (stored(home, sha256).path for sha256 in (take.start_sha256, take.end_sha256))
    text = refiner.refine(item.shot, storyboard.cast, start, end)
    with home.database.write() as session:
        row = Refinement(
            text=text,
            recipe={"refiner": refiner.name},
            **_shared(queue.held(session, bench.job.id, bench.worker_id), item),
        )
        session.add(row)
        _note(bench, session, item, row)
    return row


def _note(bench: Bench, session: Session, item: ExportShot, text: Refinement) -> None:
    """Writes down which text a job works from, before it orders anything with it."""
    job = queue.held(session, bench.job.id, bench.worker_id)
    texts = {**_noted(job), item.shot_id: text.id}
    job.resolved = RenderInputs(texts=texts).model_dump(mode="json")
    session.add(job)


def _noted(job: Job) -> dict[str, str]:
    return RenderInputs.model_validate(job.resolved or {}).texts


def _written(
    session: Session, bench: Bench, item: ExportShot, refiner: str, again: bool
) -> Refinement | None:
    """A text that this refiner wrote for just this, and that is not to be written anew.

    An order at a service is named by its text, and a model writes it in other words each time. So a job that
    was stopped takes the text that it wrote before; and where an earlier job ordered a clip that nobody has
    had yet, its text comes first, for that clip is paid. Otherwise, unless it is to be written `again`, the
    newest: an export that was stopped had it already.
    """
    job = session.get_one(Job, bench.job.id)
    if (own := session.get(Refinement, _noted(job).get(item.shot_id, ""))) is not None:
        return own
    query = select(Refinement).where(
        Refinement.shot_id == item.shot_id, Refinement.take_id == item.clip.take_id
    )
    wanted = item.clip.model_dump(mode="json")
    rows = [
        row
        for row in session.exec(query.order_by(col(Refinement.created).desc()))
        if row.recipe.get("refiner") == refiner and row.conditions == wanted
    ]
    if not job.order.get("text_only"):  # which is asked for another text, and for no clip
        ordered = _ordered(session, job.project_id, item)
        if (paid := next((row for row in rows if row.id in ordered), None)) is not None:
            return paid
    return None if again else next(iter(rows), None)


def _ordered(session: Session, project_id: str, item: ExportShot) -> set[str]:
    """The texts of the shot with which a clip is ordered that nobody has had yet."""
    query = select(Job).join(RemoteOperation, col(RemoteOperation.job_id) == Job.id)
    query = query.where(
        RemoteOperation.project_id == project_id,
        RemoteOperation.renderer == item.clip.renderer,
        RemoteOperation.operation != "",
        col(RemoteOperation.collected).is_(None),
        col(RemoteOperation.closed).is_(None),
    )
    texts = {_noted(job).get(item.shot_id, "") for job in session.exec(query)}
    return texts - set(session.exec(select(Clip.refinement_id).where(Clip.shot_id == item.shot_id)))


def _take(session: Session, item: ExportShot) -> Take:
    """The pair that a clip is made of. Raises StageError when it was purged since the job was made."""
    take = session.get(Take, item.clip.take_id)
    if take is None:
        raise StageError(
            "The picture of this shot was purged meanwhile: render the shot, or make the film, anew."
        )
    return take


def _chosen(session: Session, item: ExportShot) -> Refinement | None:
    """The row of a text that somebody chose for this pair."""
    _take(session, item)
    clip = item.clip
    if not clip.refined:
        return None
    query = select(Refinement).where(Refinement.take_id == clip.take_id, Refinement.text == clip.refined)
    return session.exec(query.order_by(col(Refinement.created).desc()).limit(1)).first()


def make_clip(
    bench: Bench, item: ExportShot, refinement: Refinement, rate: FrameRate, on_frame: Report
) -> Clip:
    """Renders one shot and keeps the row; the clip becomes the picked one, unless somebody picked another
    meanwhile.
    """
    home = bench.home
    with home.database.write() as session:
        take = _take(session, item)
        _note(bench, session, item, refinement)
    start, end = (stored(home, sha256).path for sha256 in (take.start_sha256, take.end_sha256))
    ledger = JobLedger(bench, item.clip.renderer)
    if get_renderer(item.clip.renderer).needs.vram:
        bench.painters.release()  # two large models do not share a card
    renderer = clip_renderer(bench, item.clip.renderer, take.recipe["profile"], ledger)
    on_frame(0, item.clip.frames)
    out = home.blobs.scratch(".mp4")
    began = time.monotonic()
    try:
        renderer.render(
            refinement.text,
            start,
            end,
            movement=item.shot.attributes.movement,
            frames=item.clip.frames,
            rate=rate,
            out=out,
            seed=item.seed,
            on_frame=on_frame,
            cancelled=bench.cancelled,
        )
        sha256 = home.blobs.adopt(out, "mp4")
    finally:
        out.unlink(missing_ok=True)
    with home.database.write() as session:
        job = queue.held(session, bench.job.id, bench.worker_id)
        clip = Clip(
            refinement_id=refinement.id,
            sha256=sha256,
            frames=item.clip.frames,
            recipe={
                "renderer": renderer.name,
                "refiner": refinement.recipe.get("refiner", ""),
                "seed": item.seed,
            },
            seconds=time.monotonic() - began,
            **_shared(job, item),
        )
        session.add(clip)
        session.flush()
        ledger.collect(session)
        pick_clip(session, item, clip)
    return clip


def pick_clip(session: Session, item: ExportShot, clip: Clip) -> None:
    """Makes a clip the picked one of its shot, unless another was picked since the order was written."""
    shot = session.get(Shot, item.shot_id)
    if shot is not None and shot.clip == item.picked and item.ready != clip.id:
        shot.clip = clip.id
        session.add(shot)


def _shared(job: Job, item: ExportShot) -> dict[str, Any]:
    return {
        "owner": job.owner,
        "project_id": job.project_id,
        "shot_id": item.shot_id,
        "take_id": item.clip.take_id,
        "conditions": item.clip.model_dump(mode="json"),
    }
