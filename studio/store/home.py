"""The home folder of a studio: database, blobs, secret, logs.

~/.stage-studio/            or $STAGE_HOME, or --home
    studio.db               projects, shots, takes, jobs, the log of edits
    blobs/                  pictures, clips and films under their SHA-256
    cache/                  what can be computed again (latents of frames)
    cache/work-*/           what is being unpacked
    cache/paid/             a paid service's pictures, until the take that they become is stored
    secret                  the key that signs media addresses
    worker.log              what the drawing process said
"""

from __future__ import annotations

import os
import secrets
import shutil
import time
from pathlib import Path

from filelock import FileLock

from studio.store.blobs import Blobs
from studio.store.database import Database
from studio.store.errors import StoreError, Unwritable, clear_errors, unwritable
from studio.store.migrate import migrate

HOME_VARIABLE = "STAGE_HOME"
WORK = "work-"
"""How folders in the cache begin in which something is unpacked."""
LEFT_OVER_SECONDS = 3600
"""So old is at least what is taken for a leftover because nothing tells of it: that may be still to come."""
_SHORTEST_KEY = 16


def default_home() -> Path:
    """$STAGE_HOME, or .stage-studio in the user's home folder."""
    return Path(os.environ.get(HOME_VARIABLE) or Path.home() / ".stage-studio")


class Home:
    """An open home folder. Opening makes what is missing, migrates, and checks that it can be written."""

    def __init__(self, root: Path) -> None:
        """Raises Unwritable, DiskFull or NewerDatabase, each with one sentence."""
        self.root = root.expanduser().absolute()
        with clear_errors(self.root):
            self._make_folder()
            self.blobs = Blobs(self.root / "blobs")
            self.blobs.prepare()
            self.cache.mkdir(exist_ok=True)
            self._sweep_work()
            self.secret = self._read_secret()
            self.database = Database(self.root / "studio.db")
            migrate(self.database.engine, self.root)

    @property
    def cache(self) -> Path:
        return self.root / "cache"

    @property
    def worker_log(self) -> Path:
        return self.root / "worker.log"

    def close(self) -> None:
        self.database.close()

    def frame(self, sha256: str) -> Path:
        """The PNG of a stored frame. Raises NotFound."""
        return self.blobs.existing(sha256, "png")

    def _sweep_work(self) -> None:
        """Deletes what was being unpacked by a process that was killed."""
        oldest = time.time() - LEFT_OVER_SECONDS
        for folder in self.cache.glob(f"{WORK}*"):
            if folder.stat().st_mtime < oldest:
                shutil.rmtree(folder, ignore_errors=True)

    def _make_folder(self) -> None:
        if self.root.exists() and not self.root.is_dir():
            raise Unwritable(f"{self.root} is a file: choose a folder with --home.")
        try:
            self.root.mkdir(parents=True, exist_ok=True)
        except FileExistsError as error:
            raise Unwritable(
                f"{self.root} is a link that leads nowhere: choose a folder with --home."
            ) from error
        except FileNotFoundError as error:  # a place where no folders can be made, such as /proc
            raise unwritable(self.root) from error
        probe = self.root / f".probe.{secrets.token_hex(4)}"
        try:
            probe.write_bytes(b"?" * 4096)
        finally:
            probe.unlink(missing_ok=True)

    def _read_secret(self) -> bytes:
        """The signing key, made once: under a lock and moved into place whole, so all processes agree on
        one.
        """
        path = self.root / "secret"
        with FileLock(self.root / "secret.lock"):
            if not path.exists():
                fresh = self.root / f".secret.{secrets.token_hex(4)}"
                fresh.touch(mode=0o600)
                fresh.write_text(secrets.token_hex(32))
                os.replace(fresh, path)
        try:
            key = bytes.fromhex(path.read_text(encoding="ascii"))
        except ValueError:  # also bytes that are no text
            key = b""
        if len(key) < _SHORTEST_KEY:
            raise StoreError(f"The signing key {path} is damaged: delete the file to get a new one.")
        return key
