"""Reading a film again costs what changed: a table that is as it was is not read, and a row that is as it was
is the very object of the last time.

An object for a row costs the mapper thirty times what reading the row costs, and a page asks for the whole
film after every edit. So the readers of views keep what they read last, with the stamps of its tables
(`studio.store.stamps`), and of a table that changed they make objects only for the rows that differ. Such
objects belong to no session: they are for reading; edits load their own.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from sqlmodel import Session, SQLModel, select

from studio.store.stamps import read_stamps
from studio.store.tables import Clip, Job, Refinement, Shot, Take

T = TypeVar("T")
Row = TypeVar("Row", bound=SQLModel)
_PROJECTS = 64


class Rows(Generic[Row]):
    """The rows of one table as they were last seen, by id. `leave_out` names long columns nobody shows."""

    def __init__(self, table: type[Row], leave_out: Sequence[str] = ()) -> None:
        self._table = table
        self._names = [name for name in table.model_fields if name not in leave_out]
        self._query = select(*(getattr(table, name) for name in self._names))
        self._seen: dict[str, tuple[tuple[Any, ...], Row]] = {}

    def read(self, session: Session, *where: Any, order: Sequence[Any] = ()) -> list[Row]:
        """The rows that meet all conditions, in order."""
        query = self._query.where(*where).order_by(*order)
        place, seen = self._names.index("id"), self._seen
        found: dict[str, tuple[tuple[Any, ...], Row]] = {}
        for values in map(tuple, session.exec(query)):
            known = seen.get(values[place])
            if known is None or known[0] != values:
                known = values, self._table(**dict(zip(self._names, values, strict=True)))
            found[values[place]] = known
        self._seen = found
        return [row for _, row in found.values()]


@dataclass
class FilmRows:
    """What was last read of one project."""

    shots: Rows[Shot] = field(default_factory=lambda: Rows(Shot))
    takes: Rows[Take] = field(default_factory=lambda: Rows(Take, ("conditions", "memory")))
    clips: Rows[Clip] = field(default_factory=lambda: Rows(Clip))
    texts: Rows[Refinement] = field(default_factory=lambda: Rows(Refinement))
    jobs: Rows[Job] = field(default_factory=lambda: Rows(Job, ("order", "resolved")))
    notes: dict[str, Any] = field(default_factory=dict)
    """What others worked out from these rows, by their own names."""
    kept: dict[str, tuple[Hashable, Any]] = field(default_factory=dict)
    """What was read, by name, and the stamps at which it was."""

    def at(self, session: Session) -> Reading:
        """To read at the moment that a session sees."""
        return Reading(self, session, read_stamps(session))


@dataclass(frozen=True)
class Reading:
    """The rows of one project at one moment."""

    rows: FilmRows
    session: Session
    stamps: Mapping[str, int]

    def keep(
        self, name: str, tables: Sequence[type[SQLModel]], read: Callable[[], T], key: Hashable = None
    ) -> T:
        """What `read` gives; what it gave last time, while its tables and what else it depends on (`key`)
        are as they were.
        """
        mark = (tuple(self.stamps[str(table.__tablename__)] for table in tables), key)
        known = self.rows.kept.get(name)
        if known is None or known[0] != mark:
            known = self.rows.kept[name] = mark, read()
        return known[1]  # type: ignore[no-any-return]


_lock = threading.Lock()
_films: OrderedDict[str, FilmRows] = OrderedDict()


def rows_of(project_id: str) -> FilmRows:
    """The rows of a project, remembered for the projects that were looked at last."""
    with _lock:
        if project_id not in _films:
            _films[project_id] = FilmRows()
        found = _films[project_id]
        _films.move_to_end(project_id)
        while len(_films) > _PROJECTS:
            _films.popitem(last=False)
        return found


def forget() -> None:
    """Forgets all that was read: the next look reads everything."""
    with _lock:
        _films.clear()
