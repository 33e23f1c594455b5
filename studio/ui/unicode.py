"""Text that comes from outside, made fit to be stored and sent."""

from __future__ import annotations

import re
from typing import Any

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def well_formed(value: Any) -> Any:
    """A JSON value whose strings have U+FFFD for every lone surrogate, like JavaScript's `toWellFormed`.

    Half an emoji, as a cut string ends with, is valid JSON but cannot be written in UTF-8.
    """
    if isinstance(value, str):
        return _LONE_SURROGATE.sub("\ufffd", value)
    if isinstance(value, dict):
        return {well_formed(key): well_formed(item) for key, item in value.items()}
    return [well_formed(item) for item in value] if isinstance(value, list) else value
