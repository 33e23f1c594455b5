"""How often each table was changed, counted by the database itself.

A reader that remembers what it read of some tables needs to read again only when one of their stamps differs,
whoever wrote: this process, the drawing process, a command line. The counting is done by triggers, inside the
writer's transaction, so that no write can forget it.
"""

from __future__ import annotations

from sqlalchemy import Connection, text
from sqlmodel import Field, Session, SQLModel, select

from studio.store.tables import Project

PREFIX = "stamp_"
_VERBS = ("INSERT", "UPDATE", "DELETE")
_TRIGGERS = "SELECT name FROM sqlite_master WHERE type = 'trigger' AND name GLOB :those"


class Stamp(SQLModel, table=True):
    """One table's stamp."""

    name: str = Field(primary_key=True)
    changes: int = 0


def stamped() -> tuple[str, ...]:
    """The tables that have a stamp: all others."""
    return tuple(name for name in sorted(Project.metadata.tables) if name != Stamp.__tablename__)


def missing(connection: Connection) -> tuple[str, ...]:
    """The tables of which some trigger is not there: a migration that rebuilds a table drops those on it."""
    there = set(connection.execute(text(_TRIGGERS), {"those": f"{PREFIX}*"}).scalars())
    return tuple(name for name in stamped() if not there.issuperset(_trigger(name, v) for v in _VERBS))


def install(connection: Connection) -> None:
    """Makes the triggers that are missing; what they did not see counts as a change."""
    for name in missing(connection):
        connection.execute(text("INSERT OR IGNORE INTO stamp VALUES (:name, 0)"), {"name": name})
        for verb in _VERBS:
            connection.exec_driver_sql(
                f'CREATE TRIGGER IF NOT EXISTS "{_trigger(name, verb)}" AFTER {verb} ON "{name}" '
                f"BEGIN UPDATE stamp SET changes = changes + 1 WHERE name = '{name}'; END"
            )
        connection.execute(text("UPDATE stamp SET changes = changes + 1 WHERE name = :name"), {"name": name})


def _trigger(table: str, verb: str) -> str:
    return f"{PREFIX}{table}_{verb.lower()}"


def uninstall(connection: Connection) -> None:
    """Drops all triggers, for a migration back to a database without stamps."""
    for name in connection.execute(text(_TRIGGERS), {"those": f"{PREFIX}*"}).scalars().all():
        connection.exec_driver_sql(f'DROP TRIGGER "{name}"')


def read_stamps(session: Session) -> dict[str, int]:
    """The stamps of all tables at the moment that this session sees."""
    return dict(session.exec(select(Stamp.name, Stamp.changes)).all())
