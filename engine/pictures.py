"""Picture files, read whole: every room that looks at a stored frame opens it here. Needs no torch."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from engine.errors import BadInput

_ADVICE = "draw its shot again or choose another picture"


def read_picture(path: Path) -> Image.Image:
    """The picture as 8-bit RGB, whole and at its own size.

    Raises:
        BadInput: the file is gone, or is not a picture, or is damaged.
    """
    try:
        with Image.open(path) as image:
            return image.convert("RGB")
    except FileNotFoundError as error:
        raise BadInput(f"The picture {path.name} is not there any more: {_ADVICE}.") from error
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        # SyntaxError is what Pillow raises for a damaged chunk of a PNG
        raise BadInput(f"{path.name} is not a picture that can be read: {_ADVICE}.") from error
