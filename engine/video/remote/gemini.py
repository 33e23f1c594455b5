"""Veo by the Gemini API: `models/…:predictLongRunning`, then the operation (ai.google.dev/gemini-api/docs).

Spoken directly, since google-genai 3 makes videos in Vertex mode only.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine.video.remote.http import ServiceHttp, refusal
from engine.video.remote.service import ClipOrder, Expired, Finished, Refused, Waiting

KEYS = ("GEMINI_API_KEY", "GOOGLE_API_KEY")
URL_VARIABLE = "STAGE_GEMINI_URL"
BASE = "https://generativelanguage.googleapis.com"
TITLE = "Veo"
_VERSION = "v1beta"


class GeminiVeo:
    """One Veo model. STAGE_GEMINI_URL names a gateway before it."""

    def __init__(self, model: str, key: str) -> None:
        self._model = model.removeprefix("models/")
        base = os.environ.get(URL_VARIABLE) or BASE
        self._http = ServiceHttp(TITLE, base, {"x-goog-api-key": key}, key, " or ".join(KEYS))

    def submit(self, order: ClipOrder) -> str:
        instance = {"prompt": order.prompt, "image": _image(order.first), "lastFrame": _image(order.last)}
        parameters = {"aspectRatio": order.aspect, "durationSeconds": order.seconds, "resolution": "720p"}
        path = f"{_VERSION}/models/{self._model}:predictLongRunning"
        found = self._http.call("POST", path, {"instances": [instance], "parameters": parameters}).get("name")
        if not isinstance(found, str) or not found:
            raise Refused(
                "Veo took the order but did not name it: look into your account before rendering again."
            )
        return found

    def look(self, operation: str) -> Waiting | Finished:
        found = self._http.call("GET", f"{_VERSION}/{operation}")
        if not found.get("done"):
            return Waiting()
        match found:
            case {"error": {"message": str(said)}}:
                raise refusal(TITLE, self._http.clean(said))
            case {"response": {"generateVideoResponse": {"generatedSamples": [{"video": {**video}}, *_]}}}:
                return _video(video)
            case {"response": {"generateVideoResponse": {"raiMediaFilteredReasons": [str(said), *_]}}}:
                raise refusal(TITLE, self._http.clean(f"safety: {said}"))
            case _:
                raise refusal(TITLE, "safety: it gave no clip and no reason")

    def fetch(self, finished: Finished, out: Path) -> None:
        if isinstance(finished.video, bytes):
            out.write_bytes(finished.video)
            return
        self._http.download(finished.video, out)


def _video(video: Mapping[Any, Any]) -> Finished:
    match video:
        case {"uri": str(uri)}:
            return Finished(uri)
        case {"encodedVideo": str(data)} | {"bytesBase64Encoded": str(data)}:
            return Finished(base64.b64decode(data))
        case _:
            raise Expired("Veo has thrown this clip away: render it again, which is paid anew.")


def _image(png: bytes) -> dict[str, str]:
    return {"bytesBase64Encoded": base64.b64encode(png).decode(), "mimeType": "image/png"}
