"""Where the cache keeps what was computed of a frame. No torch: who deletes a picture drops that, too.

<folder>/ab/abcd…/<what it was made with>.safetensors      the frame's SHA-256 is abcd…
"""

from __future__ import annotations

import shutil
from pathlib import Path


def frame_folder(folder: Path, sha256: str) -> Path:
    """Everything that was computed of one frame."""
    return folder / sha256[:2] / sha256


def drop_frame(folder: Path, sha256: str) -> None:
    """Deletes what was computed of a frame, for good: latents show the picture that they were made of."""
    shutil.rmtree(frame_folder(folder, sha256), ignore_errors=True)


def drop_unnamed(folder: Path) -> None:
    """Deletes what earlier versions kept without the frame's name: nobody could drop it with its picture."""
    for path in folder.glob("[0-9a-f][0-9a-f]/*.safetensors"):
        path.unlink(missing_ok=True)
