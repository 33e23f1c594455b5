"""What was ordered and is paid for: written down before anything waits for it, so that nothing is paid twice.

A request is named by a hash of all that its clip depends on but the seed; the service names the operation
that works on it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Protocol

from pydantic import BaseModel, TypeAdapter, ValidationError

from engine.errors import StageError
from engine.video.files import write_bytes


class Ledger(Protocol):
    """Operations by their request and seed. All methods are safe against a kill at any moment."""

    def find(self, request: str, seed: int) -> str | None:
        """The operation that was ordered for a request with this seed, else one with another seed whose clip
        nobody has had yet, else None.
        """
        ...

    def begin(self, request: str, seed: int) -> bool:
        """Write down that an order is about to be placed; it is on the disk when this returns.

        False where one of this request was begun before, and whoever placed it ended before the answer came:
        it is forgotten now, so that the next time it is ordered.
        """
        ...

    def drop(self, request: str, seed: int) -> None:
        """Forget what was begun: the order was turned away, or its trouble was told."""
        ...

    def record(self, request: str, seed: int, operation: str) -> None:
        """Write down the operation of what was begun; it is on the disk when this returns."""
        ...

    def close(self, operation: str) -> None:
        """Strike out an operation that will never give a clip: its request is then ordered anew."""
        ...


class Entry(BaseModel):
    """One line of a ledger; without an operation it is an order that was begun."""

    request: str
    seed: int
    operation: str


class FileLedger:
    """A ledger in a JSON file beside a film. The same film made again takes its clips from the same
    operations; nothing is struck out while the service still has them.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def find(self, request: str, seed: int) -> str | None:
        asked = (request, seed)
        mine = [e.operation for e in self._read() if (e.request, e.seed) == asked and e.operation]
        return mine[-1] if mine else None

    def begin(self, request: str, seed: int) -> bool:
        first = len(self._without_begun(request)) == len(self._read())
        if first:
            self.record(request, seed, "")
        else:
            self.drop(request, seed)
        return first

    def drop(self, request: str, seed: int) -> None:
        self._write(self._without_begun(request))

    def record(self, request: str, seed: int, operation: str) -> None:
        self._write([*self._without_begun(request), Entry(request=request, seed=seed, operation=operation)])

    def close(self, operation: str) -> None:
        self._write([entry for entry in self._read() if entry.operation != operation])

    def _without_begun(self, request: str) -> list[Entry]:
        """All entries but an order of this request that was begun and not answered."""
        return [e for e in self._read() if e.operation or e.request != request]

    def _read(self) -> list[Entry]:
        try:
            return _ENTRIES.validate_json(self._path.read_bytes())
        except FileNotFoundError:
            return []
        except (OSError, ValidationError) as error:
            raise StageError(
                f"{self._path} lists what was ordered and paid and cannot be read: repair it or move it."
            ) from error

    def _write(self, entries: list[Entry]) -> None:
        write_bytes(
            self._path, json.dumps([entry.model_dump() for entry in entries], indent=2).encode(), synced=True
        )


_ENTRIES = TypeAdapter(list[Entry])
