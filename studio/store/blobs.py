"""Content-addressed files: the name is the SHA-256 of the bytes, so a file never changes.

    blobs/ab/cd/abcd….png

A blob is written under a temporary name in the same folder tree, flushed to the disk, and renamed: a
reader sees the whole file or none, also when the process is killed in between. Leftover temporary names
are swept when the store opens.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from studio.store.errors import NotFound, clear_errors

NAME = re.compile(r"(?P<sha256>[0-9a-f]{64})\.(?P<extension>png|mp4|zip|mp3|wav|m4a)")
_PARTIAL_AGE_SECONDS = 3600


@dataclass(frozen=True)
class Stored:
    """A blob on the disk: when it was written, or put once more, in seconds since 1970."""

    sha256: str
    extension: str
    bytes: int
    written: float


class Blobs:
    """The blobs under one folder. Safe to use from several threads and processes."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._partial = root / "partial"

    def prepare(self) -> None:
        """Makes the folders and sweeps temporary files that a killed process left more than an hour ago.

        A folder there is nobody's of ours, and stays.
        """
        self._partial.mkdir(parents=True, exist_ok=True)
        for path in self._partial.iterdir():
            if path.is_file() and time.time() - path.stat().st_mtime > _PARTIAL_AGE_SECONDS:
                path.unlink(missing_ok=True)

    def path(self, sha256: str, extension: str) -> Path:
        """Where the blob lies, or would lie. Raises NotFound for what is no hash or no known extension."""
        name = f"{sha256}.{extension}"
        if NAME.fullmatch(name) is None:
            raise NotFound("There is no such file.")
        return self.root / sha256[:2] / sha256[2:4] / name

    def existing(self, sha256: str, extension: str) -> Path:
        """The file of a stored blob. Raises NotFound when it is not there."""
        path = self.path(sha256, extension)
        if not path.is_file():
            raise NotFound(f"The file {sha256[:12]}….{extension} is missing from the home folder's blobs.")
        return path

    def put(self, data: bytes, extension: str) -> str:
        """Stores bytes and returns their SHA-256; a file that was damaged since then is put right.

        Raises DiskFull or Unwritable with nothing half written.
        """
        sha256 = hashlib.sha256(data).hexdigest()
        target = self.path(sha256, extension)
        with clear_errors(self.root.parent):
            if target.is_file() and target.read_bytes() == data:
                os.utime(target)  # somebody will use it: it is no leftover
                return sha256
            partial = self._partial / f"{sha256}.{secrets.token_hex(4)}"
            try:
                with partial.open("xb") as file:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
                self._move(partial, target)
            finally:
                partial.unlink(missing_ok=True)
        return sha256

    def adopt(self, path: Path, extension: str) -> str:
        """Moves a finished file of the same disk into the store and returns its SHA-256 (for clips and
        films).
        """
        with clear_errors(self.root.parent):
            digest = hashlib.sha256()
            with path.open("rb") as file:
                while chunk := file.read(1 << 20):
                    digest.update(chunk)
                os.fsync(file.fileno())
            sha256 = digest.hexdigest()
            self._move(path, self.path(sha256, extension))
        return sha256

    def remove(self, sha256: str, extension: str, since: float) -> bool:
        """Deletes a blob for good; the caller knows that no row uses it. One that was stored again `since` a
        moment (as `time.time` has it) stays: its row may be still to come. Whether it is gone.
        """
        path = self.path(sha256, extension)
        with clear_errors(self.root.parent), suppress(FileNotFoundError):
            if path.stat().st_mtime >= since:
                return False
            path.unlink()
        return True

    def stored(self) -> Iterator[Stored]:
        """All blobs, in no order; one that is deleted meanwhile may be left out."""
        for path in self.root.glob("[0-9a-f][0-9a-f]/[0-9a-f][0-9a-f]/*"):
            name = NAME.fullmatch(path.name)
            with suppress(FileNotFoundError):
                if name is not None:
                    told = path.stat()
                    yield Stored(name["sha256"], name["extension"], told.st_size, told.st_mtime)

    def scratch(self, suffix: str) -> Path:
        """A fresh name on the store's disk for a file being made; `adopt` it, or delete it."""
        return self._partial / f"work.{secrets.token_hex(8)}{suffix}"

    def _move(self, source: Path, target: Path) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        os.replace(source, target)
        _sync_folder(target.parent)


def _sync_folder(folder: Path) -> None:
    """Makes the new name itself survive a power cut; only POSIX can open a folder for that."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
