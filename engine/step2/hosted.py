"""The zero-shot editor as a service on the network: the OpenAI images protocol, which others speak too.

    POST {base}/images/generations   JSON: model, prompt, size, n
    POST {base}/images/edits         multipart: model, prompt, size, n, and image[] for each reference

Both answer {"data": [{"b64_json": …}]}; errors are {"error": {"code", "message"}}. What was turned away and
may pass by itself (409, 429, 503, no connection) is tried again, later each time, and not before
`Retry-After` says. The protocol has no name for an order by which a service would know it again, so where one
may have been taken (an answer that broke off, any other trouble of the service's own) it is not given twice.
So a cancel is heard before an order and between tries, and never while the service draws: the picture is paid
for, and is waited for. What was paid is kept until its pair is stored, see `engine.step2.paid_pictures`.
The key comes from the environment, goes out in the Authorization header and nowhere else: not into a log, an
error or a recipe.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import io
import json
import math
import os
import random
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from PIL import Image

from engine.errors import BadInput, Cancelled, StageError, UnsupportedError
from engine.paid_services import retry_after, service_address
from engine.profile import Profile
from engine.profiles import IMAGE_URL_VARIABLE, KEY_VARIABLES, OPENAI_URL, image_key, image_key_found
from engine.step2.conditions import PairRecipe
from engine.step2.frames import fit, png
from engine.step2.paid_pictures import PaidPictures
from engine.step2.zero_shot import ZeroShotPainter

BASE_VARIABLE, MODEL_VARIABLE = IMAGE_URL_VARIABLE, "STAGE_IMAGE_API_MODEL"
BASE, MODEL = OPENAI_URL, "gpt-image-1"
TRIES = 5
TIMEOUT = httpx.Timeout(30.0, read=300.0)
LONGEST_WAIT = 60.0
_NOT_TAKEN = {409, 429, 503}  # an order that is answered so was turned away, and may be placed again
_REFUSED = ("moderation", "content_policy", "safety")
_NO_MONEY = ("insufficient_quota", "billing_hard_limit_reached")
# The sizes of the protocol, by shape.
_SIZES = ((1536, 1024), (1024, 1024), (1024, 1536))


@dataclass(frozen=True)
class Service:
    """Where pictures are asked for. The key never shows when it is printed."""

    base: str
    model: str
    key: str

    def __repr__(self) -> str:
        return f"Service({self.base}, {self.model})"

    @property
    def name(self) -> str:
        return f"{self.model} at {httpx.URL(self.base).host}"

    @classmethod
    def from_environment(cls) -> Service:
        """Raises UnsupportedError without a key or with one that is none, BadInput for an address that is
        none.
        """
        key = image_key()
        if not key:
            raise UnsupportedError(f"The image service needs a key: set {KEY_VARIABLES[0]}.")
        if not (key.isascii() and key.isprintable()):  # a library would quote it in its complaint
            raise UnsupportedError(
                f"{image_key_found()} holds characters that no key has: copy the key again."
            )
        base = service_address(BASE_VARIABLE, BASE)
        return cls(base, os.environ.get(MODEL_VARIABLE) or MODEL, key)


class HostedEditor:
    """An Editor (see engine.step2.zero_shot) over HTTP; without `paid`, what was paid is lost when a pair is
    not finished. `pause` waits between tries; tests wait less.
    """

    def __init__(
        self,
        service: Service,
        profile: Profile,
        paid: PaidPictures | None = None,
        *,
        timeout: httpx.Timeout = TIMEOUT,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self.service = service
        self.profile = profile
        self._paid = paid
        self._pause = pause
        self._http = httpx.Client(timeout=timeout)

    def edit(
        self,
        prompt: str,
        pictures: Sequence[Image.Image],
        seed: int,
        *,
        steps: int,
        guidance: float,
        on_step: Callable[[int], None],
        cancelled: Callable[[], bool],
    ) -> np.ndarray:
        """See Editor. One request counts as all of the steps; while the service answers it, no cancel is
        heard. Raises StageError with one sentence.
        """
        fields = {
            "model": self.service.model,
            "prompt": prompt,
            "n": 1,
            "size": size_for(self.profile.width, self.profile.height),
        }
        files = [png(np.asarray(p.convert("RGB"))) for p in pictures]
        image = self._had(fields, files, seed)
        if image is None:
            image = self._ordered(fields, files, seed, cancelled)
        for done in range(1, steps + 1):
            on_step(done)
        return np.asarray(fit(image, self.profile.width, self.profile.height))

    def settle(self, stored: bool) -> None:
        """See Editor: a picture that is stored need not be kept as one that was paid, too."""
        if self._paid is not None:
            self._paid.settle(stored)

    def _had(self, fields: dict[str, Any], files: Sequence[bytes], seed: int) -> Image.Image | None:
        """The picture of this order, if it came before and its drawing was not finished."""
        data = self._paid.find(self._name(fields, files), seed) if self._paid is not None else None
        if data is None:
            return None
        with suppress(*_UNREADABLE):  # the file was damaged since: it is ordered anew
            return _picture(data)
        return None

    def _ordered(
        self, fields: dict[str, Any], files: Sequence[bytes], seed: int, cancelled: Callable[[], bool]
    ) -> Image.Image:
        """The picture of a new order, which is written down before it is placed. Raises StageError."""
        name = self._name(fields, files)
        if self._paid is not None and not self._paid.begin(name, seed):
            raise self._perhaps_paid("did not answer before the program ended")
        try:
            data, image = self._read(self._order(fields, files, cancelled))
        except Exception:  # it was not taken, or its trouble is told
            if self._paid is not None:
                self._paid.drop(name, seed)
            raise
        if self._paid is not None:
            self._paid.keep(name, seed, data)
        return image

    def _order(
        self, fields: dict[str, Any], files: Sequence[bytes], cancelled: Callable[[], bool]
    ) -> dict[str, Any]:
        if not files:
            return self._post("/images/generations", cancelled, json=fields)
        form = {name: str(value) for name, value in fields.items()}
        parts = [("image[]", (f"{i}.png", file, "image/png")) for i, file in enumerate(files, 1)]
        return self._post("/images/edits", cancelled, data=form, files=parts)

    def _name(self, fields: dict[str, Any], files: Sequence[bytes]) -> str:
        """What names an order: a hash of where it goes and all that it says, of its pictures by theirs."""
        told = (self.service.base, fields, [hashlib.sha256(file).hexdigest() for file in files])
        return hashlib.sha256(json.dumps(told).encode()).hexdigest()

    def recipe(self, seed: int, steps: int, guidance: float) -> PairRecipe:
        """See Editor. The service takes no seed: the same one gives another picture."""
        return PairRecipe(
            profile=self.profile.name,
            weights=self.service.name,
            seed=seed,
            steps=steps,
            guidance=guidance,
            width=self.profile.width,
            height=self.profile.height,
            batch=1,
            dtype="hosted",
            device=httpx.URL(self.service.base).host,
            versions={"httpx": httpx.__version__},
        )

    def _post(self, path: str, cancelled: Callable[[], bool], **request: Any) -> dict[str, Any]:
        """The answer's JSON; tries again what may pass by itself."""
        trouble = ""
        for attempt in range(TRIES):
            if cancelled():
                raise Cancelled()
            wait = 2.0**attempt * (1 + random.random() / 4)
            try:
                reply = self._http.post(
                    self.service.base + path,
                    headers={"Authorization": f"Bearer {self.service.key}"},
                    **request,
                )
            except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout):
                trouble = "it cannot be reached"
            except (httpx.LocalProtocolError, httpx.UnsupportedProtocol):
                raise StageError(
                    f"Nothing was ordered of {self.service.name}, for no request can be made of its address "
                    f"or its key: set {BASE_VARIABLE} and {KEY_VARIABLES[0]} again."
                ) from None  # it quotes what it could not send
            except httpx.TransportError as error:
                raise self._perhaps_paid("broke off") from error
            else:
                if reply.is_success:
                    return _json(reply)
                status, (code, _) = reply.status_code, _error(reply)
                if status not in _NOT_TAKEN and (status >= 500 or status == 408):
                    raise self._perhaps_paid(f"answered {status}")
                if status not in _NOT_TAKEN or code in _NO_MONEY:
                    raise self._refusal(reply)
                trouble = "it is asked too often" if reply.status_code == 429 else "it has trouble of its own"
                wait = min(wait, LONGEST_WAIT)
                if (asked := retry_after(reply.headers.get("retry-after"))) > LONGEST_WAIT:
                    raise StageError(
                        f"{self.service.name} drew nothing, {trouble}: try again in {math.ceil(asked / 60)} "
                        "minutes, as it asks."
                    )
                wait = max(wait, asked)
            if attempt < TRIES - 1:
                self._wait(wait, cancelled)
        raise StageError(f"{self.service.name} drew nothing, {trouble}: try again later.")

    def _perhaps_paid(self, how: str) -> StageError:
        """Ordering again what may be paid is for people to decide."""
        return StageError(
            f"{self.service.name} {how} while a picture was ordered, and it may have been taken "
            "and paid: look into your account there before you draw again."
        )

    def _wait(self, seconds: float, cancelled: Callable[[], bool]) -> None:
        """Waits in short pieces, so that a cancel is heard."""
        while seconds > 0 and not cancelled():
            self._pause(min(seconds, 0.25))
            seconds -= 0.25

    def _refusal(self, reply: httpx.Response) -> StageError:
        """What a reply that no second try would better means for the user."""
        code, message = _error(reply)
        name = self.service.name
        if code in _NO_MONEY:
            return UnsupportedError(
                f"{name} says that the account has no credit left: add some, or draw locally."
            )
        if any(word in f"{code} {message}".lower() for word in _REFUSED):
            return BadInput(
                f"{name} refused this shot by its content rules: change its words, or draw locally."
            )
        if reply.status_code in (401, 403):
            return UnsupportedError(f"{name} does not accept the key: set {KEY_VARIABLES[0]} to a valid one.")
        if reply.status_code == 404:
            return UnsupportedError(
                f"{name} is not there: name a service that edits images in {BASE_VARIABLE} and "
                f"{MODEL_VARIABLE}."
            )
        what = message.replace(self.service.key, "…")[:200].rstrip(".") or f"status {reply.status_code}"
        return BadInput(
            f"{name} did not take the request ({what}): change the shot, or draw with another profile."
        )

    def _read(self, answer: dict[str, Any]) -> tuple[bytes, Image.Image]:
        """The picture of an answer: its file as it came, and decoded. Raises StageError."""
        try:
            data = base64.b64decode(answer["data"][0]["b64_json"], validate=True)
            return data, _picture(data)
        except (KeyError, IndexError, TypeError, binascii.Error, *_UNREADABLE) as e:
            raise StageError(f"{self.service.name} sent no picture that can be read: try again.") from e


# SyntaxError is what Pillow raises for a damaged chunk of a PNG.
_UNREADABLE = (OSError, ValueError, SyntaxError, Image.DecompressionBombError)


def _picture(data: bytes) -> Image.Image:
    """A picture file as 8-bit RGB. Raises one of `_UNREADABLE`."""
    with Image.open(io.BytesIO(data)) as image:
        return image.convert("RGB")


def size_for(width: int, height: int) -> str:
    """The size of the protocol whose shape is nearest: the picture is then cropped to the film's."""
    w, h = min(_SIZES, key=lambda size: abs(size[0] / size[1] - width / height))
    return f"{w}x{h}"


def _json(reply: httpx.Response) -> dict[str, Any]:
    try:
        found = reply.json()
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _error(reply: httpx.Response) -> tuple[str, str]:
    """(code, message) of an error reply; empty where it has none."""
    error = _json(reply).get("error")
    if not isinstance(error, dict):
        return "", ""
    return str(error.get("code") or error.get("type") or ""), str(error.get("message") or "")


def load_hosted(profile: Profile, cache: Path | None = None, paid: Path | None = None) -> ZeroShotPainter:
    """The painter of the hosted profile; CLIP, which ranks the memory here, loads when it is first needed.

    `paid` is a folder for pictures that came and whose pair is not stored yet, in the `cache` where it is not
    named.
    """
    from engine.step2.small_ranker import small_scorer

    service = Service.from_environment()
    folder = cache / "paid" if paid is None and cache is not None else paid
    editor = HostedEditor(service, profile, PaidPictures(folder) if folder is not None else None)
    return ZeroShotPainter(editor, small_scorer(cache), profile, service.name)
