"""Zips that are made on request and kept in the cache, one a row: the bundle of a film, a film's preferences.

They are asked for under a name that is made of their row and not of what is in them: two films may have the
same pictures and yet other words. What a name shows changes with its row, so no browser may keep it unasked.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from enum import Enum
from pathlib import Path

from studio.store.errors import clear_errors
from studio.store.home import Home


class ZipKind(str, Enum):
    """What is in a zip, and whose id names it."""

    FILM = "film"
    """Of an exported film: its row."""
    PREFERENCES = "preferences"
    """Of a project."""

    def address(self, row_id: str) -> str:
        """The name under which it is asked for: 64 hex digits, as all media."""
        return hashlib.sha256(f"{self.value}\n{row_id}".encode()).hexdigest()

    def path(self, home: Home, row_id: str) -> Path:
        """Where it lies, or would lie."""
        return home.cache / f"{self.value}-{row_id}.zip"


def file_name(title: str) -> str:
    """A film's title as the name of a file, on any system: letters, digits, blanks, "_" and "-"."""
    return re.sub(r"[^\w -]+", "", title).strip() or "film"


@contextmanager
def writing(home: Home, target: Path) -> Iterator[Path]:
    """A file to write a zip into, which takes the place of `target` when it is whole."""
    partial = home.blobs.scratch(".zip")
    with clear_errors(home.root):
        try:
            yield partial
            os.replace(partial, target)
        finally:
            partial.unlink(missing_ok=True)


def forget(home: Home, kind: ZipKind, row_id: str) -> None:
    """Deletes a zip, where there is one."""
    with clear_errors(home.root):
        kind.path(home, row_id).unlink(missing_ok=True)


def forget_others(home: Home, kind: ZipKind, row_ids: Collection[str]) -> None:
    """Deletes the zips of all rows but these: those that are left are of rows that are gone."""
    with clear_errors(home.root):
        for path in home.cache.glob(f"{kind.value}-*.zip"):
            if path.stem.removeprefix(f"{kind.value}-") not in row_ids:
                path.unlink(missing_ok=True)
