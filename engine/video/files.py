"""Files that appear under their name only when they are whole."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.errors import StageError

_NO_ROOM = (errno.ENOSPC, errno.EFBIG, errno.EDQUOT)


def no_room(name: str) -> StageError:
    """A full disk, in one sentence."""
    return StageError(f"The disk is full: {name} was not written; free some space and try again.")


def cannot_write(out: Path, error: OSError) -> StageError:
    """What an operating system's refusal to write a file means, in one sentence."""
    if error.errno in _NO_ROOM:
        return no_room(out.name)
    return StageError(f"{out} cannot be written ({error.strerror or error}); choose another place for it.")


@contextmanager
def written_whole(out: Path) -> Iterator[Path]:
    """A temporary name beside `out`, which becomes `out` when the block ends well and vanishes otherwise.

    Raises:
        StageError: `out` is a folder, or cannot be written.
    """
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        if out.is_dir():
            raise StageError(f"{out} is a folder; give the name of a file.")
        handle, name = tempfile.mkstemp(prefix=f".{out.stem}.", suffix=f".part{out.suffix}", dir=out.parent)
    except OSError as error:
        raise cannot_write(out, error) from error
    os.close(handle)
    part = Path(name)
    try:
        yield part
        umask = os.umask(0)
        os.umask(umask)
        part.chmod(0o666 & ~umask)  # mkstemp makes files that only their owner may read
        os.replace(part, out)
    except OSError as error:
        raise cannot_write(out, error) from error
    finally:
        part.unlink(missing_ok=True)


def write_bytes(out: Path, data: bytes, *, synced: bool = False) -> None:
    """Write a file as a whole or not at all; `synced`: it is on the disk when this returns, so that it stays
    when the power is cut.

    Raises:
        StageError: it cannot be written.
    """
    with written_whole(out) as part, part.open("wb") as file:
        file.write(data)
        if synced:
            file.flush()
            os.fsync(file.fileno())
    if synced and hasattr(os, "O_DIRECTORY"):  # Windows cannot open a folder
        folder = os.open(out.parent, os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
