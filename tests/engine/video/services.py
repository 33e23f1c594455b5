"""Video services on this machine's loopback that speak fal's and Vertex AI's protocols.

Each remembers what was ordered and every header that it got, and says what a test has put into its `script`
before it does its usual work.
"""

from __future__ import annotations

import base64
import json
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from engine.story import FrameRate
from engine.video.colour import packed, to_planes
from engine.video.encode import clip_writer
from tests.loopback import on_loopback

KEY = "sk-very-secret-0123456789"


@dataclass(frozen=True)
class Answer:
    """One HTTP answer; `hang_up` closes the connection without any."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    hang_up: bool = False


class Service(ABC):
    """Base of both: an HTTP server with a script for each phase (order, look, fetch), and for the answers to
    orders that were taken (taken).
    """

    def __init__(self, video: bytes) -> None:
        self.video = video
        self.orders: list[dict[str, Any]] = []
        self.looks = 0
        self.fetches = 0
        self.looks_until_done = 1
        self.keys: list[str | None] = []
        self.fetch_keys: list[str | None] = []
        self.script: dict[str, list[Answer]] = {"order": [], "taken": [], "look": [], "fetch": []}
        self.looked = threading.Event()
        self.url = ""

    @abstractmethod
    def respond(self, method: str, path: str, headers: Any, body: Any) -> Answer | bytes:
        """What it answers; bytes are a video."""

    def scripted(self, phase: str) -> Answer | None:
        return self.script[phase].pop(0) if self.script[phase] else None

    def done(self) -> bool:
        self.looks += 1
        self.looked.set()
        return self.looks > self.looks_until_done

    def fetched(self, key: str | None) -> Answer | bytes:
        self.fetches += 1
        self.fetch_keys.append(key)
        return self.scripted("fetch") or self.video


class Fal(Service):
    """queue.fal.run and its media host in one."""

    app = "/fal-ai/veo3.1"

    def respond(self, method: str, path: str, headers: Any, body: Any) -> Answer | bytes:
        key = headers.get("authorization")
        if path.startswith("/files/"):
            return self.fetched(key)
        self.keys.append(key)
        if method == "POST":
            scripted = self.scripted("order")
            if scripted is not None:
                return scripted
            if not path.startswith(self.app) or key != f"Key {KEY}":
                return Answer(401, {"detail": f"Cannot access application; key {key} is not valid"})
            self.orders.append(body)
            if scripted := self.scripted("taken"):
                return scripted
            id = f"request-{len(self.orders)}"
            return Answer(200, {"request_id": id, "status_url": f"{self.url}{self.app}/requests/{id}/status"})
        if path == f"{self.app}/requests/request-{len(self.orders)}/status":
            scripted = self.scripted("look")
            if scripted is not None:
                self.looked.set()
                return scripted
            if self.done():
                return Answer(200, {"status": "COMPLETED"})
            return Answer(202, {"status": "IN_QUEUE", "queue_position": 2})
        if path == f"{self.app}/requests/request-{len(self.orders)}":
            return Answer(200, {"video": {"url": f"{self.url}/files/clip.mp4", "content_type": "video/mp4"}})
        return Answer(404, {"detail": "Not Found"})


class Vertex(Service):
    """aiplatform.googleapis.com in express mode: the clip comes in the operation."""

    def respond(self, method: str, path: str, headers: Any, body: Any) -> Answer | bytes:
        self.keys.append(headers.get("x-goog-api-key"))
        model = "publishers/google/models/veo-3.1-generate-001"
        if path.endswith(f"{model}:predictLongRunning"):
            scripted = self.scripted("order")
            if scripted is not None:
                return scripted
            self.orders.append(body)
            if scripted := self.scripted("taken"):
                return scripted
            return Answer(200, {"name": f"projects/p/locations/l/{model}/operations/{len(self.orders)}"})
        if not path.endswith(f"{model}:fetchPredictOperation"):
            return Answer(404, {"error": {"code": 404, "message": "Not found.", "status": "NOT_FOUND"}})
        scripted = self.scripted("look")
        if scripted is not None:
            self.looked.set()
            return scripted
        name = body["operationName"]
        if not self.done():
            return Answer(200, {"name": name})
        self.fetches += 1
        video = {"bytesBase64Encoded": base64.b64encode(self.video).decode(), "mimeType": "video/mp4"}
        return Answer(200, {"name": name, "done": True, "response": {"videos": [video]}})


@contextmanager
def serving(service: Service) -> Iterator[Service]:
    """The service on a free port of the loopback."""

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            length = int(self.headers.get("content-length") or 0)
            data = self.rfile.read(length)
            answer = service.respond(
                self.command, self.path, self.headers, json.loads(data) if data else None
            )
            if isinstance(answer, bytes):
                self._send(200, answer, {"content-type": "video/mp4"})
            elif answer.hang_up:
                self.close_connection = True
                self.connection.close()
            else:
                body = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
                self._send(answer.status, body, {"content-type": "application/json", **answer.headers})

        def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = _answer  # noqa: N815 - the names that the library looks for

        def log_message(self, *_: Any) -> None:
            pass

    with on_loopback(Handler) as service.url:
        yield service


def video_file(
    folder: Path, first: np.ndarray, last: np.ndarray, frames: int = 3, size: tuple[int, int] = (640, 360)
) -> bytes:
    """A clip that dissolves from a picture to another, as a service would send it."""
    path = folder / "service.mp4"
    ends = [
        cv2.resize(frame, size, interpolation=cv2.INTER_AREA).astype(np.float32) for frame in (first, last)
    ]
    with clip_writer(path, *size, FrameRate()) as write:
        for i in range(frames):
            t = i / max(1, frames - 1)
            write(packed(*to_planes(((1 - t) * ends[0] + t * ends[1]).astype(np.uint8))))
    return path.read_bytes()
