"""Veo by Vertex AI, with Google's own client (google-genai in Vertex mode)."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from engine.errors import StageError
from engine.paid_services import service_address
from engine.video.files import write_bytes
from engine.video.remote.http import (
    beside_the_point,
    check_later,
    is_policy,
    not_offered,
    perhaps_taken,
    refusal,
    scrubbed,
)
from engine.video.remote.patience import Busy
from engine.video.remote.service import ClipOrder, Expired, Finished, Refused, Waiting
from engine.watched import IsCancelled

API_KEY, PROJECT, LOCATION = "VERTEX_API_KEY", "GOOGLE_CLOUD_PROJECT", "GOOGLE_CLOUD_LOCATION"
URL_VARIABLE = "STAGE_VERTEX_URL"
TITLE = "Vertex AI"
_NO_CREDENTIALS = (
    f"Vertex AI has no credentials here that it accepts: set {API_KEY}, or {PROJECT} and run "
    "`gcloud auth application-default login`."
)
T = TypeVar("T")


class VertexVeo:
    """One Veo model, with VERTEX_API_KEY (express mode), or with GOOGLE_CLOUD_PROJECT, GOOGLE_CLOUD_LOCATION
    and the credentials of `gcloud auth application-default login`. STAGE_VERTEX_URL names a gateway.
    """

    def __init__(self, model: str) -> None:
        """Raises BadInput for an address that credentials may not be sent to, StageError without any."""
        from google import genai

        self._model = model
        self._key = os.environ.get(API_KEY, "").strip()
        base = service_address(URL_VARIABLE)
        options = genai.types.HttpOptions(base_url=base) if base else None
        try:
            if self._key:
                self._client = genai.Client(vertexai=True, api_key=self._key, http_options=options)
            else:
                where = os.environ.get(LOCATION) or "us-central1"
                project = os.environ.get(PROJECT)
                self._client = genai.Client(
                    vertexai=True, project=project, location=where, http_options=options
                )
        except Exception as error:  # google-auth and the client each have their own for missing credentials
            raise StageError(_NO_CREDENTIALS) from error

    def submit(self, order: ClipOrder) -> str:
        from google.genai import types

        source = types.GenerateVideosSource(prompt=order.prompt, image=_image(order.first))
        config = types.GenerateVideosConfig(
            last_frame=_image(order.last),
            duration_seconds=order.seconds,
            aspect_ratio=order.aspect,
            resolution="720p",
            number_of_videos=1,
            generate_audio=False,
            seed=order.seed,
        )
        operation = self._asked(
            lambda: self._client.models.generate_videos(model=self._model, source=source, config=config), True
        )
        if not operation.name:
            raise Refused(
                "Vertex AI took the order but did not name it: look into your account before rendering again."
            )
        return str(operation.name)

    def look(self, operation: str) -> Waiting | Finished:
        from google.genai import types

        asked = types.GenerateVideosOperation.model_validate({"name": operation})
        found = self._asked(lambda: self._client.operations.get(asked), False)
        if not found.done:
            return Waiting()
        if found.error:
            raise refusal(TITLE, scrubbed(str(found.error.get("message") or found.error), self._key))
        answer = found.response or found.result
        videos = (answer.generated_videos if answer else None) or []
        video = videos[0].video if videos else None
        if video is not None and video.video_bytes:
            return Finished(video.video_bytes)
        reasons = (answer.rai_media_filtered_reasons if answer else None) or []
        said = f"safety: {reasons[0]}" if reasons else "it gave no clip and no reason"
        raise refusal(TITLE, scrubbed(said, self._key))

    def fetch(self, finished: Finished, out: Path, cancelled: IsCancelled | None = None) -> None:
        assert isinstance(finished.video, bytes)
        write_bytes(out, finished.video)

    def _asked(self, call: Callable[[], T], paid: bool) -> T:
        """A call of the client, its errors as ours."""
        from google.auth import exceptions as google_auth
        from google.genai.errors import APIError

        try:
            return call()
        except google_auth.GoogleAuthError as error:  # a project's token comes first: nothing was ordered
            if isinstance(error, google_auth.TransportError) or error.retryable:
                raise Busy(
                    "Google's token service cannot be reached: check the network and render again."
                ) from None
            raise StageError(_NO_CREDENTIALS) from None
        except APIError as error:
            said = scrubbed(str(error.message or error.status or error.code), self._key)
            check_later(TITLE, error.code, said, paid)
            if error.code in (404, 410):
                if paid:
                    raise not_offered(TITLE, said) from None
                raise Expired(
                    f"{TITLE} does not know this clip any more: render it again, which is paid anew."
                ) from None
            if error.code == 401 or (error.code == 403 and not is_policy(said)):
                raise StageError(f"{TITLE} did not accept your credentials ({said}): check them.") from None
            if not paid and not is_policy(said):
                raise beside_the_point(TITLE, said) from None
            raise refusal(TITLE, said) from None
        except ValueError:  # what the client could not read; its words quote the answer
            if paid:
                raise perhaps_taken(TITLE, "the answer cannot be read") from None
            raise Busy(f"{TITLE} gave an answer that cannot be read: render again later.") from None
        except Exception as error:
            kind = type(error).__name__
            if kind in ("ConnectError", "ConnectTimeout", "ConnectionError"):
                raise Busy(f"{TITLE} cannot be reached: check the network and render again.") from None
            if not _is_transport(error):
                raise
            if paid:
                raise perhaps_taken(TITLE, "the connection broke") from None
            raise Busy(f"The connection to {TITLE} breaks: render again later.") from None


def _is_transport(error: Exception) -> bool:
    """Whether the network failed: the client speaks through httpx, httpx2 or requests, by its version."""
    names = {cls.__name__ for cls in type(error).__mro__}
    return bool(names & {"TransportError", "RequestException"})


def _image(png: bytes) -> Any:
    from google.genai import types

    return types.Image(image_bytes=png, mime_type="image/png")
