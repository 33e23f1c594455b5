"""Trouble with the home folder or with what is asked of it; each message is one sentence for people."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.exc import DBAPIError

from engine.errors import StageError


class StoreError(StageError):
    """The home folder cannot do what it should."""


class Unwritable(StoreError):  # noqa: N818 - reads as the sentence
    """The home folder or its database cannot be written."""


class DiskFull(StoreError):  # noqa: N818 - reads as the sentence
    """There is no room left; nothing that was saved before is harmed."""


class NewerDatabase(StoreError):  # noqa: N818 - reads as the sentence
    """A newer version of the program made this database."""


class NotFound(StageError):  # noqa: N818 - reads as the sentence
    """It does not exist, or it is somebody else's: the answer is the same."""


_FULL = {errno.ENOSPC, errno.EDQUOT}
_READ_ONLY = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR}
_NO_NAME = {errno.ENAMETOOLONG, errno.ELOOP}


def disk_full(home: Path) -> DiskFull:
    return DiskFull(
        f"The disk that holds {home} is full: free some space and try again; everything saved before is safe."
    )


def unwritable(home: Path) -> Unwritable:
    return Unwritable(
        f"Cannot write to {home}: give it write permission, or choose another folder with --home."
    )


@contextmanager
def clear_errors(home: Path) -> Iterator[None]:
    """Turns the system's errors about the disk into sentences; all other errors pass through unchanged."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise disk_full(home) from error
        if error.errno in _READ_ONLY:
            raise unwritable(home) from error
        if error.errno in _NO_NAME:
            raise Unwritable(f"{_short(home)} cannot be a folder: choose another one with --home.") from error
        raise
    except (DBAPIError, sqlite3.Error) as error:
        text = str(error.orig if isinstance(error, DBAPIError) else error)
        if "disk is full" in text or "disk I/O error" in text:
            raise disk_full(home) from error
        if "readonly database" in text or "unable to open database" in text:
            raise unwritable(home) from error
        if "is locked" in text:  # longer than the busy timeout: no writer of ours takes so long
            raise StoreError(
                f"Another program holds the database in {home}: close it; nothing was changed."
            ) from error
        if "not a database" in text or "malformed" in text:
            raise StoreError(
                f"The database in {home} is damaged: restore a copy of it, or move it aside to start anew."
            ) from error
        raise


def _short(path: Path) -> str:
    """A path for a sentence, however long it is."""
    text = str(path)
    return text if len(text) <= 80 else f"{text[:80]}…"
