"""Copies a film: every row anew, every picture and clip by its content, so that a copy costs no disk.

What refers to a row (a picked take, a frame in the conditions of a take, a pin) refers to its copy
afterwards, so that nothing is stale in the copy which is not stale in the original. Jobs, exported films and
the history of edits stay behind.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlmodel import Session, SQLModel, col, select

from studio.project.kept import carry_kept
from studio.store.states import Subject
from studio.store.tables import (
    CastMember,
    Clip,
    FrameMark,
    Judging,
    Place,
    Project,
    Reference,
    Refinement,
    Shot,
    Take,
    Verdict,
    Version,
    new_id,
    now,
)

_BELONGING: tuple[type[Any], ...] = (
    Version,
    Shot,
    CastMember,
    Place,
    Take,
    Refinement,
    Clip,
    Reference,
    FrameMark,
    Verdict,
    Judging,
)
"""Tables of a film's rows, those that others refer to first."""


def copy_project(session: Session, project: Project, title: str) -> Project:
    """Adds a copy of the project with its versions, shots, takes and clips, in the caller's transaction."""
    rows = [
        row
        for table in _BELONGING
        for row in session.exec(select(table).where(table.project_id == project.id)).all()
    ]
    ids: dict[str, str] = {row.id: new_id() for row in (project, *rows)}
    fresh = {"archived": None, "trashed": None, "revision": 1, "created": now(), "updated": now()}
    copy = _copied(project, ids, title=title, **fresh)
    session.add(copy)
    session.flush()
    for row in rows:
        session.add(_copied(row, ids, **_not_copied(row)))
        session.flush()
    carry_kept(session, project, copy, ids)
    return copy


def copy_shown(session: Session, shot: Shot, copy: Shot) -> dict[str, str]:
    """Gives the copy of a shot what the shot itself shows: its own pictures, its picked take, and the texts
    and clips of that take. Returns the fields of the copy that choose among them.
    """
    own = select(Reference).where(
        Reference.subject == Subject.SHOT.value,
        Reference.subject_id == shot.id,
        col(Reference.trashed).is_(None),
    )
    rows: list[Any] = list(session.exec(own).all())
    take = session.get(Take, shot.picked) if shot.picked else None
    if take is not None:
        rows.append(take)
        rows += session.exec(select(Refinement).where(Refinement.take_id == take.id)).all()
        rows += session.exec(select(Clip).where(Clip.take_id == take.id)).all()
    ids: dict[str, str] = {shot.id: copy.id, **{row.id: new_id() for row in rows}}
    for row in rows:
        # The take that this one may have been asked to repeat stays with the shot.
        alone = {"job_id": None, "number": 1, "again_of": None} if row is take else {}
        session.add(_copied(row, ids, **alone))
        session.flush()
    chosen = {"picked": shot.picked, "refinement": shot.refinement, "clip": shot.clip}
    return {field: ids[id] for field, id in chosen.items() if id in ids}


def _not_copied(row: Any) -> dict[str, Any]:
    """Fields of a row that tell of the film, not of its copy."""
    if isinstance(row, Take):
        return {"job_id": None}
    if isinstance(row, Shot):
        return {"accepted": None, "clip_accepted": None}  # `carry_kept` writes them
    if isinstance(row, Judging) and not row.over:
        return {"over": True, "trouble": "The film was copied before the judge had answered everything."}
    return {}


def _copied(row: Any, ids: Mapping[str, str], **other: Any) -> Any:
    """A row with its own id and everything that it refers to replaced."""
    table: type[SQLModel] = type(row)
    fields = {name: getattr(row, name) for name in table.model_fields}
    return table(**{**_renamed(fields, ids), **other})


def _renamed(value: Any, ids: Mapping[str, str]) -> Any:
    """A JSON value in which every id of a copied row is that of the copy."""
    if isinstance(value, str):
        return ids.get(value, value)
    if isinstance(value, Mapping):
        return {ids.get(key, key): _renamed(item, ids) for key, item in value.items()}
    return [_renamed(item, ids) for item in value] if isinstance(value, list) else value
