"""The SQLite database of a home folder: short transactions, many readers, one writer at a time.

WAL lets the page read while the worker writes. `synchronous=FULL`: in WAL mode that is one fsync a commit,
and it is what makes "saved" true through a power cut (NORMAL may lose the last commits, though it never
corrupts); the program commits a few times a second at most, so it can pay for it. Writers take the lock
when they begin (BEGIN IMMEDIATE), so that a transaction which reads first never fails when it comes to
write; `busy_timeout` makes them queue.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, event
from sqlmodel import Session, create_engine

from studio.store.errors import clear_errors

BUSY_MILLISECONDS = 15_000


def open_engine(path: Path) -> Engine:
    """An engine over the SQLite file with our pragmas; the file is made on first use."""
    address = URL.create("sqlite", database=str(path))  # as text, a "?" or "%20" of the path would be read
    engine = create_engine(address, connect_args={"check_same_thread": False})

    @event.listens_for(engine, "connect")
    def set_up(connection: sqlite3.Connection, record: Any) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves; pysqlite's own guess is too late
        cursor = connection.cursor()
        for pragma in (
            f"busy_timeout={BUSY_MILLISECONDS}",
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        immediate = connection.get_execution_options().get("immediate", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")

    return engine


class Database:
    """Sessions over one home's database."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.engine = open_engine(path)
        self._writing = self.engine.execution_options(immediate=True)

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session that sees one moment of the database. Rows stay usable after it closes."""
        with clear_errors(self.path.parent), Session(self.engine, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A transaction that holds the write lock from its beginning; an error undoes it."""
        with (
            clear_errors(self.path.parent),
            Session(self._writing, expire_on_commit=False) as session,
            session.begin(),
        ):
            session.connection()
            yield session

    def close(self) -> None:
        self.engine.dispose()
