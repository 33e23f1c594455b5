"""Where a command is to write: made and tried before it does, or pays for, any work."""

from __future__ import annotations

import tempfile
from pathlib import Path

from engine.errors import StageError
from engine.video.files import cannot_write


def check_place(out: Path) -> None:
    """Makes the folder of a file to be written, and tries to write there.

    Raises:
        StageError: it cannot be written, in one sentence.
    """
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        if out.is_dir():
            raise StageError(f"{out} is a folder; give the name of a file.")
        with tempfile.TemporaryFile(dir=out.parent):
            pass
    except OSError as error:
        raise cannot_write(out, error) from error
