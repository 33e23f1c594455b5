"""Waiting and trying again, with the ear open for a stop."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from engine.errors import Cancelled, StageError
from engine.watched import IsCancelled

T = TypeVar("T")
_SLICE = 0.2  # seconds between two looks at the stop sign
STOPPED = "Rendering of the clip was stopped; what was ordered is picked up when it is rendered again."


@dataclass(frozen=True)
class Patience:
    """How often and how long, in seconds: tries of one call, pauses between them (doubling from `first` to
    `longest`), between two looks at an operation, and for the whole operation.
    """

    tries: int = 7
    first: float = 2.0
    longest: float = 60.0
    poll: float = 8.0
    whole: float = 1800.0


class Busy(Exception):  # noqa: N818 - an event between client and renderer, never shown as it is
    """A service cannot answer now and may later: too many requests, trouble of its own, no network.

    `sentence` is for people when patience ends; `after` is the pause in seconds that the service asks for.
    """

    def __init__(self, sentence: str, after: float = 0.0) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.after = after


def pause(seconds: float, cancelled: IsCancelled | None) -> None:
    """Sleeps. Raises Cancelled within a fraction of a second when asked to stop."""
    deadline = time.monotonic() + seconds
    while True:
        if cancelled is not None and cancelled():
            raise Cancelled(STOPPED)
        left = deadline - time.monotonic()
        if left <= 0:
            return
        time.sleep(min(left, _SLICE))


def patiently(call: Callable[[], T], patience: Patience, cancelled: IsCancelled | None) -> T:
    """The call's result, tried again with growing pauses while it raises Busy.

    Raises:
        Cancelled: asked to stop.
        StageError: it was busy to the last try, or asks for a longer pause than anybody waits.
    """
    delay = patience.first
    for left in reversed(range(patience.tries)):
        try:
            return call()
        except Busy as busy:
            if left == 0:
                raise StageError(busy.sentence) from busy
            if busy.after > patience.longest:
                minutes = math.ceil(busy.after / 60)
                raise StageError(
                    f"{busy.sentence.removesuffix('later.')}in {minutes} minutes, as it asks."
                ) from busy
            # Jitter: clients that were turned away together should not come back together.
            wanted = max(busy.after, delay * random.uniform(0.75, 1.25))
            pause(min(wanted, patience.longest), cancelled)
            delay = min(delay * 2, patience.longest)
    raise ValueError("patience without a try")
