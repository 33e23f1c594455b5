"""Purging a take: what stands against it, and what goes with it. Whole films: `studio.project.clearing`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, String, cast, false, func, literal, or_
from sqlmodel import Session, SQLModel, col, select

from studio.project.film import FilmState
from studio.store.states import JobState
from studio.store.tables import Clip, Film, Job, Refinement, Shot, Take, Verdict

_ACTIVE = [state.value for state in JobState if state.active]
TO_COME = [*_ACTIVE, JobState.FAILED.value, JobState.CANCELLED.value]  # those can be tried again


@dataclass(frozen=True)
class Purge:
    """What would go: rows, and the files (hash, extension) that nothing else uses. `refusal` says why not."""

    clips: tuple[Clip, ...]
    refinements: tuple[Refinement, ...]
    files: tuple[tuple[str, str], ...]
    refusal: str


def plan(session: Session, film: FilmState, take: Take) -> Purge:
    """Looks at everything that knows a take; changes nothing."""
    clips = tuple(session.exec(select(Clip).where(Clip.take_id == take.id)))
    refinements = tuple(session.exec(select(Refinement).where(Refinement.take_id == take.id)))
    files = {(take.start_sha256, "png"), (take.end_sha256, "png"), *((c.sha256, "mp4") for c in clips)}
    gone = {take.id, *(clip.id for clip in clips)}
    return Purge(
        clips=clips,
        refinements=refinements,
        files=tuple(sorted(f for f in files if not file_used(session, f[0], gone))),
        refusal=next(_refusals(session, film, take), ""),
    )


def delete(session: Session, take: Take, purge: Purge) -> None:
    """Deletes the rows, in the caller's write transaction; the files go by `file_used`, after the commit."""
    for row in (*purge.clips, *purge.refinements):
        session.delete(row)
        session.flush()
    session.delete(take)
    session.flush()


def file_used(session: Session, sha256: str, without: Iterable[str] = ()) -> bool:
    """Whether any row but those `without` shows or records this file.

    Every column of a hash, in every table, counts; and so do the records of takes and of jobs to come.
    """
    gone = list(without)
    for table in SQLModel.metadata.sorted_tables:
        hashes = [column for column in table.columns if column.name.endswith("sha256")]
        if (
            not hashes or table.name == Verdict.__tablename__
        ):  # a verdict names pictures, it does not show them
            continue
        query = select(table.c.id).where(or_(*(c == sha256 for c in hashes)), table.c.id.not_in(gone))
        if session.exec(query.limit(1)).first() is not None:
            return True
    recorded = or_(_tells(Take.conditions, sha256), _tells(Take.memory, sha256))
    takes = select(Take.id).where(recorded, col(Take.id).not_in(gone)).limit(1)
    queued = or_(_tells(Job.order, sha256), _tells(Job.resolved, sha256))
    jobs = select(Job.id).where(queued, col(Job.state).in_(TO_COME)).limit(1)
    return session.exec(takes).first() is not None or session.exec(jobs).first() is not None


def _refusals(session: Session, film: FilmState, take: Take) -> Iterator[str]:
    what = f"Take {take.number}"
    if take.locked:
        yield f"{what} is protected from purging: take the protection away first."
    everywhere = session.exec(select(Shot).where(Shot.project_id == take.project_id)).all()  # all versions
    if any(shot.picked == take.id for shot in everywhere):
        yield f"{what} is in the film: use another take first."
    needs = or_(col(Job.shot_id) == take.shot_id, _tells(Job.order, take.id))
    if session.exec(select(Job.id).where(needs, col(Job.state).in_(_ACTIVE)).limit(1)).first() is not None:
        yield "Work on this shot waits or runs: wait for it, or cancel it first."
    made = (*session.exec(select(Clip.id).where(Clip.take_id == take.id)),)
    # A clip that is kept as it is may be of another take than its shot's: then the work names the clip alone.
    uses = or_(false(), *(_tells(Job.order, clip) for clip in made))
    if session.exec(select(Job.id).where(uses, col(Job.state).in_(_ACTIVE)).limit(1)).first() is not None:
        yield f"A clip of {what.lower()} is in a film that waits or is made: wait for it, or cancel it first."
    for side, sha256 in (("start", take.start_sha256), ("end", take.end_sha256)):
        user = _drawn_from(session, take, sha256)
        if user is not None:
            index = film.index.get(user.shot_id)
            where = "a deleted shot" if index is None else f"shot {index + 1}"
            yield f"Take {user.number} of {where} was drawn with its {side} frame: purge that take first."
    films = select(Film.id).where(Film.project_id == take.project_id, _tells(Film.conditions, take.id))
    if session.exec(films.limit(1)).first() is not None:
        yield "An exported film is made of it, and its download needs the frames."
    written = (*session.exec(select(Refinement.id).where(Refinement.take_id == take.id)),)
    if any(shot.clip in made or shot.refinement in written for shot in everywhere):
        yield f"The clip or the text of {what.lower()} is in the film: choose another first."


def _drawn_from(session: Session, take: Take, sha256: str) -> Take | None:
    """Another take of the project whose record needs this frame, unless another take shows the same frame."""
    same = select(func.count()).where(
        Take.project_id == take.project_id,
        Take.id != take.id,
        or_(col(Take.start_sha256) == sha256, col(Take.end_sha256) == sha256),
    )
    if session.exec(same).one():
        return None
    recorded = or_(_tells(Take.conditions, sha256), _tells(Take.memory, sha256))
    users = select(Take).where(Take.project_id == take.project_id, Take.id != take.id, recorded)
    return session.exec(users.order_by(col(Take.created)).limit(1)).first()


def _tells(column: Any, text: str) -> ColumnElement[bool]:
    """Whether a JSON column's text holds a hash or an id: both are hex, so neither needs escaping."""
    return func.instr(cast(column, String), literal(text)) > 0
