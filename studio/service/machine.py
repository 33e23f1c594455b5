"""The machine that draws, looked at now and then: asking the driver takes a moment, and a page asks often."""

from __future__ import annotations

import time
from functools import lru_cache

from engine.doctor import look_at_machine
from engine.fitting import Machine

_FRESH_SECONDS = 300.0


def machine_here() -> Machine:
    """What this machine has, as it was at most five minutes ago."""
    return _looked(int(time.monotonic() / _FRESH_SECONDS))


@lru_cache(maxsize=1)
def _looked(_moment: int) -> Machine:
    return look_at_machine()
