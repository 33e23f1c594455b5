"""A film that goes for good: whose files are whose, found by one look at the whole database.

`purging` asks of a file who uses it, which is a look through all records; of the thousand files of a film
nobody would wait for that. Here all hashes that rows show or record are read once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from sqlalchemy import Column, ColumnElement, String, Table, cast, delete, select
from sqlmodel import Session, SQLModel, col

from studio.project.purging import TO_COME
from studio.store.tables import Command, Job, Project, Take, Verdict

_HASH = re.compile(r"[0-9a-f]{64}")
_RECORDS: dict[str, tuple[str, ...]] = {
    str(Take.__tablename__): ("conditions", "memory"),
    str(Job.__tablename__): ("work_order", "resolved"),
    str(Project.__tablename__): ("sound",),
    str(Command.__tablename__): ("changes",),  # undo may bring a sound back
}
"""Columns that name files in the middle of a text, by table."""
_NAMED_ONLY = {str(Verdict.__tablename__)}
"""Tables whose rows name pictures, and do not show them."""


def files_in_use(session: Session, without: str | None = None) -> set[str]:
    """The hashes of all files that any row shows or records, leaving out the rows of one film."""
    return set(_hashes(session, lambda film: film != without if without else None, TO_COME))


def files_of(session: Session, project_id: str) -> set[str]:
    """The hashes of all files that the rows of a film show or record."""
    return set(_hashes(session, lambda film: film == project_id))


def delete_film(session: Session, project_id: str) -> None:
    """Deletes every row of a film, those that refer to others first, in the caller's write transaction."""
    session.flush()
    for table in reversed(SQLModel.metadata.sorted_tables):
        mine = _film_of(table)
        if mine is not None:
            session.connection().execute(delete(table).where(mine == project_id))
    session.expire_all()


def _hashes(session: Session, of: Any, states: list[str] | None = None) -> Iterator[str]:
    """Hashes in the rows of those films that `of` is true of; of jobs only those in some states."""
    for table in SQLModel.metadata.sorted_tables:
        film = _film_of(table)
        columns = [c for c in table.columns if c.name.endswith("sha256")]
        columns += [table.c[name] for name in _RECORDS.get(table.name, ())]
        if film is None or not columns or table.name in _NAMED_ONLY:
            continue
        query = select(*(cast(column, String) for column in columns))
        condition: ColumnElement[bool] | None = of(film)
        if condition is not None:
            query = query.where(condition)
        if states is not None and table.name == Job.__tablename__:
            query = query.where(col(Job.state).in_(states))
        for row in session.connection().execute(query):
            for text in row:
                yield from _HASH.findall(text or "")


def _film_of(table: Table) -> Column[Any] | None:
    """The column that says to which film a row belongs; None where rows belong to none."""
    return table.c.id if table.name == Project.__tablename__ else table.c.get("project_id")
