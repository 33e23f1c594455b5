"""What a video service is asked for and answers, whoever it is."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from engine.errors import StageError
from engine.watched import IsCancelled


class Moderated(StageError):  # noqa: N818 - an outcome: the service's filter refused the request or its result
    """The service will not make this clip."""


class Expired(StageError):  # noqa: N818 - an outcome
    """The service does not know the operation or has thrown its clip away."""


class Refused(StageError):  # noqa: N818 - an outcome
    """The operation ended without a clip, for another reason."""


@dataclass(frozen=True)
class ClipOrder:
    """A clip to be made: the text, both frames as PNG files of `width` x `height`, and whole seconds."""

    prompt: str
    first: bytes
    last: bytes
    width: int
    height: int
    seconds: int
    seed: int

    @property
    def aspect(self) -> str:
        return "16:9" if self.width > self.height else "9:16"

    def name(self, model: str) -> str:
        """A hash of all that the clip depends on at a model, but the seed: it names the request."""
        frames = [hashlib.sha256(frame).hexdigest() for frame in (self.first, self.last)]
        parts = [model, self.prompt, *frames, self.width, self.height, self.seconds]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


@dataclass(frozen=True)
class Waiting:
    """Not done yet."""


@dataclass(frozen=True)
class Finished:
    """The clip is there: its address, or the file itself."""

    video: str | bytes


class VideoService(Protocol):
    """A client of one service. Every method may raise Busy (see patience) or a StageError of one sentence.

    Nothing that it raises or logs holds the key.
    """

    def submit(self, order: ClipOrder) -> str:
        """Orders a clip, which is paid from then on, and returns the operation's name."""
        ...

    def look(self, operation: str) -> Waiting | Finished:
        """How an operation stands. Raises Moderated, Expired or Refused when it ended without a clip."""
        ...

    def fetch(self, finished: Finished, out: Path, cancelled: IsCancelled | None = None) -> None:
        """Writes the clip's file. Raises Expired when it is gone, Cancelled when it is told to stop."""
        ...
