"""What every client of a paid service does alike: where a key may go, and how long a service asks to wait."""

from __future__ import annotations

import math
import os
from datetime import timezone
from email.utils import parsedate_to_datetime
from time import time

import httpx

from engine.errors import BadInput

_HERE = ("localhost", "127.0.0.1", "::1")


def service_address(variable: str, default: str = "") -> str:
    """The address that an environment variable names, without a slash at its end, else the `default`. To be
    asked before anything is sent: a key may go there.

    Raises:
        BadInput: it is no address, or one where others could read the key on its way.
    """
    text = (os.environ.get(variable, "").strip() or default).rstrip("/")
    if text and not is_private(text):
        raise BadInput(
            f"{variable} must be an https address (http only on this machine), for a key is not sent in the "
            "open: correct it or unset it."
        )
    return text


def is_private(address: str) -> bool:
    """Whether nobody on the way reads along: an encrypted connection, or one within this machine."""
    try:
        url = httpx.URL(address)
    except (httpx.InvalidURL, ValueError):
        return False
    return bool(url.host) and (url.scheme == "https" or (url.scheme == "http" and url.host in _HERE))


def retry_after(header: str | None) -> float:
    """Seconds of a Retry-After header, in either of its forms (RFC 9110, 10.2.3); 0 without one, or for one
    that says nothing.
    """
    text = (header or "").strip()
    try:
        seconds = float(text)
    except ValueError:
        seconds = _until(text)
    return max(0.0, seconds) if math.isfinite(seconds) else 0.0


def _until(date: str) -> float:
    try:
        when = parsedate_to_datetime(date)
        if when.tzinfo is None:  # "-0000": HTTP knows no other time than this
            when = when.replace(tzinfo=timezone.utc)
        return when.timestamp() - time()
    except (TypeError, ValueError, IndexError, OverflowError):  # Python 3.10 has the first for no date at all
        return 0.0
