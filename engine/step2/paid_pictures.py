"""Pictures that a service was paid for, kept from the moment they come until what they became is stored.

So a drawing that ends late (a second picture that is refused, a studio that is closed) loses none: drawn
again, it takes up what is there and orders the rest. It is what `engine.video.remote.ledger` is for clips; a
service of pictures answers with the picture itself, so the pictures are the ledger.

    <request>.<seed>.png     a picture that came
    <request>.<seed>.begun   an order whose answer has not come

A request is named by a hash of all that its picture depends on. The service takes no seed: with another one,
a picture is as good, if nobody has had it.
"""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path

from engine.errors import StageError
from engine.video.files import write_bytes

KEPT_SECONDS = 30 * 24 * 3600.0
"""What nobody asked for again goes after so long: it shows what may have been purged since."""


class PaidPictures:
    """The folder of them. A kill at any moment loses no picture that came."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._handed: set[str] = set()
        for path in self._files("*"):
            with suppress(OSError):
                if time.time() - path.stat().st_mtime > KEPT_SECONDS:
                    path.unlink()

    def find(self, request: str, seed: int) -> bytes | None:
        """The picture that was ordered with this seed, else one with another seed, else None; none that this
        drawing has had already.
        """
        for path in (self._path(request, seed), *self._files(f"{request}.*.png")):
            if path.name not in self._handed:
                with suppress(OSError):
                    data = path.read_bytes()
                    self._handed.add(path.name)
                    return data
        return None

    def begin(self, request: str, seed: int) -> bool:
        """Write down that an order is about to be placed; it is on the disk when this returns.

        False where one of this request was begun before, and whoever placed it ended before the answer came:
        it is forgotten now, so that the next time it is ordered. Raises StageError when it cannot be written.
        """
        begun = self._files(f"{request}.*.begun")
        if begun:
            for path in begun:
                path.unlink(missing_ok=True)
            return False
        write_bytes(self._begun(request, seed), b"", synced=True)
        return True

    def drop(self, request: str, seed: int) -> None:
        """Forget what was begun: the order was turned away, or its trouble was told."""
        self._begun(request, seed).unlink(missing_ok=True)

    def keep(self, request: str, seed: int, picture: bytes) -> None:
        """Keep what came for an order that was begun. A full disk is no reason to throw the picture away that
        is in the caller's hands.
        """
        path = self._path(request, seed)
        if path.exists():  # another seed's take was given it, and it may be needed again
            path = path.with_suffix(f".{time.time_ns()}.png")
        with suppress(StageError):
            write_bytes(path, picture, synced=True)
        self._handed.add(path.name)
        self.drop(request, seed)

    def settle(self, stored: bool) -> None:
        """A drawing is over: the pictures that it had go where they are `stored` in another place by now, and
        are there for the next drawing where not.
        """
        if stored:
            for name in self._handed:
                (self._folder / name).unlink(missing_ok=True)
            with suppress(OSError):  # other drawings' pictures may be in it, or it was never made
                self._folder.rmdir()
        self._handed.clear()

    def _files(self, pattern: str) -> list[Path]:
        return sorted(self._folder.glob(pattern))

    def _path(self, request: str, seed: int) -> Path:
        return self._folder / f"{request}.{seed}.png"

    def _begun(self, request: str, seed: int) -> Path:
        return self._folder / f"{request}.{seed}.begun"
