"""A language model on this machine: in a process of its own, constrained to the asked JSON schema.

Neither the page's process nor the drawing process holds its weights, so running out of memory ends the
model and nothing else. Requests and answers are lines of JSON on the process's stdin and stdout, see
`engine.agents.local_process`.
"""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

from engine.agents.answers import schema_in
from engine.agents.model import Limits
from engine.agents.trouble import ModelTrouble

if TYPE_CHECKING:
    from pydantic_ai.models import Model

LOOK_SECONDS = 0.02
PATIENCE_SECONDS = 5.0  # until a process that was asked to leave is ended
_GONE = "gone"


class LocalProcess:
    """The process of a local model; started by the first question. Use as a context manager."""

    def __init__(self, model: str) -> None:
        self.model = model
        self._process: subprocess.Popen[str] | None = None
        self._lines: SimpleQueue[dict[str, Any]] = SimpleQueue()
        self._ids = itertools.count(1)

    def __enter__(self) -> LocalProcess:
        return self

    def __exit__(self, *_: object) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if process.stdin is not None:
            with suppress(OSError):
                process.stdin.close()  # a model at work looks for this between two tokens
        try:
            process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:  # it is loading, say
            process.kill()
            process.wait()

    async def load(self) -> None:
        """Starts the process if need be, and waits until its model can answer. Raises ModelTrouble."""
        number = next(self._ids)
        self._send({"id": number, "load": True})
        await self._answer(number)

    async def complete(
        self, messages: Sequence[dict[str, Any]], schema: dict[str, Any], seed: int
    ) -> AsyncIterator[str]:
        """The answer, piece by piece. Left early, the model stops within a token. Raises ModelTrouble."""
        number = next(self._ids)
        self._send({"id": number, "messages": list(messages), "schema": schema, "seed": seed})
        done = False
        try:
            while not done:
                try:
                    line = await self._answer(number)
                except ModelTrouble:
                    done = True
                    raise
                done = bool(line.get("done"))
                if line.get("text"):
                    yield line["text"]
        finally:
            if not done and self._process is not None:
                with suppress(ModelTrouble):
                    self._send({"stop": number})

    async def _answer(self, number: int) -> dict[str, Any]:
        """The next line that answers this question. Raises ModelTrouble."""
        while True:
            line = await self._line()
            if _GONE in line:
                raise ModelTrouble(
                    f"{self.model} ended in the middle (code {line[_GONE]}), most often for want of "
                    "memory: choose a smaller model under Agents."
                )
            if line["id"] != number:
                continue  # the rest of an answer that nobody waits for any more
            if "error" in line:
                raise ModelTrouble(line["error"])
            return line

    async def _line(self) -> dict[str, Any]:
        while True:
            try:
                return self._lines.get_nowait()
            except Empty:
                await asyncio.sleep(LOOK_SECONDS)

    def _send(self, message: dict[str, Any]) -> None:
        process = self._start()
        assert process.stdin is not None
        try:
            process.stdin.write(f"{json.dumps(message)}\n")
            process.stdin.flush()
        except OSError:
            pass  # it is gone; its reader says so

    def _start(self) -> subprocess.Popen[str]:
        if self._process is None or self._process.poll() is not None:
            command = [sys.executable, "-m", "engine.agents.local_process", self.model]
            self._lines = SimpleQueue()
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                encoding="utf-8",
                errors="replace",
            )
            args = (self._process, self._lines)
            threading.Thread(target=_listen, args=args, name="local-model", daemon=True).start()
        return self._process


def _listen(process: subprocess.Popen[str], lines: SimpleQueue[dict[str, Any]]) -> None:
    """Hands on what the process says, and that it is gone: somebody may wait for that alone."""
    assert process.stdout is not None
    try:
        with process.stdout:
            for line in process.stdout:
                message = _message(line)
                if message is not None:
                    lines.put(message)
    finally:
        lines.put({_GONE: process.wait()})


def _message(line: str) -> dict[str, Any] | None:
    """A line as a message; None for what something else printed, as Python's start may on some machines."""
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) and isinstance(found.get("id"), int) else None


@asynccontextmanager
async def connect_local(process: LocalProcess, _limits: Limits) -> AsyncIterator[Model]:
    """The local model as an agent's model: same forms, same checks, same complaints as for a server.

    Waits until it is loaded, however long that takes: the time for an answer begins when it can answer.
    """
    from pydantic_ai.models.function import AgentInfo, FunctionModel

    async def stream(messages: list[Any], info: AgentInfo) -> AsyncIterator[str]:
        settings = info.model_settings or {}
        schema = _bounded(schema_in(settings.get("extra_body")))
        chat = _chat(info.instructions or "", messages)
        async for piece in process.complete(chat, schema, int(settings.get("seed", 0))):
            yield piece

    await process.load()
    yield FunctionModel(stream_function=stream, model_name=process.model)


def _bounded(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema without free white space, in which a weak model may lose itself for ever."""
    return {**schema, "x-guidance": {"whitespace_flexible": False}}


def _chat(instructions: str, messages: Sequence[Any]) -> list[dict[str, Any]]:
    """An agent's messages as a chat of texts and pictures."""
    chat: list[dict[str, Any]] = [{"role": "system", "content": [{"type": "text", "text": instructions}]}]
    for message in messages:
        if message.kind == "response":
            said = "".join(part.content for part in message.parts if part.part_kind == "text")
            chat.append({"role": "assistant", "content": [{"type": "text", "text": said}]})
            continue
        content: list[dict[str, str]] = []
        for part in message.parts:
            if part.part_kind == "user-prompt":
                items = [part.content] if isinstance(part.content, str) else part.content
                content += [_item(item) for item in items]
            elif hasattr(part, "model_response"):  # what was wrong with the last answer
                content.append({"type": "text", "text": str(part.model_response())})
        if content:
            chat.append({"role": "user", "content": content})
    return chat


def _item(item: Any) -> dict[str, str]:
    if isinstance(item, str):
        return {"type": "text", "text": item}
    return {"type": "image", "png": base64.b64encode(item.data).decode()}
