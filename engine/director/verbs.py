"""English verbs: which word may be a form of which verb, and the present tense of any of them."""

from __future__ import annotations

from enum import Enum
from functools import lru_cache

from engine.vocabulary import THING_VERBS, irregular_verbs, word_sections

_VOWELS = "aeiou"
# Verbs of more than one syllable whose last consonant doubles; those of one syllable follow a rule.
_DOUBLING = frozenset(("begin", "forget", "admit", "regret", "forbid", "upset", "prefer", "occur"))


class Form(str, Enum):
    """A form that a verb can take in a sentence."""

    BASE = "walk"
    PRESENT = "walks"
    PAST = "walked"
    DONE = "walked (participle)"
    ING = "walking"


def third_person(base: str) -> str:
    """walk -> walks, cross -> crosses, hurry -> hurries, be -> is."""
    special = {"be": "is", "have": "has", "do": "does", "go": "goes"}
    if base in special:
        return special[base]
    if base.endswith("y") and base[-2:-1] not in _VOWELS:
        return base[:-1] + "ies"
    if base.endswith(("s", "sh", "ch", "x", "z", "o")):
        return base + "es"
    return base + "s"


def conjugate(base: str, plural: bool) -> str:
    """The present tense for a subject in the third person."""
    if not plural:
        return third_person(base)
    return "are" if base == "be" else base


@lru_cache(maxsize=1)
def verb_forms() -> dict[str, tuple[tuple[str, Form], ...]]:
    """Every known form -> the (base, form) pairs that it may stand for."""
    sections = word_sections()
    irregular = {base: (past, done) for base, past, done in irregular_verbs()}
    table: dict[str, dict[tuple[str, Form], None]] = {}
    for base in sorted(sections["verbs"] | sections[THING_VERBS] | irregular.keys() - {"be", "do", "have"}):
        past, done = irregular.get(base, (_past(base), _past(base)))
        forms = (
            (base, Form.BASE),
            (third_person(base), Form.PRESENT),
            (past, Form.PAST),
            (done, Form.DONE),
            (_ing(base), Form.ING),
        )
        for word, form in forms:
            table.setdefault(word, {})[base, form] = None
    return {word: tuple(pairs) for word, pairs in table.items()}


def is_thing_verb(base: str) -> bool:
    """Whether the verb's base form is more often a thing: "a boat", "to boat"."""
    return base in word_sections()[THING_VERBS]


def _doubles(base: str) -> bool:
    one_syllable = (
        sum(c in _VOWELS and (i == 0 or base[i - 1] not in _VOWELS) for i, c in enumerate(base)) == 1
    )
    shape = (
        len(base) > 2
        and base[-1] not in _VOWELS + "wxy"
        and base[-2] in _VOWELS
        and (base[-3] not in _VOWELS or base[-3:-1] == "ui")
    )
    return base in _DOUBLING or (one_syllable and shape)


def _past(base: str) -> str:
    if base.endswith("e"):
        return base + "d"
    if base.endswith("y") and base[-2:-1] not in _VOWELS:
        return base[:-1] + "ied"
    return base + base[-1] + "ed" if _doubles(base) else base + "ed"


def _ing(base: str) -> str:
    if base.endswith("ie"):
        return base[:-2] + "ying"
    if base.endswith("e") and not base.endswith(("ee", "ye", "oe")):
        return base[:-1] + "ing"
    return base + base[-1] + "ing" if _doubles(base) else base + "ing"
