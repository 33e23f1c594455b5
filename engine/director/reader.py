"""Reads a theme into a breakdown, sentence by sentence, remembering whom and what it has met."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import replace

from engine.director.asked import stated
from engine.director.breakdown import Actor, Breakdown, Event
from engine.director.casting import Casting
from engine.director.clauses import clauses, present
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
    with_subject,
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
from engine.vocabulary import Vocabulary

_PREDICATE = frozenset(("be", "become", "remain", "seem", "appear"))
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
        for clause in clauses(sentence):
            deed, purpose = split_purpose(clause)
            self._clause(deed, sentence)
            if purpose is not None:
                self._clause(purpose, sentence)
        events = self.result.events
        told = sentence_by_name(sentence, self.meant, self.named.values())
        events[before:] = [replace(e, source=told) for e in events[before:]]

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
        absent = any(
            t.lower in ("never", "nobody", "no", "none", "no-one")
            for t in (*clause.group, *clause.subject[:1])
        )
        if clause.subject not in self.subjects:
            self.subjects[clause.subject] = self._subject(clause, source, absent)
        subject = self.subjects[clause.subject]
        objects = self._objects(clause, source) if not absent else ()
        meant = self._pronouns(clause, (*subject, *objects))
        self.meant |= meant
        named = () if absent else (a for who in meant.values() for a in who)
        others = tuple(dict.fromkeys(a for a in (*named, *objects) if a not in subject))
        text = " ".join(plain(part, source) for part in (clause.opening, clause.subject, clause.rest) if part)
        spot = self._spot(clause, source)
        time = self.vocabulary.first(text, "time")
        when = TimeOfDay(time) if time else None
        for m in self.vocabulary.find(text, "time"):
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
            weather=self.vocabulary.first(text, "weather"),
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
            verb = clause.verb if part is clause.rest else "be"
            spot = find_place(moved, verb, text, self.vocabulary)
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
            return meant_as_subject(head[0].lower, self.last)
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
        return (
            "" if first is None or clause.rest[0] not in first else thing(first, self.pets, self.vocabulary)
        )


def _in_list(tokens: Sequence[Token], comma: Token) -> bool:
    """Whether a comma parts the items of a list, which an "and" ends: "a knight, a witch and a king"."""
    return comma.text == "," and any(t.tag is Tag.AND for t in tokens[tokens.index(comma) :])
