"""What a theme tells, without the words that ask for a film of it.

"A film about an old clockmaker who …" tells of a clockmaker, and no film is to be seen in it. A question is
read as what it asks about: "Why does the woman sit by the sea?" shows a woman who sits by the sea.
"""

from __future__ import annotations

import re

from engine.director.clauses import has_verb
from engine.director.english import DETERMINERS, POSSESSIVES, Tag, Token, sentences, tag
from engine.director.verbs import Form, verb_forms

_FILM = r"(?:film|movie|story|tale|video|clip|animation|documentary|drama|comedy|trailer|storyboard|short)"
_NOUN_OPENS = r"(?=(?:an?|the|one|two|three|four|five|six|some|my|his|her|their|our|\d+)\s)"
_PLEASE = r"(?:please,?\s+|(?:can|could|would)\s+you\s+(?:please\s+)?)?"
_FRAMES = (
    re.compile(
        rf"{_PLEASE}(?:(?:make|tell|show|write|direct|shoot|create|draw|give|i\s+want|i(?:['’]d|\s+would)\s+like)"
        rf"\s+(?:me\s+|us\s+)?)?(?:an?|the|one)\s+(?:[\w'’-]+\s+){{0,3}}?{_FILM}"
        rf"(?:\s+noir)?(?P<aside>\s+(?:without|with\s+no)(?:\s+any)?\s+[\w'’-]+)?"
        rf"(?:\s+(?:about|of|in\s+which|where|that\s+shows|showing)\s+|:\s*)",
        re.IGNORECASE,
    ),
    re.compile(
        rf"{_PLEASE}(?:show(?:\s+(?:me|us))?|imagine|picture|we\s+(?:see|follow|watch|open\s+on)|(?:a|the)\s+"
        rf"(?:scene|shot|picture|view)s?\s+of|tell\s+(?:me|us)\s+about|cut\s+to:?|fade\s+in:?)\s+{_NOUN_OPENS}",
        re.IGNORECASE,
    ),
)
_HOW_TO = re.compile(r"^(?:how\s+to\s+|first(?:ly)?,?\s+(?=(?:an?|the|my|his|her)\s))", re.IGNORECASE)
_WHAT_IF = re.compile(
    r"what\s+(?:if|would\s+happen\s+if|happens?\s+(?:if|when)|\w+\s+\w+\s+do\s+(?:if|when))\s+", re.IGNORECASE
)
_QUESTION_WORD = re.compile(r"(?:and\s+|but\s+)?(?:why|how|when|where)\s+", re.IGNORECASE)
_AUXILIARY = re.compile(
    r"(do|does|did|is|are|was|were|has|have|had|can|could|will|would|must|should|may|might)\s+", re.IGNORECASE
)


def without_frame(theme: str) -> str:
    """The theme without an opening that only asks for a film, or says that this is one."""
    for frame in _FRAMES:
        found = frame.match(theme)
        if found and theme[found.end() :].strip(" .!?"):
            theme = theme[found.end() :]
            aside = found.groupdict().get("aside")  # it says of the film who is not in it
            theme = f"{theme.rstrip(' .!')},{aside}" if aside else theme
            return theme[:1].upper() + theme[1:]
    return theme


def split_title(theme: str) -> tuple[str, str]:
    """A first line in capitals, which is a title, and the rest; no title where all is in capitals."""
    first, *more = sentences(theme)
    told = theme[theme.find(first) + len(first) :].strip() if first.isupper() and first in theme else ""
    if not more or not told or told.isupper() or len(first) < 4:
        return "", theme
    return first.rstrip(" .!:;,").title(), told


def stated(sentence: str) -> str:
    """A question or an order as a statement; any other sentence, and one that asks who or what, as it is."""
    if sentence[:1] in '"“':
        return sentence
    opens = _HOW_TO.match(sentence)
    sentence = _capital(sentence[opens.end() :]) if opens else sentence
    if not sentence.rstrip('"”’) ').endswith("?"):
        return f"You {_in_one(sentence[:1].lower() + sentence[1:])}" if _is_order(sentence) else sentence
    supposed = _WHAT_IF.match(sentence)
    if supposed:
        return _capital(sentence[supposed.end() :].rstrip(" ?") + ".")
    asked = _QUESTION_WORD.match(sentence)
    rest = sentence[asked.end() :] if asked else sentence
    auxiliary = _AUXILIARY.match(rest)
    if auxiliary is None:
        return sentence
    told = rest[auxiliary.end() :].rstrip(" ?")
    end = _subject_ends(tag(told), auxiliary[1].casefold())
    if end is None:
        return sentence
    return _capital(f"{told[:end].rstrip()} {auxiliary[1].lower()} {told[end:].lstrip()}.")


def _in_one(orders: str) -> str:
    """Orders one after another as what one does: "climb the hill, sit down" -> "… and sit down"."""
    return re.sub(r",\s+(?:and\s+)?(?:then\s+)?(\w+)", _and_then, orders)


def _and_then(found: re.Match[str]) -> str:
    order = any(form is Form.BASE for _, form in verb_forms().get(found[1].casefold(), ()))
    return f" and {found[1]}" if order else found[0]


def _is_order(sentence: str) -> bool:
    """Whether a sentence begins with its only verb and what that acts on: "Find the lost child!"."""
    words = sentence.split(maxsplit=2)
    if len(words) < 3 or words[1].casefold() not in DETERMINERS | POSSESSIVES or words[0].casefold() == "let":
        return False
    if not any(form is Form.BASE for _, form in verb_forms().get(words[0].casefold(), ())):
        return False
    return not has_verb(tag(sentence.split(",", 1)[0]))


def _subject_ends(tokens: list[Token], auxiliary: str) -> int | None:
    """Where the subject of a question ends: before its verb, or before what it is said to be."""
    noun = False
    for t in tokens:
        forms = {form for _, form in verb_forms().get(t.lower, ())}
        if noun and (t.tag in (Tag.VERB, Tag.PARTICIPLE, Tag.AUXILIARY, Tag.ADVERB) or t.lower == "not"):
            return t.start
        if noun and forms & {Form.BASE, Form.ING, Form.DONE}:
            return t.start
        if noun and auxiliary in ("is", "are", "was", "were") and t.tag in (Tag.ADJECTIVE, Tag.PREPOSITION):
            return t.start
        noun = noun or t.tag in (Tag.NOUN, Tag.PRONOUN)
    return None


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
