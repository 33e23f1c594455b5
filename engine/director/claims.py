"""What a description plainly says of where, when and in what weather it plays, and of what its people wear.

A description is also free to name what is not there: "remembers the desert", "rows towards the island", "a
sea of faces". Only what certainly sets the scene is a claim, because a false alarm under a good description
is worse than none: a header ("A sunny desert at noon."), a place that one is in, or weather that falls.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from engine.director.denied import NEGATIONS, is_denied, there
from engine.director.english import Tag, Token, sentences, tag
from engine.director.places import phrase_start
from engine.vocabulary import Match, Vocabulary, plain_forms, word_set

SCENE = ("setting", "time", "weather")
_READ = 4000  # characters of a description that are looked at
_QUOTES = re.compile(r"\"[^\"]*\"|“[^”]*”")
# Words seen from many settings, or that mean something else as often: they set no scene by themselves.
_VAGUE = word_set("""
    boat boats ship ships lighthouse lake river riverbank canal sea ocean island bay sand sands shore coast
    trees wood garden camp wilderness road rooftop square urban cliff cliffs ridge slope field tower throne
    drawbridge keep court kingdom house home bar flat hall inside indoors interior studio dark darkness
    bright candlelight fair dry wet smoke smoky ice icy frozen frost winter wintry shower showers thunder
    haze hazy murky
""")
_HERE = {
    "setting": word_set("in on at through across along inside within amid among throughout"),
    "time": word_set("in on at during under"),
    "weather": word_set("in on through under during amid"),
}
_INDOORS = word_set("in inside within")
_MIDST = word_set("middle heart centre center midst depths")
# A sentence with one of these may tell of another place or hour: in the mind, in a picture, or not at all.
_ELSEWHERE = NEGATIONS | word_set("""
    nobody instead except if whether once yesterday tomorrow soon will would had ago future past remember
    recall dream dreamt think thought imagine miss forget forgot long wish want hope plan promise memory
    look gaze stare glance peer watch see point show picture photo photograph painting drawing poster
    postcard map story tale legend song poem film movie mirage model like about paint draw describe
""")
_FALLS = word_set("fall pour roll drift come blow")
_GARMENT = r"(?:(?:rain|over)?coat|jacket|cloak|cape|robe|parka)"
_WEARS = r"(?:in|with|wears|wearing|has)"


class Claim(NamedTuple):
    """Of one kind: the canonical word that a text plainly claims ("" for none), and all that it names."""

    plain: str
    named: frozenset[str]


def claim(text: str, kind: str, vocabulary: Vocabulary) -> Claim:
    """What a description claims of its "setting", "time" or "weather". Two different claims are none."""
    named: set[str] = set()
    plain: set[str] = set()
    for sentence in sentences(_QUOTES.sub(" ", text[:_READ])):
        matches = [match for match in vocabulary.find(sentence, kind, "person") if match.kind == kind]
        named |= {match.canonical for match in matches}
        tokens = tag(sentence) if matches else []
        if any(_elsewhere(t) for t in tokens):
            continue
        plain |= {match.canonical for match in matches if _sets_scene(tokens, match, vocabulary)}
    return Claim(plain.pop() if len(plain) == 1 else "", frozenset(named))


def deeds(text: str, vocabulary: Vocabulary) -> frozenset[str]:
    """The canonical actions that a description tells of: not what somebody does not do, or once did."""
    done: set[str] = set()
    for sentence in sentences(_QUOTES.sub(" ", text[:_READ])):
        matches = vocabulary.find(sentence, "action")
        if matches and not any(_elsewhere(token) for token in tag(sentence)):
            done |= {match.canonical for match in matches}
    return frozenset(done)


def clothes(text: str, name: str, vocabulary: Vocabulary, *, alone: bool) -> dict[str, str]:
    """kind -> canonical word of what a description says that `name` wears: {"coat": "green"}.

    Only what stands right beside the name counts, or beside "he" and "she" where somebody is `alone`.
    """
    last = re.escape(name.split()[-1]) if name.split() else r"(?!)"
    worn = rf"\b(?:{last}{'|he|she' if alone else ''}),?\s+{_WEARS}\s+((?:[\w’'\-]+\s+){{0,9}}[\w\-]+)"
    text = _QUOTES.sub(" ", text[:_READ])
    beside = re.search(worn, text, re.IGNORECASE)
    found = worn_on(beside.group(1), vocabulary) if beside else {}
    haired = re.search(rf"\b(\w+)-haired\s+{last}\b", text, re.IGNORECASE)
    colour = vocabulary.first(haired.group(1), "hair") if haired else None
    return found | ({"hair": colour} if colour else {})


def worn_on(look: str, vocabulary: Vocabulary) -> dict[str, str]:
    """The same of a look: "a man with grey hair and a straw hat in a red coat". What differs is left."""
    found: dict[str, str] = {}
    for kind, words in (("coat", rf"([\w\-]+)\s+{_GARMENT}\b"), ("hair", r"([\w\-]+)[\s\-]hair(?:ed)?\b")):
        said = (
            found for found in re.finditer(words, look, re.IGNORECASE) if not is_denied(look, found.span(1))
        )
        named = {vocabulary.first(one[1], kind) for one in said}
        if len(named) == 1 and (word := named.pop()) is not None:
            found[kind] = word
    hats = {match.canonical for match in there(look, vocabulary, "hat")}
    return found | ({"hat": hats.pop()} if len(hats) == 1 else {})


def _elsewhere(token: Token) -> bool:
    return token.lower.endswith("n't") or any(form in _ELSEWHERE for form in plain_forms(token.lower))


def _sets_scene(tokens: Sequence[Token], match: Match, vocabulary: Vocabulary) -> bool:
    """Whether a known word is where, when or in what weather the sentence plays."""
    run = [i for i, t in enumerate(tokens) if match.span[0] <= t.start < match.span[1]]
    if not run or (len(run) == 1 and tokens[run[0]].lower in _VAGUE):
        return False
    if any(t.tag in (Tag.RELATIVE, Tag.SUBORDINATOR, Tag.TO) for t in tokens[: run[0]]):
        return False  # "until it rains", "who lives in the desert", "runs to hide in the forest"
    if _happens(tokens, run[0], run[-1], match.kind):
        return True
    end = run[-1]
    while end + 1 < len(tokens) and tokens[end + 1].tag is Tag.NOUN:
        end += 1
    if end + 1 < len(tokens) and tokens[end + 1].lower == "of":
        return False  # "a sea of faces"
    if end > run[-1] and (match.kind == "setting" or not vocabulary.find(tokens[end].text, *SCENE)):
        return False  # "the desert wind" is no desert; "a rainy street" is rain
    start = phrase_start(tokens, end)
    before = tokens[start - 1] if start else None
    if before is None or before.text in ",—–":
        return not any(t.tag in (Tag.VERB, Tag.AUXILIARY) for t in tokens)
    if before.lower == "of" and start > 1 and tokens[start - 2].lower in _MIDST:
        return True
    indoors = match.kind == "setting" and match.canonical == "room"
    return before.lower in (_INDOORS if indoors else _HERE[match.kind] | _headed(tokens[end], vocabulary))


def _headed(head: Token, vocabulary: Vocabulary) -> frozenset[str]:
    """The prepositions that the last word of a phrase allows: "on a rainy night", "along a rainy street"."""
    found = vocabulary.find(head.text, *SCENE)
    return _HERE[found[0].kind] if found else frozenset()


def _happens(tokens: Sequence[Token], first: int, last: int, kind: str) -> bool:
    """Whether it "is night", "is raining" or "rains", or the snow falls."""
    if kind == "setting":
        return False
    before = [t.lower for t in tokens[max(0, first - 2) : first]]
    if before[-1:] == ["it"] or before == ["it", "is"]:
        return True
    after = tokens[last + 1 : last + 2]
    falls = bool(after) and any(form in _FALLS for form in plain_forms(after[0].lower))
    return kind == "weather" and falls and first <= 1
