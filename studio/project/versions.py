"""Versions of a film's shot list: one is in use, the others lie on their shelves with all that is theirs.

Taking another version out is an edit like any other: the rows of the one in use go to its shelf, those of
the other come back, and the film's words change with them. So one undo brings everything back, and nothing
is ever overwritten.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlmodel import Session, col, func, select

from engine.story import FrameRate
from studio.project.commands import Recorder
from studio.project.film import FilmState
from studio.store.tables import CastMember, Place, Project, Shot, Version, now

WORDS = ("theme", "logline", "look", "warnings", "rate_numerator", "rate_denominator")
"""Fields of the film that belong to a version."""
_LONGEST_LABEL = 60
_SHELVED: tuple[type[Any], ...] = (Shot, CastMember, Place)


def versions_of(session: Session, project_id: str) -> list[Version]:
    """All versions, the oldest first; those whose making was undone are left out."""
    query = select(Version).where(Version.project_id == project_id, col(Version.trashed).is_(None))
    return list(session.exec(query.order_by(col(Version.number), col(Version.created))).all())


def begin(session: Session, recorder: Recorder, project: Project, film: FilmState, **words: Any) -> Version:
    """Puts what is in use on its shelf and makes a new, empty version the one in use. `words` are its label,
    title and whatever of `WORDS` differs.
    """
    shelve(session, recorder, project, film)
    version = Version(
        owner=project.owner, project_id=project.id, number=_next_number(session, project.id), **words
    )
    recorder.create(version)
    recorder.set(project, version_id=version.id, **{name: getattr(version, name) for name in WORDS})
    return version


def take_out(
    session: Session, recorder: Recorder, project: Project, film: FilmState, version: Version
) -> None:
    """Puts what is in use on its shelf and the rows of another version in its place.

    A title that the director gave goes with its version; one that the user gave stays.
    """
    leaving = shelve(session, recorder, project, film)
    for table in _SHELVED:
        for row in session.exec(select(table).where(table.shelf == version.id)).all():
            back = {"trashed": row.deleted, "deleted": None} if table is Shot else {"trashed": None}
            recorder.set(row, shelf=None, **back)
    rate = FrameRate(numerator=version.rate_numerator, denominator=version.rate_denominator)
    recorder.set(project, sound_offset=rate.converted(project.sound_offset, film.rate))
    recorder.set(project, version_id=version.id, **{name: getattr(version, name) for name in WORDS})
    if leaving is not None and project.title == leaving.title and version.title:
        recorder.set(project, title=version.title)


def shelve(session: Session, recorder: Recorder, project: Project, film: FilmState) -> Version | None:
    """Puts all rows in use, and the deleted shots, on the shelf of their version, which keeps the film's
    words; None when there is nothing. Shots that no director made become a version of their own.
    """
    rows: Sequence[Any] = (*film.shots, *film.trash, *film.cast, *film.places)
    version = session.get(Version, project.version_id) if project.version_id else None
    if version is None:
        if not rows:
            return None
        version = Version(
            owner=project.owner,
            project_id=project.id,
            number=_next_number(session, project.id),
            label="The first shot list",
            title=project.title,
            theme=project.theme,
        )
        recorder.create(version)
    # Its theme is what it was directed from; the project's may be the one to be directed next.
    recorder.set(version, **{name: getattr(project, name) for name in WORDS if name != "theme"})
    for shot in film.trash:
        recorder.set(shot, deleted=shot.trashed)
    for row in rows:
        recorder.set(row, trashed=now(), shelf=version.id)
    return version


def label_of(theme: str) -> str:
    """The beginning of a theme, cut at a word."""
    line = " ".join(theme.split())
    if len(line) <= _LONGEST_LABEL:
        return line
    return line[:_LONGEST_LABEL].rsplit(" ", 1)[0].rstrip(" ,;:.") + "…"


def _next_number(session: Session, project_id: str) -> int:
    live = (Version.project_id == project_id, col(Version.trashed).is_(None))
    return (session.exec(select(func.max(Version.number)).where(*live)).one() or 0) + 1
