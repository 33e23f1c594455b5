"""Themes that say that nobody is there: what they tell of instead, and what such a film shows."""

from __future__ import annotations

import itertools
import random
import re
from collections.abc import Iterator

from engine.near import nearest
from engine.vocabulary import Vocabulary

_PERSON = (
    r"(?:people|persons?|humans?(?:\s+beings?)?|man|men|women|characters?|actors?|figures?|one|soul|life)"
)
_NO_ONE = (
    r"(?:nobody|no-one|no\s+one|not\s+(?:a|one|a\s+single)\s+(?:living\s+)?(?:soul|person|human(?:\s+being)?)"
    r"|no\s+(?:(?:other|more|living)\s+)?(?:people|persons?|humans?(?:\s+beings?)?|men|characters?|actors?|figures?)"
    r"|without\s+(?:any\s+|a\s+(?:single\s+)?)?(?:people|persons?|humans?(?:\s+beings?)?|anyone|anybody"
    r"|(?:living\s+)?soul|characters?|actors?)"
    rf"|(?:devoid|empty|free)\s+of\s+(?:all\s+|any\s+)?{_PERSON})"
)
_THERE = (
    r"(?:\s+(?:else|at\s+all|is|are|was|were|left|there|here|around|about|anywhere|seen|to\s+be\s+seen|visible|present"
    r"|in\s+sight|in\s+it|in\s+(?:the\s+)?(?:film|frame|shots?|picture)|on\s+(?:the\s+)?(?:screen|streets?)))*"
)
_OPENS = (
    r"(?:^|(?<=[.!?;])\s*|\s*[,;:(—–-]+\s*)(?:and\s+|but\s+|with\s+|where\s+|there\s+(?:is|are|was|were)\s+)*"
)
_ASIDE = re.compile(
    rf"(?P<open>{_OPENS}|\s+(?:with|where)\s+|\s+(?=without|devoid|empty\s+of|free\s+of)){_NO_ONE}{_THERE}"
    r"(?P<close>\s*[,;:)—–-]+\s*(?:and\s+|but\s+)?(?:only\s+|just\s+)?|\s+(?:only|just|but)\s+|\s*(?=[.!?]|$)|\s*\n)",
    re.IGNORECASE,
)
_BUT = re.compile(
    rf"(?:^|(?<=[.!?;]\s))(?:there\s+(?:is|are|was|were)\s+)?{_NO_ONE}(?P<where>[^.!?,;]*?)\s+(?:except|but|save)"
    r"\s+(?:for\s+)?(?P<who>(?:an?|the|one|two|three|my|his|her)\s[^.!?,;]*)",
    re.IGNORECASE,
)
_SAID = re.compile(rf"\b{_NO_ONE}(?!\w)(?!\s+like\b)", re.IGNORECASE)
_EMPTY = r"(?:empty|deserted|abandoned|uninhabited|unpeopled|depopulated|lifeless|desolate)"
_EMPTY_PLACE = re.compile(rf"\b{_EMPTY}\s+((?:[\w'’-]+\s*){{1,3}})", re.IGNORECASE)
_IN_AN_EMPTY = re.compile(
    rf"\b(?:in|on|at|over|across|through|along|into)\s+(?:an?|the)\s+{_EMPTY}\s", re.IGNORECASE
)
_PLACE_IS_EMPTY = re.compile(
    rf"((?:[\w'’-]+\s+){{1,2}})(?:is|are|was|were|lies?|lay|stands?|stood|looks?|remains?|seems?)\s+"
    rf"(?:\w+\s+)?{_EMPTY}\b",
    re.IGNORECASE,
)
_READ = 2000  # characters of a sentence, or of a theme, that are looked at for empty places
EMPTY_WORDS = frozenset(("empty", "deserted", "uninhabited", "unpeopled", "depopulated", "lifeless"))
"""What a place is only while nobody is there: no part of its name."""


def without_asides(theme: str) -> str:
    """The theme without asides that nobody is there (", no people"), which name nothing to see.

    It is left as it is where nothing else would remain. Who is there all the same ("nobody but a boy") stays.
    """
    if not denies_people(theme):
        return theme
    parts = re.split(r"((?<=[.!?;])\s+|\n+)", theme)
    parts[::2] = [_told(part) for part in parts[::2]]
    kept = [i for i in range(0, len(parts), 2) if any(c.isalpha() for c in parts[i])]
    told = "".join("".join(parts[i : i + 2]) for i in kept).strip()
    return told[:1].upper() + told[1:] if told != theme and told else theme


def _told(sentence: str) -> str:
    if len(sentence) > _READ:
        return sentence
    told = _ASIDE.sub(_joint, _BUT.sub(lambda found: f"{found['who']}{found['where']}", sentence))
    return sentence if told == sentence else " ".join(told.split()).strip(" ,;:—–-")


def _joint(found: re.Match[str]) -> str:
    """What stands where an aside was: nothing at either end, else the comma that set it off."""
    if not found.start() or not found["close"].strip():
        return ""
    if re.search(r"\belse\b|\)", found[0], re.IGNORECASE):
        return " "
    return ": " if ":" in found["close"] else ", "


def bars_people(theme: str) -> bool:
    """Whether a theme wants no human in the picture, and so none that plays an animal: ", no people"."""
    return any(
        re.search(r"people|human|person|figure|actor|character", m[0], re.IGNORECASE)
        for m in _ASIDE.finditer(theme[:_READ])
    )


def denies_people(theme: str) -> bool:
    """Whether a theme says in so many words that there is nobody, or that nobody does something."""
    return bool(_SAID.search(theme))


def says_nobody(theme: str, vocabulary: Vocabulary) -> bool:
    """Whether a theme that brings nobody in says so: "no people", or an empty place."""
    if denies_people(theme):
        return True
    theme = theme[:_READ]
    if _IN_AN_EMPTY.search(theme):
        return True
    named = [m.group(1) for m in (*_EMPTY_PLACE.finditer(theme), *_PLACE_IS_EMPTY.finditer(theme))]
    return any(_is_place(phrase, vocabulary) for phrase in named)


def _is_place(phrase: str, vocabulary: Vocabulary) -> bool:
    if vocabulary.find(phrase, "setting"):
        return True
    near = (nearest(vocabulary, word.casefold()) for word in phrase.split())
    return any(word is not None and vocabulary.find(word, "setting") for word in near)


# "Empty" or "nobody" stands in each: without it the mini checkpoint draws people ("Nothing moves at the
# harbour."), as was seen in 8 of 8 pictures.
VIEWS = (
    "{place} {lies} empty{weather}.",
    "A wide view of {place}{weather}, and nobody is there.",
    "{place} {lies} quiet and empty{weather}.",
    "Nobody is {at}{weather}.",
    "Another view of {place}{weather}, and nobody is there.",
    "{place} {lies} silent and empty{weather}.",
)
ENDINGS = (
    "{place} {lies} empty{weather}, as far as one can see.",
    "Nobody comes, and {place} {lies} empty{weather}.",
)
NOBODY_THERE = ", and nobody is there"
_AGAIN = ("", "Once more, ", "Still, ", "Later, ")


def views(rng: random.Random) -> Iterator[str]:
    """Templates of views without anybody, endlessly; each comes once before any comes again."""
    for again in itertools.cycle(_AGAIN):
        row = list(VIEWS)
        rng.shuffle(row)
        yield from (again + (view[:1].lower() + view[1:] if again else view) for view in row)
