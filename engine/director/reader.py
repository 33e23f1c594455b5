"""Reads a theme into a breakdown, sentence by sentence, remembering whom and what it has met."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import replace

from engine.director.asked import stated
from engine.director.breakdown import Actor, Breakdown, Event
from engine.director.casting import Casting
from engine.director.clauses import TO_BE, clauses, present
from engine.director.denied import is_denied, over, there
from engine.director.english import Clause, Tag, Token, is_plural, plain, sentences, tag
from engine.director.gender import told_with
from engine.director.nobody import says_nobody, without_asides
from engine.director.nouns import (
    as_written,
    described,
    moved_token,
    named_apposition,
    names_only,
    noun_phrases,
    quoted,
    shortened,
    split_purpose,
    thing,
    unquoted,
    who_wears,
    with_subject,
    worn_in,
    written_out,
)
from engine.director.places import Spot, find_place, implied_place, is_place_name
from engine.director.pronouns import (
    ABSENT,
    OF_THE_MIND,
    Meant,
    by_teller,
    is_absent,
    meant_as_subject,
    meant_by_objects,
    predicate_by_name,
    sentence_by_name,
)
from engine.director.reading import reads_english
from engine.story import TimeOfDay
from engine.vocabulary import Vocabulary, word_set

_PREDICATE = frozenset(("be", "become", "remain", "seem", "appear"))
_COMING = word_set("""
    come return arrive appear show answer reply call write exist reach get turn meet join visit enter
""")
"""Who never does this is not there; who never smiles, is."""
_NO_HOUR = frozenset(("day", "dark", "bright", "darkness"))  # "a day at the sea", "a dark coat"
MOST_SENTENCES = 240
_OPEN_AIR = ("forest", "city", "beach", "desert", "mountains", "castle", "harbour")


def break_down(theme: str, vocabulary: Vocabulary, rng: random.Random, people_only: bool = True) -> Breakdown:
    """Reads a theme, sentence by sentence. `people_only`: whoever is no human is played by one."""
    theme = unquoted(theme)
    told = without_asides(theme)
    reader = _Reader(theme, vocabulary, rng, people_only)
    parts = sentences(told)
    step = max(1, -(-len(parts) // MOST_SENTENCES))  # a book is read in samples, or it would take minutes
    for number, sentence in enumerate(parts[::step]):
        following = parts[number * step + 1 : number * step + 2]
        reader.read(sentence, number, *following)
    return reader.finish()


class _Reader(Casting):
    """Goes through a text once and remembers whom and what it has met."""

    def __init__(self, theme: str, vocabulary: Vocabulary, rng: random.Random, people_only: bool) -> None:
        super().__init__(theme, vocabulary, rng, people_only)
        self.heard: dict[Actor, int] = {}  # the last sentence that told of somebody
        self.meant: Meant = {}  # of this sentence: whom its object pronouns mean
        self.thing = ""
        self.subjects: dict[tuple[Token, ...], tuple[Actor, ...]] = {}  # of this sentence: clauses share them
        self.doing: set[tuple[Token, ...]] = set()  # of this sentence: subjects of what is not denied

    def read(self, sentence: str, number: int, following: str = "") -> None:
        self.number = number
        self.subjects.clear()
        self.named.clear()
        self.meant.clear()
        sentence = shortened(stated(shortened(written_out(sentence))))
        if not reads_english(sentence, self.vocabulary):
            self.result.foreign = True
            self.result.events.append(as_written(sentence, number))
            return
        before = len(self.result.events)
        self.tokens = tag(told_with(sentence, shortened(following)))
        told = clauses(sentence)
        self.doing = {c.subject for c in told if not _denies(c)}
        for clause in told:
            deed, purpose = split_purpose(clause)
            self._clause(deed, sentence)
            if purpose is not None:
                self._clause(purpose, sentence)
        events = self.result.events
        named = sentence_by_name(sentence, self.meant, self.named.values())
        events[before:] = [replace(e, source=named) for e in events[before:]]

    def finish(self) -> Breakdown:
        result = self.result
        result.empty = not result.actors and says_nobody(self.theme, self.vocabulary)
        if not result.actors and not result.empty:
            result.invented = True
            actor = self._owner() or self._traveller()
            result.events = [with_subject(e, actor) for e in result.events]
        if not result.spots:
            result.implied = True
            nouns = [*(a.key for a in result.actors), *re.findall(r"[^\W\d_]+", self.theme[:2000].casefold())]
            warm = () if result.weather != "snow" else ("beach", "desert")  # where it does not snow
            open_air = [place for place in _OPEN_AIR if place not in warm]
            result.spots.append(implied_place(nouns, self.rng.choice(open_air)))
        return result

    def _clause(self, clause: Clause, source: str) -> None:
        absent = _denies(clause)
        there_all_the_same = clause.subject in self.doing or _is_there(clause)
        if clause.subject not in self.subjects:
            self.subjects[clause.subject] = self._subject(clause, source, absent and not there_all_the_same)
        subject = self.subjects[clause.subject]
        objects = self._objects(clause, source) if not absent else ()
        meant = self._pronouns(clause, (*subject, *objects))
        self.meant |= meant
        named = () if absent else (a for who in meant.values() for a in who)
        others = tuple(dict.fromkeys(a for a in (*named, *objects) if a not in subject))
        parts = (clause.opening, clause.subject, clause.group, clause.rest)
        text = " ".join(plain(part, source) for part in parts if part)
        spot = self._spot(clause, source)
        told = {m.canonical for m in there(source, self.vocabulary, "time", "weather")}
        now = [m for m in there(text, self.vocabulary, "time", "weather") if m.canonical in told]
        times = [m for m in now if m.kind == "time"]
        when = TimeOfDay(times[0].canonical) if times else None
        for m in times:
            if TimeOfDay(m.canonical) not in self.result.times:
                self.result.times.append(TimeOfDay(m.canonical))
            hour = text[slice(*m.span)].lower() not in _NO_HOUR
            if hour and TimeOfDay(m.canonical) not in self.result.hours:
                self.result.hours.append(TimeOfDay(m.canonical))
        plural = len(subject) > 1 or any(a.plural for a in subject)
        if not subject and clause.subject:
            last = clause.subject[-1].lower
            plural = is_plural(last) or last in ("they", "these", "those")
        words = predicate_by_name(present(clause, source, plural), clause.rest, meant, self.thing, source)
        if any(a.key == "traveller" for a in subject):
            words = by_teller(words, subject[0])
        if words and subject:
            words = " with ".join((words, *self._beside(clause.subject, source)))
        event = Event(
            subject=subject,
            subject_text=plain(clause.subject, source),
            verb=clause.verb,
            predicate=words,
            others=others,
            thing=self._thing(clause, source),
            spot=spot,
            time=when,
            weather=next((m.canonical for m in now if m.kind == "weather"), None),
            over=over(text, self.vocabulary),
            quote=quoted(source),
            sentence=self.number,
            source=source,
            later=self.number > 0 and bool(self.vocabulary.find(plain(clause.opening, source), "time")),
        )
        self.last = [*subject, *others, *(a for a in self.last if a not in subject and a not in others)]
        self.heard |= dict.fromkeys((*subject, *others), self.number)
        self.thing = event.thing or self.thing
        self.result.events.append(event)

    # ---- places

    def _spot(self, clause: Clause, source: str) -> Spot | None:
        for part in (clause.opening, clause.rest, clause.subject):
            text = plain(part, source)
            if not text:
                continue
            moved = [moved_token(t, part[0].start) for t in part]
            verb, before = (
                ("be", "") if part is not clause.rest else (clause.verb, plain(clause.group, source))
            )
            spot = find_place(moved, verb, text, self.vocabulary, before)
            if spot is not None:
                known = next((s for s in self.result.spots if s.place.name == spot.place.name), None)
                if known is None:
                    known = next(
                        (s for s in self.result.spots if s.the.split()[-1] == spot.the.split()[-1]), None
                    )
                if known is None:
                    self.result.spots.append(spot)
                return known or spot
        return None

    # ---- people

    def _subject(self, clause: Clause, source: str, absent: bool) -> tuple[Actor, ...]:
        self.worn = worn_in(clause, source)
        head = [t for t in clause.subject if t.tag is not Tag.ADVERB]
        if len(head) == 1 and head[0].tag is Tag.PRONOUN:
            if head[0].lower in ("i", "you", "we") and clause.verb:
                return (self._teller(),)
            unheard = (
                clause.verb and not absent and self.tokens[0].tag is not Tag.SUBORDINATOR
            )  # "When she wakes, Anna …"
            if head[0].lower in ("he", "she", "they") and unheard:
                someone = self._someone(head[0].lower)
                if someone:
                    return someone
            met = meant_as_subject(head[0].lower, self.last)
            other = absent and head[0].lower == ("he" if met and met[0].he == "she" else "she")
            return () if other and met and met[0].he in ("he", "she") else met  # "She waits. He never comes."
        found: list[Actor] = []
        for phrase in noun_phrases(clause.subject):
            at = clause.subject.index(phrase[0])
            before = clause.subject[at - 1] if at else None
            if before is not None and before.text == "," and named_apposition(phrase, clause.subject):
                continue
            listed = before is not None and (before.tag is Tag.AND or _in_list(clause.subject, before))
            if before is not None and not listed and clause.verb:
                break  # "a woman in a yellow raincoat": only the first phrases are the subject
            if before is not None and before.lower == "without":
                continue
            if phrase[-1].text[0].isupper() and is_place_name(phrase[-1].text, before, clause.verb):
                continue
            actor = self._actor(
                phrase,
                source,
                acts=bool(clause.verb) or names_only(clause.subject) or phrase[0].tag is Tag.NUMBER,
                words=plain(clause.subject if not at else described(clause.subject[at:]), source),
                new=not absent,
            )
            if actor is not None and actor not in found:
                found.append(actor)
        if found and clause.verb and [t.lower for t in clause.subject[-2:]] == ["and", "i"]:
            found.append(self._teller())  # "my sister and I"
        return tuple(found)

    def _objects(self, clause: Clause, source: str) -> tuple[Actor, ...]:
        found: list[Actor] = []
        tokens = () if clause.verb in _PREDICATE else clause.rest
        for phrase in noun_phrases(tokens):
            index = tokens.index(phrase[0])
            before = tokens[index - 1] if index else None
            if self._is_owned(phrase) or is_absent(before, clause.verb):
                continue
            if phrase[-1].text[0].isupper() and is_place_name(phrase[-1].text, before, clause.verb):
                continue
            self.worn = who_wears(source[phrase[-1].end :])
            actor = self._actor(
                phrase, source, acts=False, words=plain(described(tokens[index:]), source), new=True
            )
            if actor is not None and actor not in found:
                found.append(actor)
        return tuple(found)

    def _pronouns(self, clause: Clause, but: tuple[Actor, ...]) -> Meant:
        """Whom the object pronouns of a clause mean, where that is sure; not one of `but`."""
        met = [a for a in self.last if a not in but]
        lately = [a for a in met if self.heard.get(a, self.number) >= self.number - 1]
        meant = meant_by_objects(clause.rest, met, lately)
        for i, t in enumerate(clause.rest):
            if t.lower == "me" and clause.verb and not (i and clause.rest[i - 1].lower in ABSENT):
                meant[t] = (self._teller(),)
        return {} if clause.verb in OF_THE_MIND else meant

    # ---- words

    def _thing(self, clause: Clause, source: str) -> str:
        """The first noun after the verb that is a thing: "her red kite" -> "the red kite"."""
        if not clause.rest or clause.verb in _PREDICATE:
            return ""
        first = next(iter(noun_phrases(clause.rest)), None)
        if (
            first is None
            or clause.rest[0] not in first
            or is_denied(source, (first[-1].start, first[-1].end))
        ):
            return ""
        return thing(first, self.pets, self.vocabulary)


def _denies(clause: Clause) -> bool:
    """Whether a clause tells what never is done, or what nobody does."""
    first = (*clause.group, *clause.subject[: 1 if clause.group else 0])  # "no rain, only a girl" has no verb
    return any(t.lower in ("never", "nobody", "no", "none", "no-one") for t in first)


def _is_there(clause: Clause) -> bool:
    """Whether somebody is there of whom a clause tells that they never do something: "a man never smiles"."""
    never = any(t.lower == "never" for t in clause.group)
    acted_on = clause.verb != "be" and any(t.lower in TO_BE for t in clause.group)  # "is never seen again"
    return never and not acted_on and clause.verb not in _COMING


def _in_list(tokens: Sequence[Token], comma: Token) -> bool:
    """Whether a comma parts the items of a list, which an "and" ends: "a knight, a witch and a king"."""
    return comma.text == "," and any(t.tag is Tag.AND for t in tokens[tokens.index(comma) :])
