"""fal's queue: submit, look at the status, take the response (fal.ai/docs, "Asynchronous inference")."""

from __future__ import annotations

import base64
from pathlib import Path
from urllib.parse import quote

from engine.paid_services import service_address
from engine.video.remote.http import ServiceHttp, refusal
from engine.video.remote.service import ClipOrder, Finished, Refused, Waiting
from engine.watched import IsCancelled

KEY = "FAL_KEY"
URL_VARIABLE = "STAGE_FAL_URL"
BASE = "https://queue.fal.run"
TITLE = "fal"


class FalQueue:
    """One first-last-frame model behind fal's queue. STAGE_FAL_URL names a gateway before it."""

    def __init__(self, model: str, key: str) -> None:
        """Raises BadInput for a STAGE_FAL_URL that the key may not be sent to."""
        self._model = model.strip("/")
        # Status and response belong to the app, without the endpoint's path.
        self._app = "/".join(self._model.split("/")[:2])
        base = service_address(URL_VARIABLE, BASE)
        self._http = ServiceHttp(TITLE, base, {"Authorization": f"Key {key}"}, key, KEY)

    def submit(self, order: ClipOrder) -> str:
        body = {
            "prompt": order.prompt,
            "first_frame_url": _data(order.first),
            "last_frame_url": _data(order.last),
            "duration": f"{order.seconds}s",
            "aspect_ratio": order.aspect,
            "resolution": "720p",
            "generate_audio": False,
            "seed": order.seed,
        }
        found = self._http.call("POST", self._model, body).get("request_id")
        if not isinstance(found, str) or not found:
            raise Refused(
                "fal took the order but did not name it: look into your account before rendering again."
            )
        return found

    def look(self, operation: str) -> Waiting | Finished:
        place = f"{self._app}/requests/{quote(operation, safe='')}"
        found = self._http.call("GET", f"{place}/status")
        if found.get("status") != "COMPLETED":
            return Waiting()
        if found.get("error"):
            said = f"{found.get('error_type', '')} {found['error']}"
            raise refusal(TITLE, self._http.clean(said))
        match self._http.call("GET", place):
            case {"video": {"url": str(url)}}:
                return Finished(url)
            case _:
                raise Refused("fal finished this shot without a clip: render it again.")

    def fetch(self, finished: Finished, out: Path, cancelled: IsCancelled | None = None) -> None:
        assert isinstance(finished.video, str)
        self._http.download(finished.video, out, cancelled)


def _data(png: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"
