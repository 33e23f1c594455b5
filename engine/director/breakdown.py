"""The script breakdown: who, where, when, and what happens, read from a theme's own words."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from engine.director.clauses import clauses, present
from engine.director.english import Clause, Tag, Token, is_plural, plain, sentences
from engine.director.people import CREATURES, GROUPS, Kind, Wardrobe, is_agent, kind_of, kind_of_name
from engine.director.places import Spot, find_place, implied_place
from engine.director.verbs import Form
from engine.story import CastMember, TimeOfDay
from engine.vocabulary import Vocabulary, is_story_word, singulars, word_sections, word_set

_NUMBERS = {"two": 2, "both": 2, "three": 3, "four": 4, "five": 5}
_ABSENT = frozenset(("of", "for", "about", "like", "as", "without", "named", "than", "into"))
_PREDICATE = frozenset(("be", "become", "remain", "seem", "appear"))
# Verbs whose infinitive is what is done ("learns to dance"), not what it is done for ("walks to find her").
_CONTROL = word_set("""
    learn try want begin start decide choose have need hope refuse forget teach help ask tell get use
    like love hate wish plan promise agree dare fail manage continue be seem appear happen force
    persuade allow remember invite beg order make let attempt struggle wait long prepare pretend
    threaten offer know
""")
_OPEN_AIR = ("forest", "city", "beach", "desert", "mountains", "castle", "harbour")


@dataclass(frozen=True)
class Actor:
    """Somebody who acts as one in sentences: a person, or several under one name ("the brothers")."""

    members: tuple[int, ...]  # indices into Breakdown.cast
    key: str
    first: str  # as the theme introduces them: "an old fisherman"
    ref: str  # from then on: "the fisherman"
    plural: bool
    kind: Kind

    @property
    def he(self) -> str:
        if self.plural:
            return "they"
        if self.kind.creature:
            return "it"
        return "she" if self.kind.person in ("woman", "girl") else "he"

    @property
    def him(self) -> str:
        return {"they": "them", "she": "her", "he": "him", "it": "it"}[self.he]

    @property
    def his(self) -> str:
        return {"they": "their", "she": "her", "he": "his", "it": "its"}[self.he]


@dataclass(frozen=True)
class Event:
    """One thing that happens. `predicate` is its verb and the rest in the present tense, as the theme words it."""

    subject: tuple[Actor, ...]
    subject_text: str  # the subject as written, for one that is nobody ("the last train")
    verb: str
    predicate: str
    others: tuple[Actor, ...]
    thing: str  # "the kite": what the event is about, where that is no person
    spot: Spot | None
    time: TimeOfDay | None
    weather: str | None
    quote: str = ""
    sentence: int = 0  # which sentence of the theme it is from
    source: str = ""  # that sentence
    later: bool = False  # its time of day opens a later sentence ("At night they …"), so it was not so before


@dataclass
class Breakdown:
    """All that the director read out of a theme."""

    cast: list[CastMember] = field(default_factory=list)
    creatures: list[str] = field(default_factory=list)
    actors: list[Actor] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    spots: list[Spot] = field(default_factory=list)
    times: list[TimeOfDay] = field(default_factory=list)
    weather: str = ""
    invented: bool = False  # nobody is in the theme, so a traveller walks through it


def break_down(theme: str, vocabulary: Vocabulary, rng: random.Random) -> Breakdown:
    """Reads a theme, sentence by sentence."""
    reader = _Reader(theme, vocabulary, rng)
    for number, sentence in enumerate(sentences(theme)):
        reader.read(sentence, number)
    return reader.finish()


class _Reader:
    """Goes through a text once and remembers whom and what it has met."""

    def __init__(self, theme: str, vocabulary: Vocabulary, rng: random.Random) -> None:
        self.theme = theme
        self.vocabulary = vocabulary
        self.rng = rng
        self.result = Breakdown()
        self.result.weather = vocabulary.first(theme, "weather") or ""
        self.wardrobe = Wardrobe(vocabulary, rng, _camouflage(theme, vocabulary, self.result.weather))
        self.last: list[Actor] = []  # most recent first, for pronouns
        self.thing = ""
        self.number = 0
        self.subjects: dict[
            tuple[Token, ...], tuple[Actor, ...]
        ] = {}  # of this sentence: clauses share subjects

    def read(self, sentence: str, number: int) -> None:
        self.number = number
        self.subjects.clear()
        for clause in clauses(sentence):
            deed, purpose = _split_purpose(clause)
            self._clause(deed, sentence)
            if purpose is not None:
                self._clause(purpose, sentence)

    def finish(self) -> Breakdown:
        result = self.result
        if not result.actors:
            result.invented = True
            actor = self._hire("traveller", "a traveller", "the traveller", [Kind("man")], "a traveller")
            result.events = [_with_subject(e, actor) for e in result.events]
        if not result.spots:
            nouns = [*(a.key for a in result.actors), *re.findall(r"[^\W\d_]+", self.theme.casefold())]
            result.spots.append(implied_place(nouns, self.rng.choice(_OPEN_AIR)))
        return result

    def _clause(self, clause: Clause, source: str) -> None:
        absent = any(t.lower in ("never", "nobody", "no") for t in (*clause.group, *clause.subject[:1]))
        if clause.subject not in self.subjects:
            self.subjects[clause.subject] = self._subject(clause, source, absent)
        subject = self.subjects[clause.subject]
        others = self._objects(clause, source, subject) if not absent else ()
        others = tuple(a for a in others if a not in subject)
        text = " ".join(plain(part, source) for part in (clause.opening, clause.subject, clause.rest) if part)
        spot = self._spot(clause, source)
        time = self.vocabulary.first(text, "time")
        when = TimeOfDay(time) if time else None
        for m in self.vocabulary.find(text, "time"):
            if TimeOfDay(m.canonical) not in self.result.times:
                self.result.times.append(TimeOfDay(m.canonical))
        plural = len(subject) > 1 or any(a.plural for a in subject)
        if not subject and clause.subject:
            plural = is_plural(clause.subject[-1].lower)
        words = present(clause, source, plural)
        event = Event(
            subject=subject,
            subject_text=plain(clause.subject, source),
            verb=clause.verb,
            predicate=self._resolved(clause, words, subject, source),
            others=others,
            thing=self._thing(clause, source),
            spot=spot,
            time=when,
            weather=self.vocabulary.first(text, "weather"),
            quote=_quoted(source),
            sentence=self.number,
            source=source,
            later=self.number > 0 and bool(self.vocabulary.find(plain(clause.opening, source), "time")),
        )
        self.last = [*subject, *others, *(a for a in self.last if a not in subject and a not in others)]
        self.thing = event.thing or self.thing
        self.result.events.append(event)

    # ---- places

    def _spot(self, clause: Clause, source: str) -> Spot | None:
        for part in (clause.opening, clause.rest, clause.subject):
            text = plain(part, source)
            if not text:
                continue
            moved = [_moved(t, part[0].start) for t in part]
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
            return self._pronoun(head[0].lower)
        found: list[Actor] = []
        for phrase in _noun_phrases(clause.subject):
            before = (
                clause.subject[clause.subject.index(phrase[0]) - 1]
                if phrase[0] != clause.subject[0]
                else None
            )
            if before is not None and before.tag is not Tag.AND and clause.verb:
                break  # "a woman in a yellow raincoat": only the first phrases are the subject
            actor = self._actor(
                phrase, source, acts=bool(clause.verb), words=plain(clause.subject, source), new=not absent
            )
            if actor is not None and actor not in found:
                found.append(actor)
        return tuple(found)

    def _objects(self, clause: Clause, source: str, subject: tuple[Actor, ...]) -> tuple[Actor, ...]:
        found: list[Actor] = []
        tokens = clause.rest
        if clause.verb in _PREDICATE:
            return ()
        for t in tokens[:1]:
            if t.tag is Tag.PRONOUN and t.lower in ("him", "her", "them"):
                found += self._pronoun(t.lower, subject)
        for phrase in _noun_phrases(tokens):
            index = tokens.index(phrase[0])
            before = tokens[index - 1] if index else None
            if before is not None and before.lower in _ABSENT:
                continue
            actor = self._actor(phrase, source, acts=False, words=plain(phrase, source), new=True)
            if actor is not None and actor not in found:
                found.append(actor)
        return tuple(found)

    def _pronoun(self, word: str, but: Sequence[Actor] = ()) -> tuple[Actor, ...]:
        """Whom a pronoun means: whoever fits and was named last, but not one of `but`."""
        met = [a for a in self.last if a not in but]
        if word in ("they", "them"):
            return tuple(met[:1]) if met and met[0].plural else tuple(met[:2])
        people = {
            "he": ("man", "boy"),
            "him": ("man", "boy"),
            "she": ("woman", "girl"),
            "her": ("woman", "girl"),
        }
        wanted = people.get(word)
        if wanted is None:
            return ()
        return tuple(next(([a] for a in met if not a.plural and a.kind.person in wanted), met[:1]))

    def _actor(
        self, phrase: Sequence[Token], source: str, *, acts: bool, words: str, new: bool
    ) -> Actor | None:
        """The actor that a noun phrase names; a new one is cast where it names somebody unknown."""
        nouns = [t for t in phrase if t.tag is Tag.NOUN]
        noun = " ".join(t.text for t in nouns)
        article = phrase[0].lower if phrase[0].tag in (Tag.DETERMINER, Tag.POSSESSIVE) else ""
        name = _proper_name(phrase, nouns, article)
        key = noun.casefold()
        adjectives = " ".join(t.lower for t in phrase if t.tag is Tag.ADJECTIVE)
        known = self._known(key, adjectives, article, bool(name))
        if known is not None or not new:
            return known
        kind = kind_of(noun, self.vocabulary, self.rng)
        if kind is None and name and self._is_somebody(nouns, acts):
            kind = kind_of_name(name, self.rng)
        if (
            kind is None
            and acts
            and article
            and is_agent(noun)
            and not self.vocabulary.find(noun, "setting", "time")
        ):
            kind = Kind(self.rng.choice(("man", "woman")))
        if kind is None:
            return None
        first = plain(phrase, source)
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
            return self._hire(key, first, f"the {key}", kinds, words)
        ref = f"the {key}"
        if any(a.key == key for a in self.result.actors):
            ref = f"the {adjectives} {key}" if adjectives else f"the other {key}"
        return self._hire(key, first, ref, [kind], words)

    def _is_somebody(self, nouns: Sequence[Token], acts: bool) -> bool:
        """Whether capitals name a person: not a place, nor a word that is only big because it comes first."""
        if any(self.vocabulary.find(n.text, "setting", "time", "weather", "coat") for n in nouns):
            return False
        first = nouns[0].start == 0
        return not first or len(nouns) > 1 or (acts and not is_story_word(nouns[0].lower))

    def _known(self, key: str, adjectives: str, article: str, name: bool) -> Actor | None:
        actors = self.result.actors
        exact = [a for a in actors if a.key == key and not (adjectives and a.ref.startswith("the ") and name)]
        if name:
            return next(
                (a for a in actors if set(key.split()) & set(a.key.split()) and not a.ref.startswith("the ")),
                None,
            )
        if article in ("a", "an", "another"):
            return None
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
            name = _cast_name(key, ref, i, len(kinds))
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
        actor = Actor(tuple(members), key, _lower_article(first), ref, len(kinds) > 1, kinds[0])
        result.actors.append(actor)
        self.last.insert(0, actor)
        return actor

    # ---- words

    def _resolved(self, clause: Clause, words: str, subject: tuple[Actor, ...], source: str) -> str:
        """The predicate with an object pronoun at its start said by name: "finds it" -> "finds the kite"."""
        if not clause.rest or clause.rest[0].tag is not Tag.PRONOUN:
            return words
        pronoun = clause.rest[0].lower
        rest = plain(clause.rest, source)
        who = self._pronoun(pronoun, subject)
        meant = self.thing if pronoun == "it" else " and ".join(a.ref for a in who)
        if not meant:
            return words
        return words[: len(words) - len(rest)] + meant + rest[len(pronoun) :]

    def _thing(self, clause: Clause, source: str) -> str:
        """The first noun after the verb that is a thing: "her red kite" -> "the red kite"."""
        if not clause.rest or clause.verb in _PREDICATE:
            return ""
        first = next(iter(_noun_phrases(clause.rest)), None)
        if first is None or clause.rest[0] not in first:
            return ""
        noun = " ".join(t.text for t in first if t.tag in (Tag.ADJECTIVE, Tag.NOUN))
        if (
            self.vocabulary.find(noun, "person", "setting", "time")
            or set(noun.casefold().split()) & CREATURES
        ):
            return ""
        if first[-1].text[0].isupper() or first[-1].lower in word_sections()["abstract"]:
            return ""
        return f"the {noun}"


def _split_purpose(clause: Clause) -> tuple[Clause, Clause | None]:
    """ "walks all day to find her son" -> what is done, and what for, which a film shows as the next thing."""
    if clause.verb in _CONTROL or not clause.verb:
        return clause, None
    for i, t in enumerate(clause.rest[:-1]):
        if t.tag is Tag.TO and i and clause.rest[i + 1].form is Form.BASE:
            verb = clause.rest[i + 1]
            purpose = Clause(clause.subject, (verb,), clause.rest[i + 2 :], (), verb.base)
            return replace(clause, rest=clause.rest[:i]), purpose
    return clause, None


def _camouflage(theme: str, vocabulary: Vocabulary, weather: str) -> list[str]:
    """Coats that would be lost before the places of a theme."""
    lost = {"forest": ["green"], "desert": ["yellow", "orange"], "beach": ["yellow"], "harbour": ["blue"]}
    settings = {m.canonical for m in vocabulary.find(theme, "setting")}
    pale = ["white"] if weather in ("snow", "fog") else []
    return [c for s in sorted(settings) for c in lost.get(s, [])] + pale


def _noun_phrases(tokens: Sequence[Token]) -> list[tuple[Token, ...]]:
    """Runs of (article) (adjectives) nouns, in order."""
    phrases: list[tuple[Token, ...]] = []
    run: list[Token] = []
    for t in tokens:
        openers = (Tag.DETERMINER, Tag.POSSESSIVE, Tag.NUMBER, Tag.ADJECTIVE)
        if t.tag is Tag.NOUN:
            run.append(t)
            continue
        if any(r.tag is Tag.NOUN for r in run):
            phrases.append(tuple(run))
            run = []
        if t.tag in openers:
            run = [t] if t.tag in (Tag.DETERMINER, Tag.POSSESSIVE) else [*run, t]
        else:
            run = []
    if any(r.tag is Tag.NOUN for r in run):
        phrases.append(tuple(run))
    return phrases


def _proper_name(phrase: Sequence[Token], nouns: Sequence[Token], article: str) -> str:
    """ "Mara Voss" or "Detective Mara Voss"; "" for a common noun."""
    if article or any(t.tag is Tag.NUMBER for t in phrase) or not all(t.text[0].isupper() for t in nouns):
        return ""
    if len(nouns) == 1 and is_plural(nouns[0].lower):
        return ""
    return " ".join(t.text for t in phrase if t.tag in (Tag.NOUN, Tag.ADJECTIVE))


def _cast_name(key: str, ref: str, index: int, count: int) -> str:
    if not ref.startswith("the "):
        return ref[:80]
    words = ref[4:].split()
    if count > 1:
        last = singulars(words[-1])
        words = [
            ("First", "Second", "Third", "Fourth", "Fifth")[index],
            *words[:-1],
            last[0] if last else words[-1],
        ]
    name = " ".join(words)
    return (name[0].upper() + name[1:])[:72]


def _lower_article(first: str) -> str:
    word = first.split(" ", 1)[0]
    lowered = (
        "A",
        "An",
        "The",
        "Two",
        "Three",
        "Four",
        "Five",
        "His",
        "Her",
        "Their",
        "My",
        "Our",
        "Its",
        "One",
    )
    if word in lowered or (
        word.istitle() and " " in first and word.casefold() in ("old", "young", "little", "some", "both")
    ):
        return first[0].lower() + first[1:]
    return first


def _quoted(source: str) -> str:
    """The first words in quotation marks."""
    for opening, closing in (('"', '"'), ("“", "”")):
        start = source.find(opening)
        end = source.find(closing, start + 1)
        if 0 <= start < end:
            return source[start + 1 : end].strip()
    return ""


def _moved(token: Token, start: int) -> Token:
    return Token(token.text, token.tag, token.start - start, token.end - start, token.base, token.form)


def _with_subject(event: Event, actor: Actor) -> Event:
    return event if event.verb or event.subject else replace(event, subject=(actor,), subject_text="")
