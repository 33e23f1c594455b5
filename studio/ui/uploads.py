"""Files that come with an event: small ones inside it, as base64 in JSON, through the same authorised door as
all else; large ones by way of Gradio's folder of uploads.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gradio.utils import get_upload_folder
from pydantic import Field

from engine.errors import BadInput
from studio.service.picture_views import MAX_BYTES
from studio.ui.desk import Event

_MOST_CHARACTERS = MAX_BYTES * 4 // 3 + 8


class UploadEvent(Event):
    """An event that can bring one picture; "" for none."""

    data: str = Field("", max_length=_MOST_CHARACTERS)

    def picture(self) -> bytes:
        """The file. Raises BadInput for what is no base64."""
        try:
            return base64.b64decode(self.data, validate=True)
        except (binascii.Error, ValueError) as error:
            raise BadInput("The picture did not arrive whole: choose it again.") from error


class SentEvent(Event):
    """An event about a file that was sent to Gradio's folder of uploads."""

    path: str


@contextmanager
def sent_file(event: SentEvent) -> Iterator[Path]:
    """The file, which is gone afterwards: Gradio would serve it to anybody. The page may name anything: only
    what lies in the folder of uploads is read. Raises BadInput.
    """
    folder = Path(get_upload_folder()).resolve()
    path = Path(event.path).resolve()
    if not path.is_relative_to(folder) or not path.is_file():
        raise BadInput("The file did not arrive: choose it again.")
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)
