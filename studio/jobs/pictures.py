"""The stored pictures of a job, and whose one is that cannot be read: people know no picture by its hash."""

from __future__ import annotations

from sqlmodel import Session, select

from engine.pictures import UnreadablePicture
from engine.step2.conditions import StoredFrame
from engine.story import FrameSide
from studio.jobs.orders import DrawInputs
from studio.project.conditions import KeptSource, ReferenceRef
from studio.project.film import FilmState, load_film
from studio.project.references import reference_refs
from studio.store.home import Home
from studio.store.states import JobKind, Subject
from studio.store.tables import Job, Project, Take

_FRAME = "draw that shot again or choose another take of it"
_GIVEN = "give it again or remove it"


def stored(home: Home, sha256: str) -> StoredFrame:
    """A frame as the engine takes it. Raises UnreadablePicture when its file is gone."""
    path = home.blobs.path(sha256, "png")
    if not path.is_file():
        raise UnreadablePicture(path, gone=True)
    return StoredFrame(sha256, path)


def told(home: Home, job_id: str, error: UnreadablePicture) -> str:
    """The sentence about a picture that a job could not read, with whose it is today."""
    with home.database.read() as session:
        job = session.get_one(Job, job_id)
        film = load_film(session, session.get_one(Project, job.project_id))
        found = _whose(session, film, job, error.path.stem)
    return error.of(*found) if found is not None else str(error)


def _whose(session: Session, film: FilmState, job: Job, sha256: str) -> tuple[str, str] | None:
    """(whose picture, what to do); None where nobody knows it."""
    for shot in film.shots:
        take = film.picked(shot)
        if take is not None and (side := _side(take, sha256)) is not None:
            return f"The {side.value} frame of {_shot(film, shot.id)}", _FRAME
    drawn = None
    if job.kind == JobKind.DRAW.value and job.resolved:
        drawn = DrawInputs.model_validate(job.resolved)
    references = [*reference_refs(film).values(), *(drawn.references if drawn is not None else ())]
    for reference in references:
        if reference.sha256 == sha256:
            return _picture(film, reference), _GIVEN
    kept = drawn.kept if drawn is not None else None
    if kept is not None and kept.sha256 == sha256 and kept.source is KeptSource.UPLOAD:
        return f"The {kept.side.value} frame that was given", "give it again"
    holds = (Take.start_sha256 == sha256) | (Take.end_sha256 == sha256)
    take = session.exec(select(Take).where(Take.project_id == job.project_id, holds).limit(1)).first()
    if take is None or (side := _side(take, sha256)) is None:
        return None
    return f"The {side.value} frame of take {take.number} of {_shot(film, take.shot_id)}", _FRAME


def _side(take: Take, sha256: str) -> FrameSide | None:
    frames = {take.end_sha256: FrameSide.END, take.start_sha256: FrameSide.START}
    return frames.get(sha256)


def _shot(film: FilmState, shot_id: str) -> str:
    index = film.index.get(shot_id)
    return "a shot in the trash" if index is None else f"shot {index + 1}"


def _picture(film: FilmState, reference: ReferenceRef) -> str:
    """Whose picture it is; the second one of somebody is not taken for the first."""
    if reference.subject is Subject.SHOT:
        return f"A picture of {_shot(film, reference.subject_id)}"
    if reference.subject is Subject.LOOK:
        return "A picture of the look"
    number = reference.key.removeprefix(f"ref:{reference.name}").strip()
    return f"{f'Picture {number}' if number else 'The picture'} of {reference.name}"
