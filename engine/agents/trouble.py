"""What can go wrong with a model, each as one sentence that says what to do."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from engine.agents.choice import Source, Target
from engine.agents.keys import KEY_VARIABLE, URL_VARIABLE, key_state, redacted
from engine.agents.model import Limits
from engine.errors import StageError

_ENOUGH = 200  # characters of a server's own words
_TOO_LONG = (
    "context length",
    "context_length",
    "maximum context",
    "context window",
    "too many tokens",
    "exceeds the available context size",
    "context size has been exceeded",
    "exceeds the maximum number of tokens",
)
_KEY = ("api key", "api_key", "apikey", "access token", "credential")
_PICTURE = ("image", "picture", "vision", "multimodal", "multi-modal")
_SCHEMA = ("response_format", "response format", "schema", "structured output", "grammar")


class ModelTrouble(StageError):  # noqa: N818 - reads as the sentence
    """A language model, or the server that it is on, did not do its part."""


def refused_request(error: Exception) -> bool:
    """Whether a server turned a request down for what may be a field of it: many know neither a seed nor a
    JSON schema there. Not for its key, its pictures or its length, which would be refused again.
    """
    if getattr(error, "status_code", None) not in (400, 422) or _too_long(error):
        return False
    return not _speaks_of(error, (*_KEY, *_PICTURE))


def names_schema(error: Exception) -> bool:
    """Whether a server says that it is the JSON schema that it does not take."""
    return _speaks_of(error, _SCHEMA)


def told(error: BaseException, target: Target, limits: Limits) -> StageError | None:
    """The error as a sentence, or None for one that nobody foresaw."""
    chain = _chain(error)
    known = next((e for e in chain if isinstance(e, StageError)), None)
    if known is not None:
        return known
    refused = next((e for e in chain if isinstance(getattr(e, "status_code", None), int)), None)
    if refused is not None:
        return ModelTrouble(_refused(getattr(refused, "status_code"), refused, target))  # noqa: B009
    names = {type(e).__name__ for e in chain}
    if any(isinstance(e, asyncio.TimeoutError | TimeoutError) for e in chain) or any(
        "Timeout" in n for n in names
    ):
        return ModelTrouble(_late(target, limits))
    if names & {
        "APIConnectionError",
        "ModelConnectionError",
        "ConnectError",
        "ReadError",
        "RemoteProtocolError",
    }:
        return ModelTrouble(_unreachable(chain, target))
    finish = getattr(error, "finish", "")
    if finish == "length" or names & {"OutputTokenLimitExceeded", "IncompleteToolCall"}:
        return ModelTrouble(
            f"{target.title} ran out of room in the middle of its answer: ask for fewer shots, or let the "
            "server write longer answers."
        )
    if finish == "content_filter" or "ContentFilterError" in names:
        return ModelTrouble(
            f"{target.title} refused to write this: change the words that it may object to, or choose "
            "another model under Agents."
        )
    if names & {"UnexpectedModelBehavior", "ModelAPIError", "APIError", "APIResponseValidationError"}:
        why = getattr(error, "complaint", "")
        said = f" (last: {_short(why)})" if why else ""
        return ModelTrouble(
            f"{target.title} gave no answer that can be used{said}: try again, or choose a stronger model "
            "under Agents."
        )
    return None


def _refused(status: int, error: BaseException, target: Target) -> str:
    host = urlsplit(target.url).netloc
    if status == 401 or (status in (400, 403) and _speaks_of(error, _KEY)):
        return _no_key(host, target)
    if status == 402:
        return f"Your account at {host} has no credit left: add some there, or choose another model."
    if status == 404:
        return (
            f"{host} has no model called {target.model} that can do this, or its address is not {target.url} "
            f"({_body(error)}): correct it under Agents."
        )
    if status == 413 or _too_long(error):
        return f"This is too long for {target.title}: shorten the text, or choose a model that reads more."
    if status == 429:
        return (
            f"{host} is busy, or your quota there is used up: try again later, or choose another model "
            "under Agents."
        )
    if status >= 500:
        return f"{host} failed ({status}): try again later, or choose another model under Agents."
    if 300 <= status < 400:
        return f"{host} sends to another address ({status}): write that one under Agents instead."
    return f"{host} did not take the request ({status}: {_body(error)}): choose another model under Agents."


def _no_key(host: str, target: Target) -> str:
    key = key_state(target.url)
    if key.found:
        return f"{host} refused the key in {key.variable}: set a valid one and start the studio again."
    if key.variable == KEY_VARIABLE:
        return (
            f"{host} wants a key: set {URL_VARIABLE} to its address and {KEY_VARIABLE} to the key, and "
            "start the studio again."
        )
    return f"{host} wants a key: set {key.variable} and start the studio again."


def _late(target: Target, limits: Limits) -> str:
    silence = f"{limits.silence:g} s of silence, or " if target.source is Source.SERVER else ""
    return (
        f"{target.title} did not answer in time ({silence}{limits.answer:g} s in all): try again, or choose "
        "a faster model under Agents."
    )


def _unreachable(chain: list[BaseException], target: Target) -> str:
    host = urlsplit(target.url).netloc
    if any(type(e).__name__ in ("ReadError", "RemoteProtocolError") for e in chain):
        return f"{host} ended the connection in the middle of an answer: try again."
    return f"No model server answers at {target.url}: start it, or correct its address under Agents."


def _chain(error: BaseException) -> list[BaseException]:
    chain: list[BaseException] = []
    at: BaseException | None = error
    while at is not None and at not in chain:
        chain.append(at)
        at = at.__cause__ or at.__context__
    return chain


def _body(error: BaseException) -> str:
    """What the server said of a refused request, in a line and without keys."""
    body = getattr(error, "body", None)
    while isinstance(body, list | dict) and body:
        body = body[0] if isinstance(body, list) else _within(body)
    return _short(str(body or "no reason given")).rstrip(".")


def _within(body: dict[str, Any]) -> Any:
    """The innermost thing that is said: servers wrap it differently."""
    for name in ("error", "message", "detail", "msg"):
        if body.get(name):
            return body[name]
    return str(body)


def _short(text: str) -> str:
    line = " ".join(redacted(text).split())
    return line if len(line) <= _ENOUGH else f"{line[:_ENOUGH]}…"


def _too_long(error: BaseException) -> bool:
    return _speaks_of(error, _TOO_LONG)


def _speaks_of(error: BaseException, signs: Sequence[str]) -> bool:
    """Whether one of these is in what a server said."""
    text = str(getattr(error, "body", "") or error).lower()
    return any(sign in text for sign in signs)
