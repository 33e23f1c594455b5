"""Draws one shot's pair (eq. 8): resolves the history, asks the painter, keeps every take."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict

from sqlalchemy import func
from sqlmodel import Session, select

from engine.errors import StageError
from engine.step2.conditions import (
    KeptFrame,
    MemoryFrame,
    PackedFrame,
    PairConditions,
    PairTake,
    StoredFrame,
)
from studio.jobs import queue
from studio.jobs.bench import Bench
from studio.jobs.orders import DrawInputs, DrawOrder, ResolvedFrame
from studio.project.conditions import Conditions, FrameRef
from studio.project.film import load_film
from studio.project.lineage import Lineage
from studio.store.home import Home
from studio.store.states import JobState
from studio.store.tables import Project, Shot, Take


def draw(bench: Bench) -> None:
    """Works on a draw job to its end. Raises StageError with one sentence, Cancelled, or LeaseLost."""
    order = DrawOrder.model_validate(bench.job.order)
    if not bench.painters.has(bench.job.profile):
        bench.report(0, 0, "loading the painter", at_once=True)
    painter = bench.painters.get(bench.job.profile)
    inputs = resolve(bench)
    bench.report(0, order.steps or painter.profile.steps, at_once=True)
    began = time.monotonic()
    takes = painter.draw(
        pair_conditions(bench.home, order, inputs),
        order.seeds,
        steps=order.steps,
        guidance=order.guidance,
        on_step=bench.report,
        cancelled=bench.cancelled,
    )
    keep_takes(bench, order, inputs, takes, time.monotonic() - began)


def resolve(bench: Bench) -> DrawInputs:
    """Finds the previous end frame and the memory bank of this moment, and records them with the job."""
    with bench.home.database.write() as session:
        job = queue.held(session, bench.job.id, bench.worker_id)
        film = load_film(session, session.get_one(Project, job.project_id))
        index = film.index.get(job.shot_id or "")
        if index is None:
            raise StageError("This shot was deleted before it was drawn: restore it and draw again.")
        lineage = Lineage(film)
        present = lineage.present(index)
        inputs = DrawInputs(
            previous=present.previous,
            memory=tuple(ResolvedFrame(ref=f.ref, pinned=f.pinned) for f in lineage.memory_bank(index)),
            bans=present.bans,
            bank=present.bank,
            picked=film.shots[index].picked,
        )
        job.resolved = inputs.model_dump(mode="json")
        session.add(job)
    return inputs


def pair_conditions(home: Home, order: DrawOrder, inputs: DrawInputs) -> PairConditions:
    """The painter's view of an order and its history: stored files by their hashes."""
    return PairConditions(
        prompt=order.prompt,
        description=order.words.description,
        previous_end=_stored(home, inputs.previous) if inputs.previous else None,
        memory=tuple(MemoryFrame(f.ref.key, _stored(home, f.ref), f.pinned) for f in inputs.memory),
        kept=KeptFrame(order.kept.side, _stored(home, order.kept)) if order.kept else None,
    )


def keep_takes(
    bench: Bench, order: DrawOrder, inputs: DrawInputs, takes: Sequence[PairTake], seconds: float
) -> None:
    """Stores pictures first, then all rows and the end of the job in one transaction."""
    stored = [(bench.home.blobs.put(t.start, "png"), bench.home.blobs.put(t.end, "png"), t) for t in takes]
    conditions = Conditions(
        words=order.words,
        prompt=order.prompt,
        previous=inputs.previous,
        pins=inputs.pins,
        bans=inputs.bans,
        bank=inputs.bank,
        kept=order.kept,
    ).model_dump(mode="json")
    sources = {frame.ref.key: frame.ref for frame in inputs.memory}
    with bench.home.database.write() as session:
        job = queue.held(session, bench.job.id, bench.worker_id)
        shot = session.get_one(Shot, job.shot_id)
        number = _last_number(session, shot.id)
        rows = [
            Take(
                owner=job.owner,
                project_id=job.project_id,
                shot_id=shot.id,
                job_id=job.id,
                number=number + i,
                start_sha256=start,
                end_sha256=end,
                conditions=conditions,
                recipe=asdict(take.recipe),
                memory=[packed_row(frame, sources) for frame in take.memory],
                seconds=seconds / len(stored),
            )
            for i, (start, end, take) in enumerate(stored, start=1)
        ]
        session.add_all(rows)
        if shot.picked == inputs.picked and not shot.locked:
            shot.picked = rows[0].id
            session.add(shot)
        queue.end(session, job, JobState.DONE, seconds=seconds)


def packed_row(frame: PackedFrame, sources: Mapping[str, FrameRef]) -> dict[str, object]:
    """A packed frame as recorded: with the shot and side that its key stood for."""
    ref = sources.get(frame.key)
    return {
        **asdict(frame),
        "box": list(frame.box),
        "shot_id": ref.shot_id if ref else None,
        "side": ref.side.value if ref else None,
    }


def _stored(home: Home, ref: FrameRef) -> StoredFrame:
    return StoredFrame(ref.sha256, home.frame(ref.sha256))


def _last_number(session: Session, shot_id: str) -> int:
    return session.exec(select(func.max(Take.number)).where(Take.shot_id == shot_id)).one() or 0
