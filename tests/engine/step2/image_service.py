"""A small server that speaks the images protocol, for tests of the hosted editor."""

from __future__ import annotations

import base64
import io
import json
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler
from typing import Any

from PIL import Image

from tests.loopback import on_loopback


@dataclass
class Asked:
    """One request as it came in: JSON fields or those of a form, and the pictures of the form."""

    path: str
    authorization: str
    fields: dict[str, Any]
    pictures: list[tuple[str, Image.Image]]


@dataclass
class ImageService:
    """`plan` holds what the next requests get: a status, or "slow", "rubbish" or "gone"; then pictures."""

    url: str = ""
    plan: deque[tuple[int | str, dict[str, Any], dict[str, str]]] = field(default_factory=deque)
    asked: list[Asked] = field(default_factory=list)

    def next(self, what: int | str, error: dict[str, Any] | None = None, **headers: str) -> None:
        """Plans trouble for the next request."""
        self.plan.append((what, {"error": error or {}}, headers))


def _form(content_type: str, body: bytes) -> tuple[dict[str, str], list[tuple[str, Image.Image]]]:
    """Fields and pictures of a multipart form."""
    message = BytesParser().parsebytes(b"Content-Type: " + content_type.encode() + b"\r\n\r\n" + body)
    fields: dict[str, str] = {}
    pictures: list[tuple[str, Image.Image]] = []
    for part in message.get_payload():
        name = str(part.get_param("name", header="content-disposition"))  # type: ignore[union-attr]
        data = part.get_payload(decode=True)  # type: ignore[union-attr]
        if part.get_filename():  # type: ignore[union-attr]
            pictures.append((name, Image.open(io.BytesIO(data))))  # type: ignore[arg-type]
        else:
            fields[name] = data.decode()  # type: ignore[union-attr]
    return fields, pictures


def _handler(service: ImageService) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            kind = self.headers["content-type"]
            fields, pictures = (json.loads(body), []) if "json" in kind else _form(kind, body)
            service.asked.append(Asked(self.path, self.headers.get("authorization", ""), fields, pictures))
            what, error, headers = service.plan.popleft() if service.plan else (200, {}, {})
            if what == "gone":
                self.connection.close()
                return
            if what == "slow":
                time.sleep(0.6)
            if isinstance(what, int) and what >= 400:
                self._answer(what, error, headers)
            elif what == "rubbish":
                self._answer(200, {"data": [{"b64_json": "not a picture"}]}, {})
            else:
                self._answer(
                    200, {"created": 1, "data": [{"b64_json": self._picture(str(fields["size"]))}]}, {}
                )

        def _picture(self, size: str) -> str:
            width, height = map(int, size.split("x"))
            out = io.BytesIO()
            Image.new("RGB", (width, height), (40 * len(service.asked), 90, 30)).save(out, "PNG")
            return base64.b64encode(out.getvalue()).decode()

        def _answer(self, status: int, body: dict[str, Any], headers: dict[str, str]) -> None:
            data = json.dumps(body).encode()
            try:
                self.send_response(status)
                for name, value in {"content-type": "application/json", **headers}.items():
                    self.send_header(name.replace("_", "-"), value)
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)
            except OSError:
                pass  # a client that did not wait

        def log_message(self, *_: Any) -> None:
            """A test prints nothing."""

    return Handler


@contextmanager
def image_service() -> Iterator[ImageService]:
    """The server on a free port of this machine, while the block runs."""
    service = ImageService()
    with on_loopback(_handler(service)) as url:
        service.url = f"{url}/v1"
        yield service
