"""Reads a theme into a breakdown, sentence by sentence, remembering whom and what it has met."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import replace

from engine.director.breakdown import Actor, Breakdown, Event
from engine.director.clauses import clauses, present
from engine.director.english import Clause, Tag, Token, is_plural, plain, sentences, tag
from engine.director.gender import as_told, told_with
from engine.director.nouns import (
    articled,
    as_written,
    camouflage,
    cast_name,
    described,
    is_somebody,
    lower_article,
    moved_token,
    names_only,
    noun_phrases,
    possessed,
    proper_name,
    quoted,
    shortened,
    split_purpose,
    thing,
    unquoted,
    with_subject,
    written_out,
)
from engine.director.people import (
    GROUPS,
    Kind,
    Wardrobe,
    is_agent,
    is_pet,
    kind_of,
    kind_of_name,
    tells_gender,
)
from engine.director.places import Spot, find_place, implied_place, is_place_name
from engine.director.pronouns import (
    ABSENT,
    Meant,
    meant_as_subject,
    meant_by_objects,
    predicate_by_name,
    sentence_by_name,
)
from engine.director.reading import reads_english
from engine.story import CastMember, TimeOfDay
from engine.vocabulary import Vocabulary

_NUMBERS = {"two": 2, "both": 2, "three": 3, "four": 4, "five": 5}
_PREDICATE = frozenset(("be", "become", "remain", "seem", "appear"))
MOST_SENTENCES = 240
MOST_CAST = 40
_OPEN_AIR = ("forest", "city", "beach", "desert", "mountains", "castle", "harbour")


def break_down(theme: str, vocabulary: Vocabulary, rng: random.Random) -> Breakdown:
    """Reads a theme, sentence by sentence."""
    theme = unquoted(theme)
    reader = _Reader(theme, vocabulary, rng)
    parts = sentences(theme)
    step = max(1, -(-len(parts) // MOST_SENTENCES))  # a book is read in samples, or it would take minutes
    for number, sentence in enumerate(parts[::step]):
        following = parts[number * step + 1 : number * step + 2]
        reader.read(sentence, number, *following)
    return reader.finish()


class _Reader:
    """Goes through a text once and remembers whom and what it has met."""

    def __init__(self, theme: str, vocabulary: Vocabulary, rng: random.Random) -> None:
        self.theme = theme
        self.vocabulary = vocabulary
        self.rng = rng
        self.result = Breakdown()
        self.result.weather = vocabulary.first(theme, "weather") or ""
        self.wardrobe = Wardrobe(vocabulary, rng, camouflage(theme, vocabulary, self.result.weather))
        self.last: list[Actor] = []  # most recent first, for pronouns
        self.heard: dict[Actor, int] = {}  # the last sentence that told of somebody
        self.meant: Meant = {}  # of this sentence: whom its object pronouns mean
        self.thing = ""
        self.number = 0
        self.pets: set[str] = set()  # animals that somebody owns: they are shown, and are nobody
        self.tokens: list[Token] = []  # of this sentence
        self.named: dict[int, Actor] = {}  # of this sentence: where a noun phrase starts -> whom it names
        self.born: dict[str, int] = {}  # key of an actor -> the sentence that brought it in
        self.subjects: dict[tuple[Token, ...], tuple[Actor, ...]] = {}  # of this sentence: clauses share them

    def read(self, sentence: str, number: int, following: str = "") -> None:
        self.number = number
        self.subjects.clear()
        self.named.clear()
        self.meant.clear()
        sentence = shortened(written_out(sentence))
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
        if not result.actors:
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
        absent = any(t.lower in ("never", "nobody", "no") for t in (*clause.group, *clause.subject[:1]))
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
        plural = len(subject) > 1 or any(a.plural for a in subject)
        if not subject and clause.subject:
            last = clause.subject[-1].lower
            plural = is_plural(last) or last in ("they", "these", "those")
        words = predicate_by_name(present(clause, source, plural), clause.rest, meant, self.thing, source)
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
            return meant_as_subject(head[0].lower, self.last)
        found: list[Actor] = []
        for phrase in noun_phrases(clause.subject):
            before = (
                clause.subject[clause.subject.index(phrase[0]) - 1]
                if phrase[0] != clause.subject[0]
                else None
            )
            if before is not None and before.tag is not Tag.AND and clause.verb:
                break  # "a woman in a yellow raincoat": only the first phrases are the subject
            if phrase[-1].text[0].isupper() and is_place_name(phrase[-1].text, before, clause.verb):
                continue
            actor = self._actor(
                phrase,
                source,
                acts=bool(clause.verb) or names_only(clause.subject),
                words=plain(clause.subject, source),
                new=not absent,
            )
            if actor is not None and actor not in found:
                found.append(actor)
        return tuple(found)

    def _teller(self) -> Actor:
        """Who "I" and "you" are: the one whose story it is."""
        known = next((a for a in self.result.actors if a.key == "traveller"), None)
        return known or self._traveller()

    def _owner(self) -> Actor | None:
        """Whose story it is, where nobody acts in it: "my grandmother's last summer"."""
        for owner in re.findall(r"([^\W\d_]+)['’]s\b", self.theme[:2000].casefold()):
            kind = self._person(owner)
            if kind is not None:
                return self._hire(owner, f"the {owner}", f"the {owner}", [kind], owner)
        return None

    def _traveller(self) -> Actor:
        """Somebody whom the theme does not name; its pronouns may still tell a woman from a man."""
        words = set(re.findall(r"[a-z]+", self.theme.casefold()))
        if words & {"they", "we", "us", "them"} and not words & {"he", "she", "him", "her", "i", "you"}:
            kinds = [Kind("woman"), Kind("man")]
            return self._hire("travellers", "two travellers", "the travellers", kinds, "two travellers")
        kind = Kind("woman" if re.search(r"\b(she|her|hers)\b", self.theme, re.IGNORECASE) else "man")
        return self._hire("traveller", "a traveller", "the traveller", [kind], "a traveller")

    def _objects(self, clause: Clause, source: str) -> tuple[Actor, ...]:
        found: list[Actor] = []
        tokens = () if clause.verb in _PREDICATE else clause.rest
        for phrase in noun_phrases(tokens):
            index = tokens.index(phrase[0])
            before = tokens[index - 1] if index else None
            if self._is_owned(phrase) or (before is not None and before.lower in ABSENT):
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
        return meant_by_objects(clause.rest, met, lately)

    def _actor(
        self, phrase: Sequence[Token], source: str, *, acts: bool, words: str, new: bool
    ) -> Actor | None:
        """The actor that a noun phrase names; a new one is cast where it names somebody unknown."""
        if phrase[0].start in self.named:
            return self.named[phrase[0].start]  # the very words that brought somebody in: "a witch who …"
        actor = self._read_actor(phrase, source, acts, words, new)
        if actor is not None:
            self.named[phrase[0].start] = actor
        return actor

    def _read_actor(
        self, phrase: Sequence[Token], source: str, acts: bool, words: str, new: bool
    ) -> Actor | None:
        nouns = [t for t in phrase if t.tag is Tag.NOUN]
        noun = " ".join(t.text for t in nouns)
        key = noun.casefold()
        article = phrase[0].lower if phrase[0].tag in (Tag.DETERMINER, Tag.POSSESSIVE) else ""
        name = proper_name(phrase, nouns, article)
        adjectives = " ".join(t.lower for t in phrase if t.tag is Tag.ADJECTIVE)
        known = self._known(key, adjectives, article, bool(name))
        if known is not None or not new or len(self.result.cast) >= MOST_CAST:
            return known
        if self._is_owned(phrase):
            return None
        kind = kind_of(noun, self.vocabulary, self.rng)
        if kind is None and name and is_somebody(nouns, acts, self.vocabulary):
            kind = kind_of_name(name, self.rng)
        agent = acts and bool(article) and is_agent(noun)
        if kind is None and agent and not self.vocabulary.find(noun, "setting", "time"):
            kind = Kind(self.rng.choice(("man", "woman")))
        if kind is None:
            return None
        if not is_plural(nouns[-1].lower):
            kind = as_told(kind, phrase, self.tokens, self._person)
        if name and len(nouns) == 1 and not nouns[0].start and self._person(key) is not None:
            name = ""  # "Dragon attacks village": a capital only because it comes first
        shown = " ".join(t.text if t.text.isupper() and len(t.text) > 1 else t.lower for t in nouns)
        first = plain(phrase, source) if name else articled(phrase, article, source)
        if name:
            return self._hire(key, name, name, [kind], words)
        count = next((_NUMBERS[t.lower] for t in phrase if t.lower in _NUMBERS), 0)
        group = (
            GROUPS.get(nouns[-1].lower) if article not in ("a", "an") or nouns[-1].lower == "couple" else None
        )
        if group or count or is_plural(nouns[-1].lower):
            kinds = [Kind(p) for p in group] if group else [kind]
            size = count or len(kinds) if group else max(count, 2)
            kinds = [kinds[i % len(kinds)] for i in range(size)]
            return self._hire(key, first, f"the {shown}", kinds, words)
        if possessed(phrase):
            return self._hire(key, first, first, [kind], words)
        ref = f"the {shown}"
        if any(a.key == key for a in self.result.actors):
            ref = f"the {adjectives} {key}" if adjectives else f"the other {key}"
        return self._hire(key, first, ref, [kind], words)

    def _person(self, noun: str) -> Kind | None:
        """What sort of character a word names; no coin of the film is tossed for it."""
        return kind_of(noun, self.vocabulary, random.Random(0)) or (
            Kind("man") if noun[0].isupper() and tells_gender(noun.casefold()) else None
        )

    def _is_owned(self, phrase: Sequence[Token]) -> bool:
        """Whether a phrase names an animal of somebody who was met: "her dog", and then "the dog"."""
        noun = phrase[-1].lower
        if phrase[0].tag is Tag.POSSESSIVE and self.result.actors and is_pet(noun):
            self.pets.add(noun)
        return noun in self.pets

    def _beside(self, subject: Sequence[Token], source: str) -> list[str]:
        """Animals that go along: "her dog" of "a girl and her dog"."""
        owned = [p for p in noun_phrases(subject) if p[0].tag is Tag.POSSESSIVE and self._is_owned(p)]
        return [plain(phrase, source) for phrase in owned]

    def _known(self, key: str, adjectives: str, article: str, name: bool) -> Actor | None:
        actors = self.result.actors
        exact = [a for a in actors if a.key == key and not (adjectives and a.ref.startswith("the ") and name)]
        if name:
            return next(
                (a for a in actors if set(key.split()) & set(a.key.split()) and not a.ref.startswith("the ")),
                None,
            )
        if article == "another" or (article in ("a", "an") and self.born.get(key) == self.number):
            return None  # "a man meets a man"; a sentence later, "a man" is the one we know
        if exact:
            return next((a for a in exact if adjectives and adjectives in a.first.casefold()), exact[0])
        head = key.split()[-1] if key else ""
        same_head = [a for a in actors if head == a.key.split()[-1]]
        if same_head:
            return same_head[0]
        if article == "the" and head in ("man", "woman", "boy", "girl", "child", "stranger"):
            alike = [a for a in actors if not a.plural and (a.kind.person == head or head == "stranger")]
            return alike[0] if len(alike) == 1 else None
        return None

    def _hire(self, key: str, first: str, ref: str, kinds: Sequence[Kind], words: str) -> Actor:
        result = self.result
        members = []
        for i, kind in enumerate(kinds):
            name = cast_name(key, ref, i, len(kinds))
            taken = {c.name.casefold() for c in result.cast}
            number = 2
            while name.casefold() in taken:
                name, number = f"{name.rstrip(' 0123456789')} {number}", number + 1
            members.append(len(result.cast))
            result.cast.append(
                CastMember(name=name, look=self.wardrobe.look(kind, words if i == 0 else key, result.weather))
            )
            if kind.creature:
                result.creatures.append(name)
        actor = Actor(tuple(members), key, lower_article(first), ref, len(kinds) > 1, kinds[0])
        result.actors.append(actor)
        self.last.insert(0, actor)
        self.born[key] = self.number
        return actor

    # ---- words

    def _thing(self, clause: Clause, source: str) -> str:
        """The first noun after the verb that is a thing: "her red kite" -> "the red kite"."""
        if not clause.rest or clause.verb in _PREDICATE:
            return ""
        first = next(iter(noun_phrases(clause.rest)), None)
        return (
            "" if first is None or clause.rest[0] not in first else thing(first, self.pets, self.vocabulary)
        )
