"""What a text names only to say that it is not there: "no snow", "it never rains here", "the storm is over".

Only what a negation surely governs is denied: whoever "cannot sleep at night" has the night around them, and
whoever is "not afraid of the rain" may well stand in it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from engine.vocabulary import Match, Vocabulary, word_set

NEGATIONS = word_set("""
    not never no none nor neither without cannot don't doesn't didn't isn't aren't wasn't weren't won't
""")
_READ = 90  # characters on either side of a word that are looked at
_WORD = re.compile(r"[\w'’-]+")
_BREAK = re.compile(r"[.,;:!?()\"“”—–\n]")
_ARTICLES = word_set("a an any the this that such single one my his her its our their")
_NONE = word_set("no without neither nor")
_AT = word_set("in on at by under during through to")
_SMALL = word_set("""
    longer more yet really even ever been be being get gets getting become becomes very so too quite
    have has had having wear wears wearing wore worn
""")
_SIGN = word_set("sign signs trace traces hint hints drop drops flake flakes chance sight")
_RID = word_set("instead free devoid")  # "of"
_MET = word_set("see sees saw seen know known felt met visit visited")
_UNTIL = word_set("until till unless if")  # up to then, it is there
_MAY = re.compile(
    r"(?:\s+n?or\s+\w+)?\s+(?:can|could|will|would|shall)\b", re.IGNORECASE
)  # "no storm can stop her"
_STOPPED = r"(?:stopped|ended|passed|ceased|lifted|cleared|melted|faded|died\s+(?:down|away)|blown\s+over)"
_ENDS = re.compile(
    r"\s+(?:(?:that|which)\s+)?(?:"
    r"(?:is|are|was|were|has|have|had|['’]s)\s+(?:now\s+|finally\s+|already\s+|just\s+|long\s+|at\s+last\s+)?"
    rf"(?:{_STOPPED}|gone|(?:over|past|done)(?=\s*(?:$|[^\w\s]|(?:and|but|now|at\s+last|when|so)\b)))"
    r"|(?:never|(?:does|did|do|has|have|had|will|would)(?:\s+not|n['’]t)|won['’]t)\s+(?:comes?|came|falls?|fell)"
    r")\b",
    re.IGNORECASE,
)
_HAS_STOPPED = re.compile(
    r"\b(?:has|have|had|['’]s)\s+(?:now\s+|finally\s+|already\s+|just\s+)?(?:stopped|ceased)\s+$",
    re.IGNORECASE,
)
_STOPS = re.compile(
    r"\s+(?:now\s+|finally\s+|suddenly\s+|then\s+|slowly\s+)?"
    r"(?:stop(?:s|ped)?|end(?:s|ed)?|cease[sd]?|lift(?:s|ed)?|clear(?:s|ed)?|melt(?:s|ed)?|die[sd]?\s+(?:down|away))"
    r"\b(?!\s+(?:the|an?|h(?:im|is|er)|them|their|it|my|our)\b)",
    re.IGNORECASE,
)
_STOPS_TO = re.compile(r"(?<!never )(?<!not )(?<!n['’]t )\b(?:stop(?:s|ped)|cease[sd])\s+$", re.IGNORECASE)
_AFTER = re.compile(
    r"\b(?P<when>after|before)\s+(?:(?:the|an?|all|this|that|last)\s+)?(?:\w+\s+)?$", re.IGNORECASE
)
_BEGINS = {
    "after": re.compile(r"\s+(?:start|beg[aiu]n|c[oa]me|sets?\b|falls?\b|fell)", re.IGNORECASE),
    "before": re.compile(r"\s+(?:stop|end|cease|lift|clear|is\s+over|ha[sd]\b)", re.IGNORECASE),
}
_OR = re.compile(r"\s*,?\s+(?:or|nor)\s+(?:(?:any|an?)\s+)?", re.IGNORECASE)


def there(text: str, vocabulary: Vocabulary, *kinds: str) -> list[Match]:
    """The known words of a text, as `vocabulary.find`, without what it says is not there (any more)."""
    found = vocabulary.find(text, *kinds)
    gone = _denied(text, found)
    return [match for match in found if match not in gone]


def first_there(text: str, vocabulary: Vocabulary, kind: str) -> str | None:
    """The canonical word of `kind` that the text names first and does not deny, or None."""
    return next((match.canonical for match in there(text, vocabulary, kind)), None)


def over(text: str, vocabulary: Vocabulary) -> frozenset[str]:
    """The weathers, in canonical words, that end in a text, or of which it says that they are not there."""
    found = vocabulary.find(text, "weather")
    gone = {match.canonical for match in _denied(text, found)}
    return frozenset(gone | {match.canonical for match in found if _stops(text, match.span)})


def is_denied(text: str, span: tuple[int, int]) -> bool:
    """Whether a text says of what it names at `span` that it is not there, or is there no more."""
    before, after = text[max(0, span[0] - _READ) : span[0]], text[span[1] : span[1] + _READ]
    words = [word.casefold().replace("’", "'") for word in _WORD.findall(_BREAK.split(before)[-1])]
    if _UNTIL & set(words):
        return False
    if _ENDS.match(after) or _HAS_STOPPED.search(before):
        return True
    if _BREAK.search(before[-1:]):
        return False
    return _governed(words, after)


def _denied(text: str, found: Sequence[Match]) -> list[Match]:
    gone: list[Match] = []
    for match in found:
        listed = bool(gone) and _OR.fullmatch(text[gone[-1].span[1] : match.span[0]])
        if listed or is_denied(text, match.span) or (match.kind == "weather" and _not_now(text, match)):
            gone.append(match)  # "no rain or snow"
    return gone


def _governed(words: Sequence[str], after: str) -> bool:
    """Whether the last words before something deny it: "no", "without a", "is not yet", "never in the"."""
    rest = list(words)
    if len(rest) > 1 and rest[-2] in _NONE | _ARTICLES and rest[-1] not in _AT:
        rest.pop()  # "no deep", "without a red"
    _drop(rest, _ARTICLES)
    if len(rest) > 1 and rest[-1] in _MET and rest[-2] in ("never", "not", "ever"):
        return True  # "has never seen the sea"
    if rest[-1:] == ["of"] and len(rest) > 1 and rest[-2] in _SIGN | _RID:
        if rest[-2] in _RID:
            return True
        del rest[-2:]
        _drop(rest, _ARTICLES)
    elif rest and rest[-1] in _AT:
        rest.pop()
    _drop(rest, _SMALL)
    if not rest or not (rest[-1] in NEGATIONS or rest[-1].endswith("n't")):
        return False
    doubled = len(rest) > 1 and rest[-1] in _NONE and rest[-2] in NEGATIONS - _NONE  # "never without"
    return not doubled and not (rest[-1] in ("no", "neither", "nor") and _MAY.match(after))


def _drop(rest: list[str], words: frozenset[str]) -> None:
    while rest and rest[-1] in words:
        rest.pop()


def _not_now(text: str, match: Match) -> bool:
    """Whether a weather is named to say what came before it, or comes after: "before the storm"."""
    around = _AFTER.search(text[max(0, match.span[0] - _READ) : match.span[0]])
    if around is None or match.canonical == "snow":  # which lies when it has fallen
        return False
    return not _BEGINS[around["when"].casefold()].match(text, match.span[1])


def _stops(text: str, span: tuple[int, int]) -> bool:
    """Whether a weather ends at that moment: "the rain stops", "it stops raining"."""
    return bool(_STOPS.match(text, span[1]) or _STOPS_TO.search(text[max(0, span[0] - _READ) : span[0]]))
