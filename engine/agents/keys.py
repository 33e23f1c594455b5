"""Keys of model servers: read from the environment when a question is asked, and kept nowhere.

A key goes to the server that it belongs to and to no other, whatever address a user types: the key of a
public service only to that service, and `STAGE_LLM_KEY` only to the server that `STAGE_LLM_URL` names. It
leaves this machine encrypted or not at all.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from urllib.parse import urlsplit

from engine.errors import BadInput
from engine.paid_services import is_private

URL_VARIABLE = "STAGE_LLM_URL"
KEY_VARIABLE = "STAGE_LLM_KEY"
HOSTED_VARIABLE = "SPACE_ID"  # set on every Hugging Face Space: its visitors are strangers to its owner
KEYS = {
    "https://api.openai.com:443": "OPENAI_API_KEY",
    "https://router.huggingface.co:443": "HF_TOKEN",
    "https://generativelanguage.googleapis.com:443": "GEMINI_API_KEY",
    "https://openrouter.ai:443": "OPENROUTER_API_KEY",
}
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class KeyState:
    """Which variable holds the key of a server, and whether it is set. Never the key itself."""

    variable: str
    found: bool


def origin(url: str) -> str:
    """Scheme, host and port of an address: what a key is bound to. Empty for what is no address."""
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS.get(parts.scheme)
    except ValueError:
        return ""
    return f"{parts.scheme}://{(parts.hostname or '').lower()}:{port}"


def key_state(url: str) -> KeyState:
    """What the page may show of a server's key."""
    variable = _variable(url)
    return KeyState(variable, bool(_value(variable)) and (variable != KEY_VARIABLE or _own(url)))


def read_key(url: str) -> str | None:
    """The key that may be sent to a server, or None. To be used at once, and not to be kept.

    Raises BadInput for a key that cannot be sent (one with a typographic quote from a web page, say), and for
    one that would be sent in the open.
    """
    state = key_state(url)
    if not state.found:
        return None
    key = _value(state.variable)
    if not (key.isascii() and key.isprintable()):
        raise BadInput(f"The key in {state.variable} has a character that no key has: set it again.")
    if not is_private(url):
        raise BadInput(
            f"{URL_VARIABLE} must be an https address, for a key is not sent in the open: correct it, or "
            f"unset {state.variable} if the server wants none."
        )
    return key


def redacted(text: str) -> str:
    """A text without any key that this process knows: servers sometimes repeat one in their errors."""
    for variable in (KEY_VARIABLE, *KEYS.values()):
        key = _value(variable)
        if len(key) >= 4:
            text = text.replace(key, "[key]")
    return text


def _value(variable: str) -> str:
    """A key without the line break that a file or a form left at its end."""
    return os.environ.get(variable, "").strip()


def _own(url: str) -> bool:
    own = os.environ.get(URL_VARIABLE, "")
    return bool(own) and origin(own) == origin(url)


def _variable(url: str) -> str:
    public = KEYS.get(origin(url))
    if public is None or (_own(url) and _value(KEY_VARIABLE)):
        return KEY_VARIABLE
    return public
