"""An OpenAI-compatible server written by hand: real sockets, answers by script, every request kept.

Answers that are not scripted are made up from the JSON schema of the request: short, valid, always the same.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True)
class Say:
    """The text of an answer (or an object, as JSON), in pieces of 40 characters with a pause between them."""

    what: Any
    pause: float = 0.0
    finish: str = "stop"

    @property
    def text(self) -> str:
        return self.what if isinstance(self.what, str) else json.dumps(self.what)


@dataclass(frozen=True)
class Pieces:
    """The text of an answer in exactly these pieces, after a thought in the field that some have for it."""

    texts: Sequence[str]
    thought: str = ""


@dataclass(frozen=True)
class Fail:
    """An HTTP error. `body` is what it says in place of OpenAI's form of an error."""

    status: int
    message: str = "no"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None


@dataclass(frozen=True)
class Refuse:
    """A refusal in the field that OpenAI has for it."""

    text: str = "I cannot help with that."


@dataclass(frozen=True)
class Hang:
    """Headers, and then nothing for so long."""

    seconds: float


@dataclass(frozen=True)
class Hold:
    """Nothing for so long, no headers either."""

    seconds: float


@dataclass(frozen=True)
class BreakOff:
    """Half an answer, and the connection is gone."""

    text: str = '{"title": "Half'


Answer = Say | Pieces | Fail | Refuse | Hang | Hold | BreakOff
Script = Callable[[Json], Answer]


def schema_of(request: Json) -> Json:
    """The JSON schema that a request asks for, as a field of the request."""
    found: Json = request["response_format"]["json_schema"]["schema"]
    return found


def form_of(request: Json) -> str:
    """The name of the asked form."""
    return str(request["response_format"]["json_schema"]["name"])


def filled(schema: Json, root: Json | None = None, name: str = "text") -> Any:
    """A short valid value of a schema."""
    root = root or schema
    if "$ref" in schema:
        return filled(root["$defs"][schema["$ref"].split("/")[-1]], root, name)
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][0]
    if "anyOf" in schema:
        return filled(schema["anyOf"][0], root, name)
    match schema.get("type"):
        case "object":
            return {key: filled(value, root, key) for key, value in schema["properties"].items()}
        case "array":
            return [filled(schema["items"], root, name) for _ in range(schema.get("minItems", 0))]
        case "integer" | "number":
            return schema.get("minimum", 0)
        case "boolean":
            return False
        case _:
            return f"A {name}."


def from_schema(request: Json) -> Answer:
    """What an obliging model says."""
    return Say(filled(schema_of(request)))


class FakeServer:
    """Use as a context manager. `script` answers in order; then `then` answers what comes."""

    def __init__(self, script: Iterable[Answer] = (), then: Script = from_schema) -> None:
        self.script = list(script)
        self.then = then
        self.requests: list[Json] = []
        self.headers: list[Mapping[str, str]] = []
        self.closed_early = threading.Event()
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                server.headers.append({k.lower(): v for k, v in self.headers.items()})
                request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                server.requests.append(request)
                try:
                    server.reply(self, server.script.pop(0) if server.script else server.then(request))
                except (BrokenPipeError, ConnectionResetError):
                    server.closed_early.set()
                self.close_connection = True

            def log_message(self, *_: Any) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.stopping = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.http.server_address[1]}/v1"

    @property
    def texts(self) -> list[str]:
        """All that each request said, in one text a request."""
        return [json.dumps(request["messages"], ensure_ascii=False) for request in self.requests]

    def __enter__(self) -> FakeServer:
        threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        self.http.shutdown()
        self.http.server_close()

    def reply(self, http: BaseHTTPRequestHandler, answer: Answer) -> None:
        if isinstance(answer, Fail):
            said = answer.body or {"error": {"message": answer.message, "type": "error"}}
            body = json.dumps(said).encode()
            http.send_response(answer.status)
            for name, value in answer.headers.items():
                http.send_header(name, value)
            http.send_header("Content-Type", "application/json")
            http.send_header("Content-Length", str(len(body)))
            http.end_headers()
            http.wfile.write(body)
            return
        if isinstance(answer, Hold):
            self.stopping.wait(answer.seconds)
        http.send_response(200)
        http.send_header("Content-Type", "text/event-stream")
        http.send_header("Connection", "close")
        http.end_headers()
        match answer:
            case Say(pause=pause, finish=finish):
                text = answer.text
                for at in range(0, len(text), 40):
                    self.event(http, {"content": text[at : at + 40]})
                    time.sleep(pause)
                self.event(http, {}, finish)
            case Pieces(texts=texts, thought=thought):
                if thought:
                    self.event(http, {"reasoning_content": thought})
                for text in texts:
                    self.event(http, {"content": text})
                self.event(http, {}, "stop")
            case Refuse(text=text):
                self.event(http, {"refusal": text})
                self.event(http, {}, "stop")
            case Hang(seconds=seconds):
                self.stopping.wait(seconds)
                self.event(http, {"content": "late"})
                return
            case BreakOff(text=text):
                self.event(http, {"content": text})
                http.connection.close()
                return
        http.wfile.write(b"data: [DONE]\n\n")

    def event(self, http: BaseHTTPRequestHandler, delta: Json, finish: str | None = None) -> None:
        chunk = {
            "id": "chatcmpl-1",
            "object": "chat.completion.chunk",
            "created": 1,
            "model": "fake",
            "choices": [{"index": 0, "delta": {"role": "assistant", **delta}, "finish_reason": finish}],
        }
        http.wfile.write(f"data: {json.dumps(chunk)}\n\n".encode())
        http.wfile.flush()
