"""Draws one shot's pair (eq. 8): resolves the history, asks the painter, keeps every take."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict

from sqlalchemy import func
from sqlmodel import Session, select

from engine.errors import StageError
from engine.profile import Mode
from engine.step2.conditions import (
    KeptFrame,
    MemoryFrame,
    PackedFrame,
    PairConditions,
    PairTake,
)
from engine.step2.painter import settle
from engine.story import FrameSide
from studio.jobs import queue
from studio.jobs.again import check_frames, recorded_inputs
from studio.jobs.bench import Bench
from studio.jobs.measure import measure_after_drawing
from studio.jobs.orders import DrawInputs, DrawOrder, ResolvedFrame
from studio.jobs.pictures import stored
from studio.project.conditions import Conditions, FrameRef, Kept, KeptSource
from studio.project.film import FilmState, load_film
from studio.project.lineage import Lineage
from studio.project.prompts import present_prompt
from studio.project.words import words_of
from studio.store.home import Home
from studio.store.states import JobState
from studio.store.tables import Project, Shot, Take


def draw(bench: Bench) -> None:
    """Works on a draw job to its end. Raises StageError with one sentence, Cancelled, or LeaseLost."""
    order = DrawOrder.model_validate(bench.job.order)
    if not bench.painters.has(bench.job.profile):
        bench.report(0, 0, "loading the painter", at_once=True)
        bench.check()  # loading may take minutes, and hears nobody
    painter = bench.painters.get(bench.job.profile, order.aspect)
    bench.check()
    inputs = resolve(bench, order)
    waiting = f"{painter.profile.title} is at work" if painter.profile.mode is Mode.HOSTED else ""

    def on_step(step: int, total: int) -> None:
        bench.report(step, total, waiting)

    bench.report(0, order.steps or painter.profile.steps, waiting, at_once=True)
    began = time.monotonic()
    takes = painter.draw(
        pair_conditions(bench.home, inputs),
        order.seeds,
        steps=order.steps,
        guidance=order.guidance,
        memory_guidance=order.memory_guidance,
        on_step=on_step,
        cancelled=bench.cancelled,
    )
    keep_takes(bench, order, inputs, takes, time.monotonic() - began)
    settle(painter)
    measure_after_drawing(bench, painter)


def resolve(bench: Bench, order: DrawOrder) -> DrawInputs:
    """The words of the shot, its previous end frame and its memory bank, which are recorded with the job: all
    of this moment, or those of the take that is drawn again.

    So what is written while a shot waits is drawn, and no picture is stale when it arrives.
    """
    with bench.home.database.write() as session:
        job = queue.held(session, bench.job.id, bench.worker_id)
        film = load_film(session, session.get_one(Project, job.project_id))
        index = film.index.get(job.shot_id or "")
        if index is None:
            raise StageError("This shot was deleted before it was drawn: restore it and draw again.")
        if order.again is not None:
            inputs = recorded_inputs(session, order.again, film.shots[index].picked)
            check_frames(bench.home, inputs)
        else:
            inputs = present_inputs(film, index, order, job.profile)
        job.resolved = inputs.model_dump(mode="json")
        session.add(job)
    return inputs


def present_inputs(film: FilmState, index: int, order: DrawOrder, profile: str | None = None) -> DrawInputs:
    """The words and the history of the shot at `index` as it is now, for the profile that draws it: a film
    may have been given another one while its jobs waited. None: the project's.

    Raises StageError without a frame to continue from.
    """
    lineage = Lineage(film)
    present = lineage.present(index, profile)
    kept = order.kept
    if order.continues:
        if present.previous is None:
            raise StageError("The shot before has no picture to continue from: draw it first.")
        previous = present.previous
        kept = Kept(
            side=FrameSide.START,
            sha256=previous.sha256,
            key=previous.key,
            shot_id=previous.shot_id,
            source=KeptSource.PREVIOUS,
        )
    shot = film.shots[index]
    return DrawInputs(
        prompt=present_prompt(film, shot),
        words=words_of(film, shot),
        previous=present.previous,
        memory=tuple(
            ResolvedFrame(ref=f.ref, pinned=f.pinned, later=f.later)
            for f in lineage.memory_bank(index, profile)
        ),
        bans=present.bans,
        bank=present.bank,
        picked=shot.picked,
        scope=present.scope,
        references=present.references,
        kept=kept,
    )


def pair_conditions(home: Home, inputs: DrawInputs) -> PairConditions:
    """The painter's view of what is drawn from: stored files by their hashes."""
    return PairConditions(
        prompt=inputs.prompt,
        description=inputs.words.description,
        previous_end=stored(home, inputs.previous.sha256) if inputs.previous else None,
        memory=(
            *(MemoryFrame(ref.key, stored(home, ref.sha256), pinned=True) for ref in inputs.references),
            *(MemoryFrame(f.ref.key, stored(home, f.ref.sha256), f.pinned) for f in inputs.memory),
        ),
        kept=KeptFrame(inputs.kept.side, stored(home, inputs.kept.sha256)) if inputs.kept else None,
    )


def keep_takes(
    bench: Bench, order: DrawOrder, inputs: DrawInputs, takes: Sequence[PairTake], seconds: float
) -> None:
    """Stores pictures first, then all rows and the end of the job, in one transaction: a purge of equal
    pictures cannot come between.
    """
    conditions = Conditions(
        words=inputs.words,
        prompt=inputs.prompt,
        previous=inputs.previous,
        pins=inputs.pins,
        bans=inputs.bans,
        bank=inputs.bank,
        kept=inputs.kept,
        references=inputs.references,
        aspect=order.aspect,
        scope=inputs.scope,
    ).model_dump(mode="json")
    sources = {frame.ref.key: frame.ref for frame in inputs.memory}
    later = {frame.ref.key for frame in inputs.memory if frame.later}
    chosen = takes if order.again is None else takes[order.again_index : order.again_index + 1]
    with bench.home.database.write() as session:
        job = queue.held(session, bench.job.id, bench.worker_id)
        shot = session.get_one(Shot, job.shot_id)
        if order.again is not None:
            conditions = session.get_one(Take, order.again).conditions
        number = _last_number(session, shot.id)
        rows = [
            Take(
                owner=job.owner,
                project_id=job.project_id,
                shot_id=shot.id,
                job_id=job.id,
                number=number + i,
                start_sha256=bench.home.blobs.put(take.start, "png"),
                end_sha256=bench.home.blobs.put(take.end, "png"),
                conditions=conditions,
                recipe=asdict(take.recipe),
                memory=[packed_row(frame, sources, later) for frame in take.memory],
                seconds=seconds / len(takes),
                again_of=order.again,
            )
            for i, take in enumerate(chosen, start=1)
        ]
        session.add_all(rows)
        if order.again is None and shot.picked == inputs.picked and not shot.locked:
            shot.picked, shot.picked_at = rows[0].id, None  # nobody has compared it yet
            session.add(shot)
        queue.end(session, job, JobState.DONE, seconds=seconds)


def packed_row(
    frame: PackedFrame, sources: Mapping[str, FrameRef], later: Collection[str] = ()
) -> dict[str, object]:
    """A packed frame as recorded: with the shot and side that its key stood for, and whether that shot came
    `later` (keys).
    """
    ref = sources.get(frame.key)
    return {
        **asdict(frame),
        "box": list(frame.box),
        "shot_id": ref.shot_id if ref else None,
        "side": ref.side.value if ref else None,
        "later": frame.key in later,
    }


def _last_number(session: Session, shot_id: str) -> int:
    return session.exec(select(func.max(Take.number)).where(Take.shot_id == shot_id)).one() or 0
