"""Provenance in exported pictures: a text chunk of the PNG says how it was drawn; the pixels stay byte for
byte.

Stored pictures hold no metadata, so that equal pictures are equal files. On the way out the text is put
in, on the way in it is taken out again, and the picture has its old hash.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

from engine.errors import BadInput

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PICTURE_CHUNKS = (b"IHDR", b"PLTE", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"IDAT", b"IEND")
_KEYWORD = b"stage"


def with_provenance(png: bytes, text: str) -> bytes:
    """The PNG with an international text chunk "stage" before its end."""
    body = _KEYWORD + b"\0\0\0\0\0" + text.encode()
    added = _chunk(b"iTXt", body)
    out = [SIGNATURE]
    for kind, chunk in _chunks(png):
        if kind == b"IEND":
            out.append(added)
        out.append(chunk)
    return b"".join(out)


def without_metadata(png: bytes) -> bytes:
    """The PNG with what makes its picture, and nothing else. Raises BadInput for what is no PNG."""
    return SIGNATURE + b"".join(chunk for kind, chunk in _chunks(png) if kind in _PICTURE_CHUNKS)


def _chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Kind and whole bytes of each chunk, to IEND."""
    if not png.startswith(SIGNATURE):
        raise BadInput("The picture is not a PNG file.")
    at = len(SIGNATURE)
    while at + 12 <= len(png):
        (length,) = struct.unpack(">I", png[at : at + 4])
        kind = png[at + 4 : at + 8]
        end = at + 12 + length
        if end > len(png):
            break
        yield kind, png[at:end]
        if kind == b"IEND":
            return
        at = end
    raise BadInput("The PNG file is cut off.")


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
