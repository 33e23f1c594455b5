"""HTTP to a paid service: which answers mean "later", which mean "no", and a key that stays a secret."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx

from engine.errors import Cancelled, StageError
from engine.paid_services import retry_after
from engine.video.files import cannot_write
from engine.video.remote.patience import STOPPED, Busy
from engine.video.remote.service import Expired, Moderated, Refused
from engine.watched import IsCancelled

_NOT_TAKEN = (429, 503)  # an order that is answered so was turned away, and may be placed again
_GONE = (404, 410)
_LOCKED = (401, 403)  # what storage answers, beside those, for an address that is not valid any more
_TIMEOUT = httpx.Timeout(60.0, connect=15.0)
_MOST_BYTES = 1_000_000_000
_MOST_REDIRECTS = 5
POLICY = (
    "content_policy", "content policy", "usage guidelines", "responsible ai", "safety", "policies", "violat",
    "prohibited", "moderat",
)  # fmt: skip
_LATER = (
    "render the shot again later, which fetches it again and pays nothing, or with another text, which is "
    "paid anew."
)


class Asked(Enum):
    """What a request is for: the same answer means another thing."""

    ORDER = "order"
    LOOK = "look"
    CLIP = "clip"
    STORED_CLIP = "stored clip"
    """At another host than the service's own, without its key."""


class ServiceHttp:
    """Requests to one service.

    The key goes out in a header, to the service's own host only: not to storage that it redirects to, not
    into addresses (which are logged), and it is struck out of all that the service says.
    """

    def __init__(self, title: str, base: str, headers: Mapping[str, str], key: str, variable: str) -> None:
        self.base = base.rstrip("/")
        self._title, self._headers, self._key, self._variable = title, dict(headers), key, variable
        self._client = httpx.Client(timeout=_TIMEOUT)

    def call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The answer's JSON.

        Raises:
            Busy: to be tried again later.
            Moderated, Expired, Refused, StageError: one sentence each.
        """
        asked = Asked.ORDER if method == "POST" else Asked.LOOK
        try:
            answer = self._client.request(method, f"{self.base}/{path}", json=body, headers=self._headers)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise Busy(f"{self._title} cannot be reached: check the network and render again.") from error
        except httpx.TransportError as error:
            if asked is Asked.ORDER:
                raise perhaps_taken(self._title, "the connection broke") from error
            raise Busy(f"The connection to {self._title} breaks: render again later.") from error
        self._check(answer, asked)
        try:
            found = answer.json()
        except ValueError:
            found = None
        if not isinstance(found, dict):
            if asked is Asked.ORDER:
                raise perhaps_taken(self._title, "the answer cannot be read")
            raise Busy(f"{self._title} gave an answer that cannot be read: render again later.")
        return found

    def download(self, url: str, out: Path, cancelled: IsCancelled | None = None) -> None:
        """Writes the file at an address; the key goes along only to the service's own host.

        Raises:
            Cancelled: `cancelled` returned True.
            Busy, Moderated, Expired, Refused, StageError: as `call`; a full disk is a StageError, too.
        """
        for _ in range(_MOST_REDIRECTS):
            target = self._download(url, out, cancelled)
            if target is None:
                return
            url = urljoin(url, target)
        raise StageError(f"{self._title} sends its clip in circles: {_LATER}")

    def _download(self, url: str, out: Path, cancelled: IsCancelled | None) -> str | None:
        """Writes the file, or returns where it has moved to."""
        here, there = urlsplit(self.base), urlsplit(url)
        if there.scheme != "https" and (there.scheme, there.hostname) != (here.scheme, here.hostname):
            raise StageError(f"{self._title} gave an address for its clip that is not https: {_LATER}")
        own = (here.scheme, here.netloc) == (there.scheme, there.netloc)
        try:
            with self._client.stream("GET", url, headers=self._headers if own else {}) as answer:
                if answer.is_redirect:
                    return answer.headers.get("location", "")
                if not answer.is_success:
                    answer.read()
                    self._check(answer, Asked.CLIP if own else Asked.STORED_CLIP)
                self._write(answer, out, cancelled)
        except httpx.TransportError as error:
            raise Busy(f"The clip could not be fetched from {self._title}: render again later.") from error
        return None

    def _write(self, answer: httpx.Response, out: Path, cancelled: IsCancelled | None) -> None:
        written = 0
        try:
            with out.open("wb") as file:
                for part in answer.iter_bytes():
                    if cancelled is not None and cancelled():
                        raise Cancelled(STOPPED)
                    written += len(part)
                    if written > _MOST_BYTES:
                        raise StageError(f"{self._title} sent a clip of more than a gigabyte: {_LATER}")
                    file.write(part)
        except OSError as error:
            raise cannot_write(out, error) from error

    def _check(self, answer: httpx.Response, asked: Asked) -> None:
        """Turns an answer that is no success into what it means."""
        if answer.is_success:
            return
        code, said = answer.status_code, self.words(answer)
        check_later(
            self._title, code, said, asked is Asked.ORDER, retry_after(answer.headers.get("retry-after"))
        )
        if _is_gone(code, said, asked):
            raise Expired(
                f"{self._title} does not know this clip any more: render it again, which is paid anew."
            )
        if code in _GONE:
            raise not_offered(self._title, said)
        if code == 401 or (code == 403 and not is_policy(said)):
            raise StageError(
                f"{self._title} did not accept {self._variable} ({said}): check it and your account."
            )
        if asked is not Asked.ORDER and not is_policy(said) and not (code == 422 and _is_invalid(answer)):
            raise beside_the_point(self._title, said)
        raise refusal(self._title, said)

    def words(self, answer: httpx.Response) -> str:
        """What the service says of its refusal, short, on one line, and without the key."""
        try:
            found = answer.json()
        except ValueError:
            return f"HTTP {answer.status_code}"
        return self.clean(_message(found) or f"HTTP {answer.status_code}")

    def clean(self, text: str) -> str:
        return scrubbed(text, self._key)


def scrubbed(text: str, *secrets: str) -> str:
    """Text from outside as a part of a sentence: one line, not long, and without any secret."""
    for secret in secrets:
        if secret:
            text = text.replace(secret, "…")
    return " ".join(text.split())[:200].rstrip(".")


def perhaps_taken(title: str, why: str) -> StageError:
    """An order without a clear answer: it may be paid, so ordering again is for people to decide."""
    return StageError(
        f"A clip was ordered from {title}, but {why}, and it may have been taken: look into your account "
        "there before you render again."
    )


def not_offered(title: str, said: str) -> StageError:
    """An order for a model that is not there."""
    return StageError(
        f"{title} does not offer this model any more, or not to your account ({said}): choose another "
        "renderer."
    )


def check_later(title: str, code: int, said: str, ordering: bool, after: float = 0.0) -> None:
    """What a status means that says nothing about the request.

    Raises:
        Busy: to be asked again, `after` seconds from now at the earliest.
        StageError: an order that may have been taken before the service, or a gateway, fell into trouble.
    """
    if code == 429:
        raise Busy(f"{title} takes no more requests now ({said}): render again later.", after)
    if code < 500 and code not in (408, 425):
        return
    if ordering and code not in _NOT_TAKEN:
        raise perhaps_taken(title, f"the answer was {code}")
    raise Busy(f"{title} is in trouble ({code}): render again later.", after)


def beside_the_point(title: str, said: str) -> Busy:
    """An answer about an operation, or its clip, that does not say how that stands: a gateway's, a login
    page's, fal's 400 for one that it still works on. It is no end of what is paid.
    """
    return Busy(
        f"{title} gave an answer that says nothing of this clip ({said}): render again later; what was "
        "ordered is picked up then, and not paid again."
    )


def _is_invalid(answer: httpx.Response) -> bool:
    """Whether a 422 is fal's own, with which an operation ends: a list of what is wrong with its request."""
    try:
        found = answer.json()
    except ValueError:
        return False
    match found:
        case {"detail": [{"msg": str()}, *_]}:
            return True
        case _:
            return False


def _is_gone(code: int, said: str, asked: Asked) -> bool:
    """Whether an operation or its clip is there no more. Google answers 403 for a file that it threw away,
    and storage for any address that is not valid any more.
    """
    match asked:
        case Asked.ORDER:
            return False
        case Asked.LOOK:
            return code in _GONE
        case Asked.CLIP:
            return code in _GONE or (code == 403 and "may not exist" in said.lower())
        case Asked.STORED_CLIP:
            return code in (*_GONE, *_LOCKED)


def is_policy(said: str) -> bool:
    """Whether a refusal is the service's filter speaking."""
    return any(word in said.lower() for word in POLICY)


def refusal(title: str, said: str) -> StageError:
    """The operation's or request's end without a clip, in one sentence."""
    if is_policy(said):
        return Moderated(
            f"{title}'s filter refused this shot ({said}): change its words or its pictures, or choose "
            "another renderer."
        )
    return Refused(
        f"{title} made no clip of this shot ({said}): change the shot, or choose another renderer."
    )


def _message(found: Any) -> str:
    """The human part of an error, in the forms of Google and of fal."""
    match found:
        case {"error": {"message": str(text)}} | {"detail": str(text)} | {"error": str(text)}:
            return text
        case {"detail": [{"msg": str(text), **rest}, *_]}:
            return f"{rest.get('type', '')} {text}"
        case [first, *_]:
            return _message(first)
        case _:
            return ""
