"""Picture files, read whole: every room that looks at a stored frame opens it here. Needs no torch."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from engine.errors import BadInput

_ADVICE = "draw its shot again or choose another picture"


class UnreadablePicture(BadInput):
    """A picture file that is `gone`, or is not a picture, or is damaged. Its own sentence names the file; who
    knows whose picture it is says so (`of`).
    """

    def __init__(self, path: Path, gone: bool = False) -> None:
        self.path, self.gone = path, gone
        super().__init__(self.of(f"The picture {path.name}" if gone else path.name, _ADVICE))

    def of(self, whose: str, advice: str) -> str:
        """The sentence about a picture of such a name."""
        trouble = "is not there any more" if self.gone else "is not a picture that can be read"
        return f"{whose} {trouble}: {advice}."


def read_picture(path: Path) -> Image.Image:
    """The picture as 8-bit RGB, whole and at its own size.

    Raises:
        UnreadablePicture: the file is gone, or is not a picture, or is damaged.
    """
    try:
        with Image.open(path) as image:
            return image.convert("RGB")
    except FileNotFoundError as error:
        raise UnreadablePicture(path, gone=True) from error
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        # SyntaxError is what Pillow raises for a damaged chunk of a PNG
        raise UnreadablePicture(path) from error
