"""Man or woman, where the noun does not say: what the pronouns beside it tell ("a baker opens her shop").

A checkpoint's list of words has to draw a baker as somebody: that is a guess, and the theme's "her" is none.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Sequence

from engine.director.english import Tag, Token
from engine.director.people import Kind, tells_gender
from engine.vocabulary import word_set

_HIS = word_set("he him his himself")
_HERS = word_set("she her hers herself")
_OTHER_SEX = {"man": "woman", "woman": "man", "boy": "girl", "girl": "boy"}
_SAID = {"female": True, "woman": True, "girl": True, "male": False, "man": False, "boy": False}
_OPENS_WITH_PRONOUN = re.compile(r"(?:she|he|her|his)\b", re.IGNORECASE)


def as_told(
    kind: Kind, phrase: Sequence[Token], tokens: Sequence[Token], person: Callable[[str], Kind | None]
) -> Kind:
    """`kind` as a man or a woman by the words around its noun phrase.

    `tokens` is the sentence; `person` says what sort of character a noun names, or None. A pronoun counts
    only where it can mean nobody else: "a girl meets a baker and her father" leaves the baker open.
    """
    nouns = [t for t in phrase if t.tag is Tag.NOUN]
    told = next((_SAID[t.lower] for t in phrase if t.lower in _SAID and t not in nouns[-1:]), None)
    if told is None and not any(tells_gender(t.lower) for t in nouns):
        told = _by_pronoun(phrase, tokens, person)
    if told is None or told == (kind.person in ("woman", "girl")):
        return kind
    return Kind(_OTHER_SEX[kind.person], kind.creature)


def _by_pronoun(
    phrase: Sequence[Token], tokens: Sequence[Token], person: Callable[[str], Kind | None]
) -> bool | None:
    """Whether the first pronoun after a phrase is hers; None where it may mean somebody else."""
    after = (t for t in tokens if t.start >= phrase[-1].end and t.tag is not Tag.MARK)  # not what is spoken
    pronoun = next((t for t in after if t.lower in _HIS | _HERS), None)
    if pronoun is None or (pronoun.tag is Tag.PRONOUN and _acts_on(phrase, pronoun, tokens)):
        return None
    hers = pronoun.lower in _HERS
    for t in tokens:
        if t.start >= pronoun.start:
            break
        if t.tag is not Tag.NOUN or phrase[0].start <= t.start < phrase[-1].end:
            continue
        other = person(t.text)
        if other is None:
            continue
        sure = tells_gender(t.lower)
        if not sure or (other.person in ("woman", "girl")) == hers:
            return None
    return hers


def _acts_on(phrase: Sequence[Token], pronoun: Token, tokens: Sequence[Token]) -> bool:
    """Whether the phrase is who acts on "her": "a robot knocks and gives her a letter" tells of two."""
    if pronoun.lower not in ("him", "her") or any(
        t.tag is Tag.VERB for t in tokens if t.start < phrase[0].start
    ):
        return False
    between = [t for t in tokens if phrase[-1].end <= t.start < pronoun.start]
    return not any(
        a.tag in (Tag.NOUN, Tag.PRONOUN) and b.tag in (Tag.VERB, Tag.AUXILIARY)
        for a, b in itertools.pairwise(between)
    )


def told_with(sentence: str, following: str) -> str:
    """A sentence with the next one where that begins with "She" or "His": it still tells of the same."""
    return f"{sentence} {following}" if _OPENS_WITH_PRONOUN.match(following) else sentence
