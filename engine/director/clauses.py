"""Clauses of a sentence in reading order, and how each is said again in the present tense."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from engine.director.english import Clause, Tag, Token, plain, tag
from engine.director.verbs import Form, conjugate
from engine.vocabulary import word_set

_FINITE = (Tag.VERB, Tag.AUXILIARY)
_WITHOUT_OBJECT = word_set("""
    come arrive fall rise set begin start end stop die fade return break dawn appear disappear sleep wake
    rain snow strike
""")
_EACH = word_set("every each one this that last next all")
_TIMES = word_set("""
    morning afternoon evening night day week month year summer winter autumn spring sunday monday tuesday
    wednesday thursday friday saturday christmas
""")
TO_BE = frozenset(("is", "are", "was", "were", "am", "be", "been"))
_DO = frozenset(("do", "does", "did"))
_PRESENT_AUXILIARY = {
    "was": "is",
    "were": "are",
    "had": "has",
    "am": "is",
    "did": "does",
    "wasn't": "isn't",
    "weren't": "aren't",
    "hadn't": "hasn't",
    "didn't": "doesn't",
}
_OF_SEVERAL = {
    "is": "are",
    "has": "have",
    "does": "do",
    "isn't": "aren't",
    "hasn't": "haven't",
    "doesn't": "don't",
}


def clauses(sentence: str) -> list[Clause]:
    """What happens in a sentence, one clause a finite verb (or participle that a noun carries)."""
    tokens = _reduced_relatives(tag(sentence))
    found: list[Clause] = []
    start = 0
    while start < len(tokens):
        clause, start = _next_clause(tokens, start, found[-1] if found else None)
        if clause.subject or clause.group:
            found.append(clause)
    return found


def present(clause: Clause, source: str, plural: bool) -> str:
    """The verb group and the rest in the present tense: "found her at dusk" -> "finds her at dusk"."""
    rest = plain(clause.rest, source)
    joined = _joining(clause, source)
    return " ".join(part for part in (_present_group(clause, source, plural), joined, rest) if part)


def _joining(clause: Clause, source: str) -> str:
    """An "and" or "but" between the verb and a rest that could not be read as a clause of its own."""
    if not clause.group or not clause.rest:
        return ""
    between = source[clause.group[-1].end : clause.rest[0].start].strip(" ,")
    return between if between in ("and", "but", "or") else ""


def _present_group(clause: Clause, source: str, plural: bool) -> str:
    if not clause.group:
        return ""
    adverbs = [t.text.lower() for t in clause.group if t.tag is Tag.ADVERB and t.lower not in ("not", "once")]
    helpers = [t for t in clause.group if t.tag is Tag.AUXILIARY]
    main = next((t for t in clause.group if t.tag in (Tag.VERB, Tag.PARTICIPLE)), None)
    negated = any(t.lower == "not" for t in clause.group)
    progressive = main is not None and main.form is Form.ING and all(t.lower in TO_BE for t in helpers)
    if main is not None and (not helpers or (progressive and not negated)):
        if main.tag is Tag.PARTICIPLE and (negated or main.form is Form.DONE):
            return " ".join(("are" if plural else "is", *(("not",) if negated else ()), main.text))
        return " ".join((*adverbs, conjugate(main.base, plural)))
    if main is not None and main.form is Form.BASE and all(t.lower in _DO for t in helpers) and not negated:
        return " ".join((*adverbs, conjugate(main.base, plural)))  # "does she sit?" was a question: "sits"
    words = [_presently(t.text) if t in helpers else t.text for t in clause.group]
    if plural:
        words[0] = _OF_SEVERAL.get(words[0], words[0])
    return " ".join(words)


def _presently(auxiliary: str) -> str:
    return _PRESENT_AUXILIARY.get(auxiliary.casefold().replace("’", "'"), auxiliary)


def _reduced_relatives(tokens: list[Token]) -> list[Token]:
    """A past form after a noun is a participle if the real verb follows ("a child lost at sea finds …"), or
    if a comma parts it from the noun that opens the sentence.
    """
    out = list(tokens)
    for i, t in enumerate(tokens):
        if t.form is not Form.PAST or i == 0:
            continue
        if i > 1 and tokens[i - 1].text == "," and tokens[i + 1 : i + 2] and tokens[i + 1].lower == "by":
            out[i] = replace(t, tag=Tag.PARTICIPLE, form=Form.DONE)  # "races on, chased by a car"
            continue
        if i > 1 and tokens[i - 1].text == "," and tokens[i - 2].tag is Tag.NOUN and not has_verb(tokens[:i]):
            out[i] = replace(t, tag=Tag.PARTICIPLE, form=Form.DONE)  # "Alice, lost in the woods, …"
            continue
        if tokens[i - 1].tag is not Tag.NOUN:
            continue
        for later in tokens[i + 1 :]:
            if later.tag in (Tag.AND, Tag.SUBORDINATOR, Tag.RELATIVE, Tag.MARK):
                break
            if later.tag is Tag.VERB and later.form is not Form.BASE:
                out[i] = replace(t, tag=Tag.PARTICIPLE, form=Form.DONE)
                break
    return out


def has_verb(tokens: Sequence[Token]) -> bool:
    """Whether a finite verb or an auxiliary is among the tokens."""
    return any(t.tag in _FINITE for t in tokens)


@dataclass
class _Draft:
    """A clause while it is read."""

    opening: list[Token]
    subject: list[Token]
    group: list[Token]
    rest: list[Token]
    reduced: bool = False  # its verb came by "who …" or a participle, so the noun's own verb may follow

    @property
    def subordinate(self) -> bool:
        return bool(self.subject) and self.subject[0].tag is Tag.SUBORDINATOR

    def done(self, inherited: tuple[Token, ...]) -> Clause:
        while self.subject and self.subject[-1].tag is Tag.ADVERB and self.group:
            self.group.insert(0, self.subject.pop())
        trimmed = _trim(self.subject)
        subject = tuple(trimmed[1:] if trimmed and trimmed[0].tag is Tag.SUBORDINATOR else trimmed)
        if not subject and self.group:
            subject = inherited
        rest = tuple(_trim(self.rest))
        return Clause(subject, tuple(self.group), rest, tuple(_trim(self.opening)), _base(self.group))


def _base(group: Sequence[Token]) -> str:
    main = next((t.base for t in group if t.base), "")
    if main:
        return main
    return "be" if any(t.lower in TO_BE for t in group) else ("have" if group else "")


def _trim(tokens: Sequence[Token]) -> list[Token]:
    """Without commas, dashes and conjunctions at either end, or a subordinator that leads nowhere."""
    out = list(tokens)
    while out and (out[-1].tag in (Tag.AND, Tag.SUBORDINATOR) or out[-1].text in ",;:—–"):
        out.pop()
    while out and (out[0].tag is Tag.AND or out[0].text in ",;:—–"):
        out.pop(0)
    return out


def _next_clause(tokens: Sequence[Token], start: int, previous: Clause | None) -> tuple[Clause, int]:
    """The clause that begins at `start`, and where the next one begins."""
    draft = _Draft([], [], [], [])
    inherited = previous.subject if previous else ()
    i = start
    if i + 1 < len(tokens) and tokens[i].text in ",—–" and tokens[i + 1].tag is Tag.RELATIVE:
        i += 1
    if i < len(tokens) and tokens[i].tag is Tag.RELATIVE and previous is not None and previous.rest:
        inherited = _last_noun_phrase(previous.rest) or inherited
        i += 1
    while i < len(tokens):
        t = tokens[i]
        if not draft.group:
            _before_verb(draft, t, tokens, i)
        elif not draft.rest and _continues_group(draft, t, tokens, i):
            draft.group.append(t)
        elif _ends(draft, tokens, i):
            break
        else:
            draft.rest.append(t)
        i += 1
    if draft.reduced and i < len(tokens) and tokens[i].tag in _FINITE and draft.subject == []:
        draft.subject = list(inherited)
    return draft.done(inherited), max(i, start + 1)


def _before_verb(draft: _Draft, t: Token, tokens: Sequence[Token], i: int) -> None:
    in_noun = bool(draft.subject) and draft.subject[-1].tag in (Tag.NOUN, Tag.PRONOUN)
    if t.tag in _FINITE:
        draft.group.append(t)
    elif t.tag is Tag.PARTICIPLE and (in_noun or _set_off(draft.subject, t) or _not_so(draft.subject, t)):
        draft.group.append(t)
        draft.reduced = True
    elif t.tag is Tag.RELATIVE and draft.subject:
        draft.reduced = True
    elif t.text in ",:—–" and draft.subject and _is_opening(draft.subject):
        draft.opening += [*draft.subject, t]
        draft.subject = []
    elif in_noun and t.lower in ("where", "when", "while") and _finite_follows(tokens, i + 1, past_and=True):
        draft.opening += [*draft.subject, t]  # "An empty street where a girl walks": what happens comes next
        draft.subject = []
    elif in_noun and _opens_subject(draft.subject, t):
        # "In a quiet village a baker wakes": a second noun phrase after a preposition's own is the subject.
        draft.opening += draft.subject
        draft.subject = [t]
    else:
        draft.subject.append(t)


def _opens_subject(opening: Sequence[Token], t: Token) -> bool:
    """Whether a second noun phrase begins at `t`, after a preposition's own or words of time."""
    if opening[0].lower in _EACH and opening[-1].lower in _TIMES and t.text[0].isupper():
        return True  # "Every morning Anna …"
    return t.tag in (Tag.DETERMINER, Tag.POSSESSIVE, Tag.PRONOUN) and (
        _is_opening(opening) or (opening[0].lower in _EACH and opening[-1].lower in _TIMES)
    )


def _not_so(subject: Sequence[Token], t: Token) -> bool:
    """Whether a participle is said not to be so of a noun: "a girl not seen by her father"."""
    noun = len(subject) > 1 and subject[-2].tag is Tag.NOUN
    return t.form is Form.DONE and noun and subject[-1].lower == "not"


def _set_off(subject: Sequence[Token], t: Token) -> bool:
    """Whether a comma parts a participle from its noun: "Alice, lost in the woods"."""
    return (
        t.form is Form.DONE and len(subject) > 1 and subject[-1].text == "," and subject[-2].tag is Tag.NOUN
    )


def _is_opening(tokens: Sequence[Token]) -> bool:
    first = next((t for t in tokens if t.tag is not Tag.AND), None)
    return first is not None and first.tag in (Tag.PREPOSITION, Tag.SUBORDINATOR, Tag.ADVERB, Tag.PARTICIPLE)


def _continues_group(draft: _Draft, t: Token, tokens: Sequence[Token], i: int) -> bool:
    """Whether `t` still belongs to the verb group: "has just lost", "must choose"."""
    last = draft.group[-1]
    if last.tag not in (Tag.AUXILIARY, Tag.ADVERB) or not any(g.tag is Tag.AUXILIARY for g in draft.group):
        return False
    if t.tag is Tag.ADVERB:
        return i + 1 < len(tokens) and tokens[i + 1].tag in (Tag.VERB, Tag.PARTICIPLE, Tag.AUXILIARY)
    return t.tag in (Tag.VERB, Tag.AUXILIARY) or (t.tag is Tag.PARTICIPLE and last.tag is Tag.AUXILIARY)


def _ends(draft: _Draft, tokens: Sequence[Token], i: int) -> bool:
    """Whether a new clause begins at token i, once this one has its verb."""
    t = tokens[i]
    if t.tag in _FINITE and draft.reduced:
        return t.form is not Form.BASE
    if (
        draft.subordinate
        and _new_subject(tokens, i)
        and (draft.rest[-1].tag is Tag.NOUN if draft.rest else draft.group[-1].base in _WITHOUT_OBJECT)
    ):
        return True  # "When night falls the children wait": no comma parts them
    if t.tag is Tag.RELATIVE:
        return _finite_follows(tokens, i + 1, past_and=False)
    if t.tag is Tag.SUBORDINATOR:
        if i + 1 < len(tokens) and tokens[i + 1].lower in ("nobody", "no", "none"):
            return False  # "an island where nobody lives"
        return _finite_follows(tokens, i + 1, past_and=False)
    if t.tag is Tag.AND or t.text in ",:—–":
        j = i
        while j < len(tokens) and (tokens[j].tag in (Tag.AND, Tag.ADVERB) or tokens[j].text in ",:—–"):
            j += 1
        if j < len(tokens) and tokens[j].tag in (Tag.SUBORDINATOR, Tag.RELATIVE):
            return _finite_follows(tokens, j + 1, past_and=True)
        return _finite_follows(tokens, j, past_and=True)
    return False


def _finite_follows(tokens: Sequence[Token], start: int, *, past_and: bool) -> bool:
    """Whether a finite verb comes before the next break, so that words from `start` on are a clause."""
    for t in tokens[start:]:
        if t.tag in _FINITE:
            return True
        if t.tag in (Tag.SUBORDINATOR, Tag.RELATIVE, Tag.TO) or t.text in ",;:—–":
            return False
        if t.tag is Tag.AND and not past_and:
            return False
    return False


def _new_subject(tokens: Sequence[Token], i: int) -> bool:
    """Whether a noun phrase begins at token i and its own verb stands right after it."""
    if tokens[i].tag not in (Tag.DETERMINER, Tag.POSSESSIVE, Tag.PRONOUN, Tag.NOUN):
        return False
    for t in tokens[i + 1 :]:
        if t.tag in _FINITE:
            return True
        if t.tag not in (Tag.ADJECTIVE, Tag.NUMBER, Tag.NOUN):
            return False
    return False


def _last_noun_phrase(tokens: Sequence[Token]) -> tuple[Token, ...]:
    """The noun phrase at the end: what "who" and "that" stand for."""
    end = len(tokens)
    while end and tokens[end - 1].tag is not Tag.NOUN:
        end -= 1
    start = end
    while start and tokens[start - 1].tag in (Tag.NOUN, Tag.ADJECTIVE, Tag.NUMBER):
        start -= 1
    if start and tokens[start - 1].tag in (Tag.DETERMINER, Tag.POSSESSIVE):
        start -= 1
    return tuple(tokens[start:end])
