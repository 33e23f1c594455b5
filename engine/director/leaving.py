"""Who is to leave a shot, as a note says it, and the words with which it denies anything at all."""

from __future__ import annotations

import re
from collections.abc import Sequence

DENIES = re.compile(
    r"\b(?:not|never|no(?: longer| more)?|without|do(?:es)? not|cannot|can['’]t"
    r"|(?:do|does|is|are|was|were|should|must|need)n['’]?t|neither|avoid|skip|stop|except"
    r"|(?:instead|rid) of|rather than|remove|delete|drop|lose|take out|leave out|(?P<less>less|too))\b",
    re.IGNORECASE,
)


def take_leaving(piece: str, cast: Sequence[str]) -> tuple[list[str], str]:
    """Whoever is to leave, and what else a piece of a note says: "without the child", "take Anna out"."""
    gone: list[str] = []
    some = rf"(?P<who>{some_of(cast)})"
    ends = r"(?=\s*$|\s+(?:and|but|please|again|altogether|completely|entirely|from|of)\b)"
    frame = r"(?:\s+(?:out\s+)?(?:of|from)\s+(?:it|(?:the|this)\s+(?:shot|frame|picture|image|scene)))?"
    for pattern in (
        rf"\b(?:take|leave|cut|keep|get|send)\s+{some}\s+(?:out|away|off){ends}{frame}",
        rf"\b(?:remove|delete|drop|lose|cut|hide|(?:take|leave|cut)\s+out|get\s+rid\s+of|without|minus|no(?:\s+more)?)"
        rf"\s+{some}{frame}",
    ):
        found = re.search(pattern, piece, re.IGNORECASE)
        if found and not DENIES.search(piece[: found.start()]):
            gone += named_in(found["who"], cast)
            piece = f"{piece[: found.start()]} {piece[found.end() :]}"
    return gone, piece


_IS_ABSENT = (
    r"(?:(?:is|are|does|do|will|should|must|can)(?:n['’]t|\s+not|\s+never|\s+no\s+longer)|cannot|never|won['’]t)"
    r"\s+(?:(?:be\s+)?(?:in|here|there|visible|seen|shown|present)|comes?|appears?|arrives?|shows?\s+up)\b"
    r"(?:\s+(?:it|(?:the|this)\s+(?:shot|frame|picture|image|scene)))?\s*$"
)


def take_absent(piece: str, cast: Sequence[str]) -> tuple[list[str], str]:
    """The same, told of them: "the child is not in the shot", "the child never comes"."""
    found = re.match(rf"(?:and\s+|but\s+)?(?P<who>{some_of(cast)})\s+{_IS_ABSENT}", piece, re.IGNORECASE)
    return ([], piece) if found is None else (named_in(found["who"], cast), "")


def is_absent(deed: str) -> bool:
    """Whether a deed is not to be there: "is not in the shot"."""
    return re.match(_IS_ABSENT, deed, re.IGNORECASE) is not None


def some_of(cast: Sequence[str]) -> str:
    """A pattern for names of the cast in a row: "Anna, Tom and the child"."""
    names = "|".join(re.escape(name) for name in sorted(cast, key=len, reverse=True))
    one = rf"(?:the\s+)?(?:{names})\b" if names else r"(?!)"
    return rf"{one}(?:(?:,|\s+and|\s+or|\s+nor)\s+{one})*"


def named_in(text: str, cast: Sequence[str]) -> list[str]:
    """Whom of the cast a text names."""
    return [name for name in cast if re.search(rf"\b{re.escape(name)}\b", text, re.IGNORECASE)]
