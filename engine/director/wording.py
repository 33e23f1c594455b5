"""How sentences of a beat sheet are trimmed and joined."""

from __future__ import annotations

import random
import re
from collections.abc import Iterable

from engine.director import phrasebook
from engine.director.breakdown import Actor, Event
from engine.director.denied import is_denied, there
from engine.director.english import is_plural
from engine.director.places import Spot
from engine.story import TimeOfDay
from engine.vocabulary import Vocabulary, word_sections

LONGEST = 400  # characters of a description; longer sentences are cut at a word


def introduction(actor: Actor) -> str:
    """The introduction; somebody's "his daughter" becomes "the daughter" where nobody stands before it."""
    return re.sub(r"^(?:his|her|their|its|my|our)\s+", "the ", actor.first)


def joined(names: Iterable[str]) -> str:
    """ "the knight, the witch and the king"."""
    *first, last = [*names] or [""]
    return f"{', '.join(first)} and {last}" if first else last


def header(event: Event, spot: Spot, phrase: str, vocabulary: Vocabulary) -> str:
    """ "A stormy harbour at night", or the `phrase` of the theme where it is one."""
    if phrase:
        return phrase[:LONGEST]
    hour = "" if event.time in (None, TimeOfDay.DAY) else f" at {event.time.value}"
    sky = {"rain": "rainy", "snow": "snowy", "fog": "foggy"}.get(event.weather or "", "")
    own = [
        m for m in there(event.source, vocabulary, "weather") if event.source[slice(*m.span)].endswith("y")
    ]
    if own:
        sky = event.source[slice(*own[0].span)].lower()
    noun = spot.place.name[:1].lower() + spot.place.name[1:]
    if spot.setting == "room" or not sky or not spot.the.startswith("the "):
        return f"{spot.the}{hour}"[:1].upper() + f"{spot.the}{hour}"[1:]
    article = "" if noun.endswith("s") else ("An " if sky[0] in "aeiou" else "A ")
    text = f"{article}{sky} {noun}{hour}"
    return text[:1].upper() + text[1:]


def lies(spot: Spot) -> str:
    """The verb for a place: "the castle lies", "the mountains lie"."""
    return "lie" if is_plural(spot.the.split()[-1].casefold()) else "lies"


def lowered(text: str) -> str:
    word = text.split(" ", 1)[0]
    return (
        text[:1].lower() + text[1:]
        if word in ("A", "An", "The", "His", "Her", "Their", "Its", "This")
        else text
    )


_TRAILING = re.compile(
    r"\s+(?:on|in|at|by|during|under|near)\s+((?:(?:the|a|an)\s+)?(?:[\w'’\-]+\s*){1,4})$", re.IGNORECASE
)


def without_setting(predicate: str, vocabulary: Vocabulary) -> str:
    """Without "on a stormy harbour at night" at its end: the shot's attributes and first line say that."""
    while True:
        spaces = (i for i, c in enumerate(predicate) if c.isspace())
        found = (m for i in spaces if (m := _TRAILING.match(predicate, i)))
        match = next((m for m in found if _is_setting(m.group(1), vocabulary)), None)
        if (
            match is None
            or len(predicate[: match.start()].split()) < 2
            or is_denied(predicate, match.span(1))
        ):
            return predicate
        predicate = predicate[: match.start()]


def _is_setting(phrase: str, vocabulary: Vocabulary) -> bool:
    """Whether a phrase holds nothing but where, when and what weather."""
    words = [w for w in phrase.casefold().split() if w not in ("the", "a", "an")]
    known = sum(bool(vocabulary.find(w, "setting", "time", "weather")) for w in words)
    return known > 0 and all(
        vocabulary.find(w, "setting", "time", "weather") or w in word_sections()["adjectives"] for w in words
    )


def clip(text: str) -> str:
    """A sentence of at most LONGEST characters, cut at a word, with a stop."""
    text = " ".join(text.split()).rstrip(" ,;:")
    if len(text) > LONGEST:
        text = text[:LONGEST].rsplit(" ", 1)[0].rstrip(" ,;:.") + "…"
    text = re.sub(r"(\w)([\"”])$", r"\1.\2", text)
    return text if text.endswith((".", "!", "?", "…", '"', "”")) else text + "."


def where_in_frame(key: str, crossing: bool = False) -> str:
    """Where somebody alone stands, the same for the same key (who, and in which place): "on the left "; who
    crosses the frame is in its centre. Words that leave it open make a small model draw both ends of its
    doubt: the same figure twice. (Who stands is not put in the centre: there the mini world has its couples.)
    """
    return f"{phrasebook.CROSSING if crossing else random.Random(key).choice(phrasebook.WHERE)} "


_TELLS_WHERE = re.compile(
    r"^(?:in|on|at|by|under|near|behind|inside)\b|\b(?:left|right|cent(?:re|er)|middle)\b", re.IGNORECASE
)


def leaves_open_where(sentence: str) -> bool:
    """Whether a sentence can begin with where somebody stands: it does not say so, nor begin with a place."""
    return not _TELLS_WHERE.search(sentence)


def opened_by(where: str, sentence: str, name: str) -> str:
    """ "On the left, the keeper finds a bottle."; a sentence that begins with the name keeps its capital."""
    first = sentence.split(" ", 1)[0]
    if first not in ("I", *name.split()):
        sentence = sentence[:1].lower() + sentence[1:]
    return f"{where[:1].upper()}{where[1:].strip()}, {sentence}"
