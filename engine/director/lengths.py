"""What a note says of a shot's length: "2.5 s", "a second longer", "at most 4 s", "half as long"."""

from __future__ import annotations

import re
from dataclasses import dataclass

_WORDS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_NUMBERS = {"half a": 0.5, "a": 1.0} | {word: float(n) for n, word in enumerate(_WORDS, start=1)}
_COUNT = rf"(?P<n>\d+(?:[.,]\d+)?|(?:half\s+a|{'|'.join(word for word in _NUMBERS if ' ' not in word)})\b)"
_UNIT = r"(?:s|secs?|seconds?)\b"
_TIME = rf"{_COUNT}\s*{_UNIT}"
_IT = r"(?:\s+(?:it|the\s+shot|this\s+shot))?"


def _any(*patterns: str) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(pattern, re.IGNORECASE) for pattern in patterns)


_MORE = _any(
    rf"(?:\b(?:add|another)\s+|(?:^|\s)\+\s*)(?:another\s+)?{_TIME}(?:\s+(?:more|longer))?",
    rf"\b{_TIME}\s+(?:longer|slower|more|extra)\b",
    rf"\b{_COUNT}\s+(?:more|extra|additional|longer)\s+{_UNIT}",
    rf"\b(?:longer|slower|lengthen|extend|prolong|stretch)\b{_IT}\s+by\s+{_TIME}",
)
_LESS = _any(
    rf"\btake\s+{_TIME}\s+(?:off|away|out)\b",
    rf"(?:\b(?:cut|trim|remove|drop|lose|take\s+off)\s+|(?:^|\s)[-−]\s*){_TIME}(?:\s+(?:off|away))?",
    rf"\b{_TIME}\s+(?:shorter|faster|quicker|less)\b",
    rf"\b{_COUNT}\s+(?:fewer|less)\s+{_UNIT}",
    rf"\b(?:shorter|faster|quicker|shorten|cut|trim|reduce)\b{_IT}\s+by\s+{_TIME}",
)
(_AT_MOST,) = _any(rf"\b(?:(?:no|not|never)\s+(?:longer|more)\s+than|at\s+(?:the\s+)?most|under)\s+{_TIME}")
(_AT_LEAST,) = _any(rf"\b(?:(?:no|not|never)\s+(?:shorter|less)\s+than|at\s+(?:the\s+)?least)\s+{_TIME}")
(_SECONDS,) = _any(rf"\b(?!a\b){_TIME}")
_PACES = tuple(
    zip(
        _any(
            r"\b(?:twice|two\s+times|double)\s+(?:as\s+long|the\s+length)\b",
            r"\bhalf\s+(?:as\s+long|the\s+length)\b",
            r"\b(?:much )?(?:longer|slower|hold it)\b",
            r"\b(?:much )?(?:shorter|faster|quicker)\b",
        ),
        (2.0, 0.5, 1.5, 2 / 3),
        strict=True,
    )
)


@dataclass
class Length:
    """How long a shot is to be, in seconds: `fixed`, or as long as it is now, times `pace`; and then `more`
    (or less), `least` and `most`.
    """

    fixed: float | None = None
    pace: float = 1.0
    more: float = 0.0
    least: float = 0.0
    most: float = float("inf")

    @property
    def asked(self) -> bool:
        """Whether a note asked for anything."""
        return self != Length()

    def of(self, now: float) -> float:
        """The length of a shot that lasts `now` seconds, in seconds."""
        wanted = (now * self.pace if self.fixed is None else self.fixed) + self.more
        return max(self.least, min(self.most, wanted))

    def take_limits(self, piece: str) -> str:
        """Reads "at most 4 s", "no shorter than 2 s" out of a piece; returns what is left."""
        found = _AT_MOST.search(piece)
        if found:
            self.most, piece = _number(found), _without(piece, found)
        found = _AT_LEAST.search(piece)
        if found:
            self.least, piece = _number(found), _without(piece, found)
        return piece

    def take(self, piece: str) -> str:
        """Reads lengths out of a piece of a note; returns what is left. A difference goes before a length."""
        for found in (pattern.search(piece) for pattern in _MORE):
            if found:
                self.more += _number(found)
                return self.take(_without(piece, found))
        for found in (pattern.search(piece) for pattern in _LESS):
            if found:
                self.more -= _number(found)
                return self.take(_without(piece, found))
        found = _SECONDS.search(piece)
        if found:
            self.fixed, piece = _number(found), _without(piece, found)
        return piece

    def take_pace(self, piece: str) -> str:
        """Reads "longer", "half as long" out of a piece; returns what is left."""
        for pattern, factor in _PACES:
            found = pattern.search(piece)
            if found:
                self.pace *= factor
                piece = _without(piece, found)
        return piece


def _number(found: re.Match[str]) -> float:
    said = " ".join(found["n"].casefold().split())
    return _NUMBERS[said] if said in _NUMBERS else float(said.replace(",", "."))


def _without(text: str, match: re.Match[str]) -> str:
    return f"{text[: match.start()]} {text[match.end() :]}"
