"""What can go wrong with a model, each as one sentence that says what to do."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

from engine.agents.choice import Target
from engine.agents.keys import KEY_VARIABLE, URL_VARIABLE, key_state, redacted
from engine.agents.model import Limits
from engine.errors import StageError

_ENOUGH = 200  # characters of a server's own words
_TOO_LONG = ("context length", "context_length", "maximum context", "context window", "too many tokens")


class ModelTrouble(StageError):  # noqa: N818 - reads as the sentence
    """A language model, or the server that it is on, did not do its part."""


def refused_form(error: Exception) -> bool:
    """Whether a server turned a request down that asked for a JSON schema: many do not know that field."""
    return getattr(error, "status_code", None) in (400, 422) and not _too_long(error)


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
        return ModelTrouble(
            f"{target.title} did not answer in time ({limits.silence:g} s of silence, or {limits.answer:g} s "
            "in all): try again, or choose a faster model under Agents."
        )
    if names & {
        "APIConnectionError",
        "ModelConnectionError",
        "ConnectError",
        "ReadError",
        "RemoteProtocolError",
    }:
        return ModelTrouble(_unreachable(chain, target))
    if "ContentFilterError" in names or any("refus" in str(e).lower() for e in chain):
        return ModelTrouble(
            f"{target.title} refused to write this: change the words that it may object to, or choose "
            "another model under Agents."
        )
    if getattr(error, "cut_off", False) or names & {"OutputTokenLimitExceeded", "IncompleteToolCall"}:
        return ModelTrouble(
            f"{target.title} ran out of room in the middle of its answer: ask for fewer shots, or let the "
            "server write longer answers."
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
    if status in (401, 403):
        key = key_state(target.url)
        if key.found:
            return f"{host} refused the key in {key.variable}: set a valid one and start the studio again."
        if key.variable == KEY_VARIABLE:
            return (
                f"{host} wants a key: set {URL_VARIABLE} to its address and {KEY_VARIABLE} to the key, and "
                "start the studio again."
            )
        return f"{host} wants a key: set {key.variable} and start the studio again."
    if status == 404:
        return (
            f"{host} has no model called {target.model}, or its address is not {target.url}: correct it "
            "under Agents."
        )
    if status == 429:
        return (
            f"{host} is busy, or your quota there is used up: try again later, or choose another model "
            "under Agents."
        )
    if status >= 500:
        return f"{host} failed ({status}): try again later, or choose another model under Agents."
    if 300 <= status < 400:
        return f"{host} sends to another address ({status}): write that one under Agents instead."
    if _too_long(error):
        return f"This is too long for {target.title}: shorten the text, or choose a model that reads more."
    return f"{host} did not take the request ({status}: {_body(error)}): choose another model under Agents."


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
    if isinstance(body, dict):
        inner = body.get("error", body)
        body = inner.get("message", inner) if isinstance(inner, dict) else inner
    return _short(str(body or "no reason given"))


def _short(text: str) -> str:
    line = " ".join(redacted(text).split())
    return line if len(line) <= _ENOUGH else f"{line[:_ENOUGH]}…"


def _too_long(error: BaseException) -> bool:
    text = str(getattr(error, "body", "") or error).lower()
    return any(sign in text for sign in _TOO_LONG)
