"""A file inside an event: base64 in JSON, so that it comes through the same authorised door as all else."""

from __future__ import annotations

import base64
import binascii

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
