"""Brings a database to the newest form when the program starts, one process at a time."""

from __future__ import annotations

from pathlib import Path

from filelock import FileLock, Timeout
from sqlalchemy import Engine, text

from studio.store import stamps
from studio.store.errors import NewerDatabase, StoreError, clear_errors

SCRIPTS = Path(__file__).with_name("migrations")
LOCK_SECONDS = 60
HEAD = "0011"
"""The newest migration; a test holds it against the scripts."""


def migrate(engine: Engine, home: Path) -> None:
    """Runs the missing migrations under a file lock. Raises NewerDatabase when the program is too old.

    Alembic is imported only when there is something to do: that is half a second of every start.
    """
    try:
        with clear_errors(home), FileLock(home / "migrate.lock", timeout=LOCK_SECONDS):
            _migrate(engine, home)
    except Timeout as error:
        raise StoreError(f"Another program is updating {home}: wait a minute and start again.") from error


def _migrate(engine: Engine, home: Path) -> None:
    found = _revision(engine, home)
    if found != HEAD:
        from alembic import command
        from alembic.config import Config
        from alembic.script import ScriptDirectory

        config = Config()
        config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
        scripts = ScriptDirectory.from_config(config)
        if found is not None and found not in {script.revision for script in scripts.walk_revisions()}:
            raise NewerDatabase(
                f"The projects in {home} were made with a newer version of STAGE Studio: update the program, "
                "or choose another folder with --home."
            )
        with engine.execution_options(immediate=True).connect() as connection, connection.begin():
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            stamps.install(connection)  # before anybody else can write
    with engine.connect() as connection:
        missing = stamps.missing(connection)
    if missing:
        with engine.execution_options(immediate=True).connect() as connection, connection.begin():
            stamps.install(connection)


def _revision(engine: Engine, home: Path) -> str | None:
    """The migration that the database is at, or None when it is new. Raises StoreError for one that another
    program made.
    """
    with engine.connect() as connection:
        tables = set(
            connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'table'")).scalars()
        )
        if not tables:
            return None
        if "alembic_version" not in tables:
            raise StoreError(
                f"The studio.db in {home} is not one of STAGE Studio: move it aside, or choose another "
                "folder with --home."
            )
        return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
