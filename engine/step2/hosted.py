"""The zero-shot editor as a service on the network: the OpenAI images protocol, which others speak too.

    POST {base}/images/generations   JSON: model, prompt, size, n
    POST {base}/images/edits         multipart: model, prompt, size, n, and image[] for each reference

Both answer {"data": [{"b64_json": …}]}; errors are {"error": {"code", "message"}}. What may pass by itself
(429, 500, 503, no connection) is tried again, later each time, and not before `Retry-After` says. Where an
order may have been taken (an answer that broke off, a gateway's time-out) it is not given twice.
The key comes from the environment, goes out in the Authorization header and nowhere else: not into a log, an
error or a recipe.
"""

from __future__ import annotations

import base64
import binascii
import io
import math
import os
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from PIL import Image

from engine.errors import BadInput, Cancelled, StageError, UnsupportedError
from engine.profile import Profile
from engine.profiles import IMAGE_URL_VARIABLE, KEY_VARIABLES, OPENAI_URL, image_key
from engine.step2.conditions import PairRecipe
from engine.step2.frames import fit, png
from engine.step2.zero_shot import ZeroShotPainter

BASE_VARIABLE, MODEL_VARIABLE = IMAGE_URL_VARIABLE, "STAGE_IMAGE_API_MODEL"
BASE, MODEL = OPENAI_URL, "gpt-image-1"
TRIES = 5
TIMEOUT = httpx.Timeout(30.0, read=300.0)
LONGEST_WAIT = 60.0
_AGAIN = {409, 429, 500, 503}
_BROKEN_OFF = {408, 502, 504}  # a gateway gave up: the service behind it may have drawn
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
        """Raises UnsupportedError without a key, BadInput for an address that is none."""
        key = image_key()
        if not key:
            raise UnsupportedError(f"The image service needs a key: set {KEY_VARIABLES[0]}.")
        base = (os.environ.get(BASE_VARIABLE) or BASE).rstrip("/")
        url = httpx.URL(base)
        local = url.host in ("localhost", "127.0.0.1", "::1")
        if url.scheme != "https" and not (url.scheme == "http" and local):
            raise BadInput(f"{BASE_VARIABLE} must be an https address: a key is not sent in the open.")
        return cls(base, os.environ.get(MODEL_VARIABLE) or MODEL, key)


class HostedEditor:
    """An Editor (see engine.step2.zero_shot) over HTTP. `pause` waits between tries; tests wait less."""

    def __init__(
        self,
        service: Service,
        profile: Profile,
        *,
        timeout: httpx.Timeout = TIMEOUT,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self.service = service
        self.profile = profile
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
        """See Editor. One request counts as all of the steps. Raises StageError with one sentence."""
        fields = {
            "model": self.service.model,
            "prompt": prompt,
            "n": 1,
            "size": size_for(self.profile.width, self.profile.height),
        }
        if pictures:
            files = [
                ("image[]", (f"{i + 1}.png", png(np.asarray(p.convert("RGB"))), "image/png"))
                for i, p in enumerate(pictures)
            ]
            form = {name: str(value) for name, value in fields.items()}
            answer = self._post("/images/edits", cancelled, data=form, files=files)
        else:
            answer = self._post("/images/generations", cancelled, json=fields)
        image = self._picture(answer)
        for done in range(1, steps + 1):
            on_step(done)
        return np.asarray(fit(image, self.profile.width, self.profile.height))

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
            except httpx.TransportError as error:
                raise self._broken_off() from error
            else:
                if reply.is_success:
                    return _json(reply)
                if reply.status_code in _BROKEN_OFF:
                    raise self._broken_off()
                code, _ = _error(reply)
                if reply.status_code not in _AGAIN or code in _NO_MONEY:
                    raise self._refusal(reply)
                trouble = "it is asked too often" if reply.status_code == 429 else "it has trouble of its own"
                wait = min(wait, LONGEST_WAIT)
                if (asked := _retry_after(reply)) > LONGEST_WAIT:
                    raise StageError(
                        f"{self.service.name} drew nothing, {trouble}: try again in {math.ceil(asked / 60)} "
                        "minutes, as it asks."
                    )
                wait = max(wait, asked)
            if attempt < TRIES - 1:
                self._wait(wait, cancelled)
        raise StageError(f"{self.service.name} drew nothing, {trouble}: try again later.")

    def _broken_off(self) -> StageError:
        """Ordering again what may be paid is for people to decide."""
        return StageError(
            f"{self.service.name} broke off while a picture was ordered, and it may have been taken "
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

    def _picture(self, answer: dict[str, Any]) -> Image.Image:
        try:
            data = base64.b64decode(answer["data"][0]["b64_json"], validate=True)
            image = Image.open(io.BytesIO(data))
            image.load()
        except (KeyError, IndexError, TypeError, binascii.Error, OSError, ValueError) as e:
            raise StageError(f"{self.service.name} sent no picture that can be read: try again.") from e
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


def _retry_after(reply: httpx.Response) -> float:
    value = reply.headers.get("retry-after", "")
    return float(value) if value.replace(".", "", 1).isdigit() else 0.0


def load_hosted(profile: Profile, cache: Path | None = None) -> ZeroShotPainter:
    """The painter of the hosted profile; CLIP, which ranks the memory here, loads when it is first needed."""
    from engine.step2.small_ranker import small_scorer

    service = Service.from_environment()
    return ZeroShotPainter(HostedEditor(service, profile), small_scorer(cache), profile, service.name)
