"""Addresses of stored files that nobody can guess: `/media/<sha256>.<extension>?k=<alias>.<signature>`.

A browser's `<img>` cannot say who asks, so the address itself is the permission: the alias stands for the
owner, the signature binds it to this one file. Both are HMACs under the home's secret; the same file of
the same owner always has the same address, so it may be cached for ever. A zip is made on request: in its
address stands the hash of its row's name instead, see `studio.exchange.zips`, and it may not be kept unasked.
"""

from __future__ import annotations

import hashlib
import hmac
from functools import lru_cache

from studio.store.blobs import NAME
from studio.store.errors import NotFound

PREFIX = "/media/"
CONTENT_TYPES = {
    "png": "image/png",
    "mp4": "video/mp4",
    "zip": "application/zip",
    "mp3": "audio/mpeg",
    "wav": "audio/wav",
    "m4a": "audio/mp4",
}


class Signer:
    """Makes and checks addresses under one secret."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self._known = lru_cache(maxsize=20_000)(self._url)

    def url(self, owner: str, sha256: str, extension: str) -> str:
        """The address of an owner's file. It is always the same, so it is worked out once."""
        return self._known(owner, sha256, extension)

    def _url(self, owner: str, sha256: str, extension: str) -> str:
        name, alias = f"{sha256}.{extension}", self.alias(owner)
        return f"{PREFIX}{name}?k={alias}.{self._sign(alias, name)}"

    def alias(self, owner: str) -> str:
        """What stands for an owner in addresses: it does not give the owner away."""
        return self._hmac(f"owner\n{owner}")[:16]

    def check(self, name: str, key: str) -> tuple[str, str, str]:
        """Hash, extension and alias of a rightly signed address. Raises NotFound for any other."""
        found = NAME.fullmatch(name)
        alias, _, signature = key.partition(".")
        if found is None or not hmac.compare_digest(signature.encode(), self._sign(alias, name).encode()):
            raise NotFound("There is no such file.")
        return found["sha256"], found["extension"], alias

    def _sign(self, alias: str, name: str) -> str:
        return self._hmac(f"file\n{alias}\n{name}")[:40]

    def _hmac(self, text: str) -> str:
        return hmac.new(self._secret, text.encode(), hashlib.sha256).hexdigest()
