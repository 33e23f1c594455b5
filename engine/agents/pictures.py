"""Pictures as a model gets them: small enough to be sent, large enough to be judged."""

from __future__ import annotations

import io
from pathlib import Path

from engine.pictures import read_picture

LONGEST_SIDE = 768  # pixels; about what vision models look at before they cut a picture into more tokens


def small_png(path: Path) -> bytes:
    """A stored frame as PNG, its longer side at most `LONGEST_SIDE`. Raises BadInput for unreadable files."""
    picture = read_picture(path)
    picture.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()
