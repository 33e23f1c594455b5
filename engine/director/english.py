"""A small reading of English: sentences, parts of speech, and what a clause is.

No grammar of English, only what themes and treatments need: word lists, the neighbours of a word, and the
order subject - verb - rest. What it cannot read it leaves whole, so that nothing a user wrote is bent out
of shape.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from engine.director.verbs import Form, is_thing_verb, verb_forms
from engine.vocabulary import singulars, word_sections, word_set

_TOKEN = re.compile(r"[^\W_]+(?:['’\-][^\W_]+)*['’]?|[,;:—–()]|[\"“”]")
_SENTENCE = re.compile(r"(?<=[.!?…])[\"”’)]*\s+(?=[\"“‘(]?[A-Z0-9])|\n+|(?<=;)\s+")
_QUOTE = re.compile(r"\"[^\"]*\"|“[^”]*”")
_ABBREVIATIONS = re.compile(r"\b(Mr|Mrs|Ms|Dr|St|Prof|Capt|Sgt|Jr|Sr)\.")


class Tag(str, Enum):
    """Part of speech, as coarse as the reading needs."""

    DETERMINER = "det"
    POSSESSIVE = "poss"
    PRONOUN = "pron"
    PREPOSITION = "prep"
    AND = "and"
    SUBORDINATOR = "sub"
    RELATIVE = "rel"
    AUXILIARY = "aux"
    TO = "to"
    ADVERB = "adv"
    ADJECTIVE = "adj"
    NUMBER = "num"
    NOUN = "noun"
    VERB = "verb"
    PARTICIPLE = "participle"
    MARK = "mark"


DETERMINERS = word_set("a an the this that these those some any each every another no both all")
POSSESSIVES = word_set("my your his her its our their whose")
PRONOUNS = word_set(
    "i you he she it we they me him them us someone somebody something anyone anybody everyone "
    "everybody nobody "
    "nothing everything himself herself itself themselves one"
)
PREPOSITIONS = word_set(
    "of in on at by for with without within from into onto upon over under above below beneath "
    "between among amid "
    "against along across through throughout during behind beside besides beyond near past around "
    "about towards "
    "toward up down off out inside outside underneath despite like as via"
)
SUBORDINATORS = word_set(
    "when while until till because if although though unless whereas before after since where once"
)
NUMBERS = word_set("two three four five six seven eight nine ten")
AUXILIARIES = word_set(
    "is are was were be been being am has have had does do did will would shall should can could "
    "may might must "
    "cannot isn't aren't wasn't weren't doesn't don't didn't can't won't couldn't wouldn't hasn't hadn't"
)
_ADVERBS = word_set(
    "not never always often sometimes soon now then there here just only even still already almost "
    "also too very "
    "quite rather suddenly finally together alone apart forever instead away back home again once "
    "never slowly anyway anyhow later afterwards meanwhile otherwise somehow somewhere elsewhere everywhere "
    "nowhere upstairs downstairs indoors outdoors ashore nearby"
)
_AFTER_HER = word_set("and or but then to again alone together away forever there here now soon too")
_ACTS_ON_NOBODY = word_set(
    "smile laugh cry weep walk sleep speak talk come go return arrive die lie stand sit wait"
)
_LIKE_ADJECTIVES = ("y", "ful", "ous", "less", "ish", "ic", "al", "ed", "ing")
_ONE = word_set("a an another each every")
_NOUN_OPENERS = (Tag.DETERMINER, Tag.POSSESSIVE, Tag.ADJECTIVE, Tag.NUMBER)


@dataclass(frozen=True)
class Token:
    """A word or mark: as written, its tag, the verb it is a form of, and its place in the sentence."""

    text: str
    tag: Tag
    start: int
    end: int
    base: str = ""
    form: Form | None = None

    @property
    def lower(self) -> str:
        return self.text.casefold()


@dataclass(frozen=True)
class Clause:
    """Who does what. `group` is the verb group, of which `verb` is the base; `rest` stands as written.

    `opening` is what stood before the subject ("On a stormy night"). An empty `verb` means a phrase:
    `subject` then holds all of it.
    """

    subject: tuple[Token, ...]
    group: tuple[Token, ...] = ()
    rest: tuple[Token, ...] = ()
    opening: tuple[Token, ...] = ()
    verb: str = ""


def sentences(text: str) -> list[str]:
    """Sentences, lines and semicolon parts that hold at least one word, in order, each on one line."""
    guarded = _ABBREVIATIONS.sub("\\1\0", text)
    parts = (" ".join(p.replace("\0", ".").split()) for p in _SENTENCE.split(guarded))
    return [p for p in parts if any(c.isalpha() for c in p)]


def tag(sentence: str) -> list[Token]:
    """Tokens with their parts of speech, decided from left to right by the neighbours."""
    raw = [(m.group(), m.start(), m.end()) for m in _TOKEN.finditer(sentence)]
    words = [w.casefold().replace("’", "'") for w, _, _ in raw]
    tokens: list[Token] = []
    spoken = _spoken(sentence)
    for i, (text, start, end) in enumerate(raw):
        if any(first < start < last for first, last in spoken):
            tokens.append(Token(text, Tag.MARK, start, end))  # who speaks of Help has not met him
            continue
        after = words[i + 1] if i + 1 < len(words) else ""
        kind, base, form = _tag_word(text, words[i], after, tokens)
        tokens.append(Token(text, kind, start, end, base, form))
    return tokens


def _spoken(sentence: str) -> list[tuple[int, int]]:
    """Where in a sentence somebody is quoted; a sentence that is one quotation tells what happens."""
    found = [m.span() for m in _QUOTE.finditer(sentence)]
    return [] if sum(last - first for first, last in found) >= len(sentence.rstrip(" .!?,;")) else found


def _tag_word(text: str, word: str, after: str, before: Sequence[Token]) -> tuple[Tag, str, Form | None]:
    kind = _closed_class(word, after, before)
    if kind is not None:
        return kind, "", None
    # A capital inside a sentence is a name, whatever the word also means: "Rose", "Will", "Hunter".
    named = text[0].isupper() and bool(before) and not text.isupper() and before[-1].text not in '"“:'
    possible = () if named else verb_forms().get(word, ())
    verb = _as_verb(possible, word, after, before)
    if verb is not None:
        return verb
    guess = None if possible or named else _guessed_verb(word, after, before)
    if guess is not None:
        return guess
    adjectives = word_sections()["adjectives"]
    participle = any(form in (Form.ING, Form.DONE, Form.PAST) for _, form in possible)
    if word in adjectives or (participle and after and _opens(before)):
        return Tag.ADJECTIVE, "", None
    if word.endswith("ly") and len(word) > 4 and not _opens(before) and not named:
        return Tag.ADVERB, "", None
    return Tag.NOUN, "", None


def _closed_class(word: str, after: str, before: Sequence[Token]) -> Tag | None:
    """The tag of a function word, or None for an open-class word."""
    if not word[0].isalnum():
        return Tag.MARK
    last = before[-1].tag if before else None
    if word in ("who", "which") or (word == "that" and last is Tag.NOUN):
        return Tag.RELATIVE
    if word == "to":
        verb = any(form is Form.BASE for _, form in verb_forms().get(after, ())) or after == "be"
        return Tag.TO if verb else Tag.PREPOSITION
    if word == "once" and last is Tag.NOUN and verb_forms().get(after):
        return Tag.ADVERB  # "where she once lived"
    if word in SUBORDINATORS or (
        word == "as" and after in DETERMINERS | PRONOUNS | POSSESSIVES and last is not None
    ):
        return Tag.SUBORDINATOR
    if word in ("both", "all", "each") and last is Tag.PRONOUN:
        return Tag.ADVERB  # "they both laugh"
    tables: tuple[tuple[frozenset[str], Tag], ...] = (
        (frozenset(("and", "or", "but", "then")), Tag.AND),
        (AUXILIARIES, Tag.AUXILIARY),
        (POSSESSIVES, Tag.POSSESSIVE),
        (DETERMINERS, Tag.DETERMINER),
        (NUMBERS, Tag.NUMBER),
        (PRONOUNS, Tag.PRONOUN),
        (_ADVERBS, Tag.ADVERB),
        (PREPOSITIONS, Tag.PREPOSITION),
    )
    if word == "her" and last in (Tag.VERB, Tag.PARTICIPLE, Tag.PREPOSITION) and _stands_alone(after):
        return Tag.PRONOUN
    return next((kind for table, kind in tables if word in table), None)


def _stands_alone(after: str) -> bool:
    """Whether the word after "her" begins something of its own: "gives her a letter", "sees her again"."""
    own = DETERMINERS | POSSESSIVES | PREPOSITIONS | SUBORDINATORS | _AFTER_HER
    return not after or not after[0].isalnum() or after in own


def _opens(before: Sequence[Token]) -> bool:
    """Whether a noun phrase is open: the next word belongs to it."""
    return bool(before) and before[-1].tag in _NOUN_OPENERS


def _as_verb(
    possible: Sequence[tuple[str, Form]], word: str, after: str, before: Sequence[Token]
) -> tuple[Tag, str, Form] | None:
    """The word as a verb, where it may be one and its neighbours allow it."""
    if not possible:
        return None
    forms = {form: base for base, form in reversed(possible)}
    last = next((t for t in reversed(before) if t.tag is not Tag.ADVERB), None)
    if last is None:
        # A phrase may open with a participle; a base form at the start is read as a noun ("Love in Paris").
        return (Tag.PARTICIPLE, forms[Form.ING], Form.ING) if Form.ING in forms else None
    if last.tag is Tag.TO and Form.BASE in forms:
        return Tag.VERB, forms[Form.BASE], Form.BASE
    if last.tag is Tag.AUXILIARY:
        order = (Form.ING, Form.DONE, Form.BASE, Form.PAST)
        chosen = next((f for f in order if f in forms), None)
        return (Tag.VERB, forms[chosen], chosen) if chosen else None
    if last.tag in _NOUN_OPENERS or last.tag is Tag.PREPOSITION:
        ing_clause = last.tag is Tag.PREPOSITION and Form.ING in forms and after in DETERMINERS | POSSESSIVES
        return (Tag.PARTICIPLE, forms[Form.ING], Form.ING) if ing_clause else None
    if Form.ING in forms:
        return Tag.PARTICIPLE, forms[Form.ING], Form.ING
    told = (
        last.tag is Tag.VERB and last.base in _ACTS_ON_NOBODY and any(t.tag is Tag.RELATIVE for t in before)
    )
    if told and Form.PRESENT in forms:
        return Tag.VERB, forms[Form.PRESENT], Form.PRESENT  # "a boy who never smiles walks …"
    subject_open = last.tag in (Tag.NOUN, Tag.PRONOUN, Tag.RELATIVE, Tag.AND, Tag.MARK)
    if not subject_open:
        return None
    has_verb = any(t.tag is Tag.VERB for t in before)
    if Form.PRESENT in forms:
        base = forms[Form.PRESENT]
        blocked = is_thing_verb(base) and (has_verb or not after) and after not in DETERMINERS | POSSESSIVES
        blocked = blocked and not (after and _only_one(before))
        listed = last.tag is Tag.MARK and not has_verb and not (after and after[0].isalnum())
        blocked = blocked or (listed and is_thing_verb(base))  # "waves, rocks, gulls"
        return None if blocked else (Tag.VERB, base, Form.PRESENT)
    if Form.PAST in forms and Form.DONE in forms and before[-1].lower == "not" and last.tag is Tag.NOUN:
        return Tag.PARTICIPLE, forms[Form.DONE], Form.DONE  # "a girl not loved by anybody"
    if Form.PAST in forms:
        if last.tag is Tag.MARK and after not in DETERMINERS | POSSESSIVES | PREPOSITIONS | PRONOUNS:
            return None  # "old fisherman, lost child"
        return Tag.VERB, forms[Form.PAST], Form.PAST
    doers = before[: before.index(last) + 1]  # without "both" and "slowly"
    bare = Form.BASE in forms and _plural_subject(doers, has_verb)  # "they become", "they run"
    if Form.DONE in forms and not bare:
        return Tag.PARTICIPLE, forms[Form.DONE], Form.DONE
    base = forms[Form.BASE]
    if last.text == "," and not has_verb:
        head = before[: next(i for i, t in enumerate(before) if t.text == ",")]
        several = len(head) < len(before) - 1 and bool(head) and _plural_subject(head, False)
        several = several and after in DETERMINERS | POSSESSIVES | PREPOSITIONS
        return (Tag.VERB, base, Form.BASE) if several else None  # "Tom and Lucy, both tired, cross the …"
    return (Tag.VERB, base, Form.BASE) if _plural_subject(doers, has_verb) else None


def _only_one(before: Sequence[Token]) -> bool:
    """Whether a clause opens with "and a stranger": what ends in -s then is no noun, for "a" has one."""
    i = len(before)
    while i and before[i - 1].tag in (Tag.NOUN, Tag.ADJECTIVE):
        i -= 1
    opens = (
        i > 1 and before[i - 1].lower in _ONE and before[i - 2].tag in (Tag.AND, Tag.MARK, Tag.SUBORDINATOR)
    )
    return opens and i < len(before)


def _guessed_verb(word: str, after: str, before: Sequence[Token]) -> tuple[Tag, str, Form] | None:
    """A word of no list that stands where a verb must: "the miller winnows the grain"."""
    if _several_named(before, word) and after in DETERMINERS | POSSESSIVES | PREPOSITIONS:
        return Tag.VERB, word, Form.BASE  # "Paul and Maria quarrel in …"
    singular_subject = bool(before) and before[-1].tag is Tag.NOUN and not is_plural(before[-1].lower)
    if singular_subject and (_counted(before) or before[-1].lower.endswith(_LIKE_ADJECTIVES)):
        return None  # "two chess players", "the snowy mountains": what ends in -s is what there are
    if bool(before) and before[-1].tag is Tag.NOUN and word.endswith("ed") and after in PREPOSITIONS:
        return Tag.PARTICIPLE, word[:-2], Form.DONE  # "an astronaut marooned on Mars"
    if not singular_subject or any(t.tag is Tag.VERB for t in before):
        return None
    if after not in DETERMINERS | POSSESSIVES | PREPOSITIONS | PRONOUNS:
        return None
    if word.endswith("s") and singulars(word):
        return Tag.VERB, singulars(word)[0], Form.PRESENT
    return None


def _set_apart(before: Sequence[Token]) -> bool:
    """Whether a comma comes before any verb: "After the funeral, three brothers …"."""
    return next((t.text == "," for t in before if t.text == "," or t.tag is Tag.VERB), False)


def _counted(before: Sequence[Token]) -> bool:
    """Whether the noun phrase that is open began with a number."""
    i = len(before)
    while i and before[i - 1].tag in (Tag.NOUN, Tag.ADJECTIVE):
        i -= 1
    return i > 0 and before[i - 1].tag is Tag.NUMBER


def _several_named(before: Sequence[Token], word: str) -> bool:
    """Whether several people were named or counted, and nothing yet that they do: "Paul and Maria …"."""
    if word.endswith("s") or not before or before[-1].tag is not Tag.NOUN:
        return False
    if any(t.tag not in (Tag.NOUN, Tag.AND, Tag.NUMBER, Tag.ADJECTIVE) for t in before):
        return False
    joined = any(t.tag is Tag.AND for t in before) and before[-1].text[0].isupper()
    return joined or (_counted(before) and is_plural(before[-1].lower))


def _plural_subject(before: Sequence[Token], has_verb: bool) -> bool:
    """Whether a base form can be a finite verb here: after a plural subject, or beside another base form."""
    last = before[-1]
    if last.tag is Tag.RELATIVE:
        return len(before) > 1 and _plural_subject(before[:-1], False)  # "two old friends who meet again"
    joint = next((i for i in reversed(range(len(before))) if before[i].tag is Tag.SUBORDINATOR), None)
    if joint and not any(t.tag is Tag.VERB for t in before[joint:]):
        return _plural_subject(before[joint + 1 :], False) if before[joint + 1 :] else False
    if has_verb:
        finite = next((t for t in reversed(before) if t.tag is Tag.VERB), None)
        if (
            before[0].tag is Tag.SUBORDINATOR
            and not _set_apart(before)
            and sum(t.tag is Tag.VERB for t in before) == 1
        ):
            return last.tag is Tag.NOUN and is_plural(last.lower)  # "When night falls the children wait"
        return last.tag is Tag.AND and finite is not None and finite.form is Form.BASE
    if last.tag is Tag.PRONOUN:
        return last.lower in ("i", "you", "we", "they")
    joined = any(t.tag is Tag.AND for t in before)
    return last.tag is Tag.NOUN and (joined or is_plural(last.lower))


_ONE_WITH_S = word_set("""
    james thomas charles nicholas lucas agnes frances dolores mercedes hans jens lars niels nils anders
    matthias tobias elias jonas andreas johannes silas hercules achilles socrates moses douglas giles rhys
    carlos marcos christmas chaos news gas lens atlas canvas texas athens naples wales
""")


def is_plural(noun: str) -> bool:
    """Whether a noun (in small letters) looks like more than one."""
    if noun in _ONE_WITH_S:
        return False
    irregular = ("men", "women", "children", "people", "mice", "geese", "wolves")
    return noun.endswith(irregular) or (noun.endswith("s") and not noun.endswith(("ss", "us", "is", "'s")))


def plain(tokens: Sequence[Token], source: str) -> str:
    """The tokens as they were written, from the first to the last."""
    return source[tokens[0].start : tokens[-1].end] if tokens else ""
