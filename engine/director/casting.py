"""Who is in a film: the actors that a theme's noun phrases name, each cast once, with a look that stays."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence

from engine.director.breakdown import Actor, Breakdown
from engine.director.denied import first_there
from engine.director.english import Tag, Token, is_plural, plain
from engine.director.gender import as_told
from engine.director.nobody import bars_people
from engine.director.nouns import (
    articled,
    camouflage,
    cast_name,
    is_somebody,
    lower_article,
    name_in_apposition,
    noun_phrases,
    possessed,
    proper_name,
)
from engine.director.people import (
    CALLED,
    COLLECTIVES,
    GROUPS,
    Kind,
    Wardrobe,
    is_agent,
    is_pet,
    kind_of,
    kind_of_name,
    part_of,
    tells_gender,
)
from engine.story import CastMember
from engine.vocabulary import Vocabulary

_NUMBERS = {"two": 2, "both": 2, "three": 3, "four": 4, "five": 5}
_BY_PRONOUN = {"he": ("man", "boy"), "she": ("woman", "girl")}
MOST_CAST = 40


class Casting:
    """Remembers whom a text has brought in; `tokens` and `named` are of the sentence that is read."""

    def __init__(self, theme: str, vocabulary: Vocabulary, rng: random.Random, people_only: bool) -> None:
        self.people_only = people_only
        self.humanless = people_only and bars_people(theme)
        self.theme = theme
        self.vocabulary = vocabulary
        self.rng = rng
        self.result = Breakdown()
        self.result.weather = first_there(theme, vocabulary, "weather") or ""
        self.wardrobe = Wardrobe(vocabulary, rng, camouflage(theme, vocabulary, self.result.weather))
        self.last: list[Actor] = []  # most recent first, for pronouns
        self.number = 0
        self.pets: set[str] = set()  # animals that somebody owns: they are shown, and are nobody
        self.worn = ""  # what the words that are read say of clothes, beside the noun phrase: "has no hat"
        self.tokens: list[Token] = []
        self.named: dict[int, Actor] = {}  # where a noun phrase starts -> whom it names
        self.born: dict[str, int] = {}  # key of an actor -> the sentence that brought it in

    def _teller(self) -> Actor:
        """Who "I" and "you" are: the one whose story it is."""
        known = next((a for a in self.result.actors if a.key == "traveller"), None)
        return known or self._traveller()

    def _someone(self, pronoun: str) -> tuple[Actor, ...]:
        """Whom "she", "he" or "they" tells of, where nobody was met whom it can mean."""
        if pronoun == "they":
            return () if self.last else (self._traveller(),)
        person = "woman" if pronoun == "she" else "man"
        met = [a for a in self.last if not a.plural and a.key != "traveller"]
        may_be = [a for a in met if a.kind.person in _BY_PRONOUN[pronoun] or not tells_gender(a.key)]
        return () if may_be else (self._hire(person, f"a {person}", f"the {person}", [Kind(person)], person),)

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
        if article == "no":
            return None  # "no people" brings in nobody
        if self.humanless and part_of(noun):
            return None  # what only people could play, where there are to be none
        name = proper_name(phrase, nouns, article)
        called = name_in_apposition(nouns) if article and not name else ""
        if called and self._person(noun[: -len(called)].strip()) is not None:
            noun, name, key = noun[: -len(called)].strip(), called, called.casefold()
        adjectives = " ".join(t.lower for t in phrase if t.tag is Tag.ADJECTIVE)
        known = self._known(key, adjectives, article, bool(name))
        if known is not None or not new or len(self.result.cast) >= MOST_CAST:
            return known
        if self._is_owned(phrase):
            return None
        kind = kind_of(noun, self.vocabulary, self.rng)
        if kind is None and nouns[-1].lower in GROUPS:
            kind = Kind(GROUPS[nouns[-1].lower][0])
        if kind is None and name and is_somebody(nouns, acts, self.vocabulary):
            kind = kind_of_name(name, self.rng)
        agent = acts and bool(article or phrase[0].tag is Tag.NUMBER) and is_agent(noun)
        if kind is None and agent and not self.vocabulary.find(noun, "setting", "time"):
            kind = Kind(self.rng.choice(("man", "woman")))
        if kind is None:
            return None
        if not is_plural(nouns[-1].lower):
            kind = as_told(kind, phrase, self.tokens, self._person)
        first_word = name and len(nouns) == 1 and not nouns[0].start
        if first_word and key not in CALLED and self._person(key) is not None:
            name = ""  # "Dragon attacks village": a capital only because it comes first
        shown = " ".join(t.text if t.text.isupper() and len(t.text) > 1 else t.lower for t in nouns)
        first = plain(phrase, source) if name else articled(phrase, article, source)
        if name:
            return self._hire(key, name, name, [kind], words, noun)
        count = next((_NUMBERS[t.lower] for t in phrase if t.lower in _NUMBERS), 0)
        one = article in ("a", "an") and nouns[-1].lower not in COLLECTIVES
        group = None if one else GROUPS.get(nouns[-1].lower)
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
        phrases = [p for p in noun_phrases(subject) if p[0].start not in self.named]
        owned = [p for p in phrases if p[0].tag is Tag.POSSESSIVE and self._is_owned(p)]
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

    def _hire(
        self, key: str, first: str, ref: str, kinds: Sequence[Kind], words: str, noun: str = ""
    ) -> Actor:
        """Casts an actor; `noun` is what somebody with a name is: "dog" of "their dog Rex"."""
        result = self.result
        members = []
        for i, kind in enumerate(kinds):
            collective = len(kinds) > 1 and key.split()[-1] in COLLECTIVES
            name = kind.person.capitalize() if collective else cast_name(key, ref, i, len(kinds))
            taken = {c.name.casefold() for c in result.cast}
            number = 2
            while name.casefold() in taken:
                name, number = f"{name.rstrip(' 0123456789')} {number}", number + 1
            members.append(len(result.cast))
            told = words if i == 0 else f"{first} {key}"
            look = self.wardrobe.look(kind, told, result.weather, self.worn)
            part = part_of(noun or key)
            if part:
                look = f"{look}, standing in for {part}" if self.people_only else part
                result.creatures.append(name)
            result.cast.append(CastMember(name=name, look=look))
        actor = Actor(tuple(members), key, lower_article(first), ref, len(kinds) > 1, kinds[0])
        result.actors.append(actor)
        self.last.insert(0, actor)
        self.born[key] = self.number
        return actor
