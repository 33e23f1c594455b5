"""Who can be in a film: nouns for people and creatures, and how a figure of that kind looks.

The profile's vocabulary says which person a noun is drawn as; these lists add nouns that it does not have,
groups that stand for several people, and creatures, for which a profile of people only needs a stand-in.
"""

from __future__ import annotations

import copy
import random
import re
from collections.abc import Sequence
from dataclasses import dataclass

from engine.director.denied import is_denied, there
from engine.vocabulary import Vocabulary, singulars, word_set

CREATURES = word_set("""
    dragon cat dog horse wolf bear fox bird crow raven owl elephant whale monster giant fairy elf dwarf
    goblin angel demon ghost vampire zombie alien unicorn lion tiger rabbit mouse donkey lamb sheep goat
    kitten puppy pony deer frog snake shark dolphin octopus penguin monkey troll phoenix beast creature
    spirit skeleton puppet doll snowman scarecrow seagull parrot eagle swan duck goose hen rooster pig
    cow bull camel turtle squirrel hedgehog spider bee butterfly dinosaur ape gorilla panda koala
    kangaroo rat bat werewolf mummy cyborg android droid hound stag crab seal gull sparrow pigeon dove
    hawk falcon
""")
_LIKE_PEOPLE = word_set("""
    dragon monster giant fairy elf dwarf goblin angel demon ghost vampire zombie alien troll beast creature
    spirit skeleton werewolf mummy cyborg android droid
""")
_THINGS = word_set("""
    summer winter october november december september letter flower number corner ladder hammer feather
    weather theater theatre chapter center shelter shower thunder whisper laughter disaster wonder anchor
    mirror horror terror tremor harbor colour elevator escalator motor tractor reactor computer printer
    container poster lantern lighter cracker rubber leather pepper butter powder border danger silver copper
    counter trailer helicopter freighter steamer tanker cruiser saucer answer dinner supper murder slumber
    glacier quarter distant instant restaurant constant pendant process success business happiness darkness
    loneliness madness illness sadness wilderness fortress mattress witness kindness weakness sickness
    forgiveness progress address express
""")
"""They end like those who do something, and are no people."""
CALLED = word_set("grandma grandpa granny mum mom mummy mommy dad daddy papa mama")
"""Capitalised and without an article, they are what somebody is called: "Grandma bakes bread"."""
_PLAYED = CREATURES | word_set("robot mermaid")
GROUPS: dict[str, tuple[str, ...]] = {
    "couple": ("woman", "man"),
    "lovers": ("woman", "man"),
    "parents": ("woman", "man"),
    "newlyweds": ("woman", "man"),
    "grandparents": ("woman", "man"),
    "family": ("woman", "man", "girl"),
    "children": ("boy", "girl"),
    "kids": ("girl", "boy"),
    "siblings": ("girl", "boy"),
    "twins": ("girl", "boy"),
    "friends": ("woman", "man"),
    "people": ("man", "woman"),
    "strangers": ("man", "woman"),
    "neighbours": ("woman", "man"),
    "neighbors": ("woman", "man"),
    "villagers": ("man", "woman"),
    "travellers": ("woman", "man"),
    "travelers": ("woman", "man"),
    "students": ("girl", "boy"),
    "survivors": ("woman", "man"),
    "rivals": ("man", "woman"),
    "enemies": ("man", "woman"),
}
COLLECTIVES = frozenset(("couple", "family"))
_WOMEN = word_set("""
    girlfriend fiancée bridesmaid goddess priestess hostess landlady housewife stewardess she
""")
_NEUTRAL = word_set("""
    person friend neighbour neighbor villager artist actor engineer lawyer mechanic firefighter barber
    rider biker scout groom
    waiter tailor boss clerk banker beggar rebel refugee prisoner criminal murderer killer assassin
    bandit ghosthunter hiker climber diver swimmer runner athlete boxer footballer chess-player player
    coach pianist violinist guitarist drummer composer conductor juggler acrobat jester bard minstrel
    monarch noble nobleman ruler mayor president general admiral commander lieutenant officer policeman
    cop agent assassin warrior fighter gladiator archer ninja swordsman hero villain savior servant
    slave peasant miller potter weaver fisher beekeeper lamplighter gravedigger bellringer bell-ringer
    toymaker shoemaker watchmaker bookbinder cartographer mapmaker translator journalist reporter editor
    lover boyfriend husband partner colleague rival enemy nomad pilgrim immigrant tourist visitor guest
    passenger commuter cyclist courier messenger ambassador judge surgeon dentist vet patient orphan
    twin cousin relative ancestor heir survivor castaway outlaw hacker programmer gamer teacher tutor
    pupil novice disciple prophet pope bishop vicar witness victim suspect convict jailer warden janitor
    cleaner housekeeper porter bellhop receptionist secretary salesman shopkeeper grocer butcher florist
    barista bartender brewer miner lumberjack woodcutter trapper rancher cowgirl gaucho god man woman
""")
_GENDERED = word_set("""
    king father dad grandfather grandpa husband monk priest wizard guy brother uncle son emperor prince lord
    butler lad boy man grandson nephew boyfriend bishop pope duke god monk lady queen mother mom mum
    grandmother grandma wife witch sister aunt widow bride nun heroine ballerina madam maid mermaid girl
    woman daughter lass granddaughter niece girlfriend fiancée bridesmaid landlady
""")
_GENDERED_ENDINGS = ("man", "men", "woman", "women", "boy", "boys", "girl", "ess", "wife", "cowboy")
_GIRL_NAMES = word_set("""
    agnes alice anna anne amy beth carmen claire clara daisy dolores eleanor elizabeth ella emily emma
    esther eve frances grace greta hannah helen ingrid iris isabel jane jasmine joan julia juliet june kate
    lily lucy mabel margaret maria marie mary may mei mia miriam molly nora olivia rachel rose ruth sarah
    sophie susan violet vivian yuki zoe
""")
_BOY_NAMES = word_set("""
    joshua luca luke andrea noah ezra elijah nikita sasha isaiah joe george charlie
""")
_GIRL_ENDINGS = ("a", "ie", "elle", "ette", "ine", "lyn", "beth")
STRAW_HATS = word_set("""
    fisherman farmer gardener shepherd wanderer traveller traveler cowboy castaway fisher
""")
TOP_HATS = word_set("""
    king queen magician gentleman wizard detective captain lord emperor president mayor butler
""")
_SLIGHT = word_set("""
    old elderly aged ancient retired grandmother grandfather grandma grandpa hermit widow
""")
_ANY_HAT = re.compile(r"\b(?:hat|cap|hood|helmet|crown|beanie|bowler|fedora|boater)s?\b", re.IGNORECASE)
_GARMENT = (
    r"(?:(?:rain)?coat|jacket|cloak|dress|cape|robe|shirt|sweater|jumper|gown|uniform|hood|scarf|"
    r"oilskins?|apron)"
)


@dataclass(frozen=True)
class Kind:
    """What a noun is drawn as: `person` is man, woman, boy or girl; a `creature` only borrows that figure."""

    person: str
    creature: bool = False


def kind_of(noun: str, vocabulary: Vocabulary, rng: random.Random) -> Kind | None:
    """What sort of character a noun or noun phrase names, or None where it names none."""
    match = vocabulary.find(noun, "person")
    if match and match[-1].span[1] == len(noun):
        return Kind(match[-1].canonical)
    head = noun.casefold().split()[-1] if noun.split() else ""
    for word in (head, *singulars(head)):
        if word in CREATURES:
            return Kind(rng.choice(("man", "woman")), creature=True)
        if word in _WOMEN:
            return Kind("woman")
        if word in _NEUTRAL:
            return Kind(rng.choice(("man", "woman")))
    return None


def tells_gender(word: str) -> bool:
    """Whether a word (in small letters) says man or woman by itself: "queen", "postman", "anna"."""
    forms = (word, *singulars(word))
    known = _GENDERED | _GIRL_NAMES | _BOY_NAMES | {title for title, person in _TITLES.items() if person}
    return any(form in known or form.endswith(_GENDERED_ENDINGS) for form in forms)


def is_pet(noun: str) -> bool:
    """Whether a noun names an animal that somebody may own, and not a creature that acts like a person."""
    head = noun.casefold().split()[-1] if noun.split() else ""
    return any(word in CREATURES - _LIKE_PEOPLE for word in (head, *singulars(head)))


def part_of(noun: str) -> str:
    """What a figure that is no human plays: "a dragon" for "two old dragons"; "" for people."""
    head = noun.casefold().split()[-1] if noun.split() else ""
    word = next((w for w in (head, *singulars(head)) if w in _PLAYED), "")
    return f"{_article(word)} {word}" if word else ""


def is_agent(noun: str) -> bool:
    """Whether an unknown noun looks like somebody who does something: "lamplighter", "violinists"."""
    last = noun.casefold().split()[-1] if noun.split() else ""
    endings = ("er", "or", "ist", "ian", "man", "woman", "eer", "ess", "ant")
    return any(
        len(head) > 5 and head not in _THINGS and head.endswith(endings) for head in (last, *singulars(last))
    )


def kind_of_name(name: str, rng: random.Random) -> Kind:
    """Man or woman, guessed from a first name; a coin is tossed where the name does not tell."""
    first = next((w for w in re.findall(r"[^\W\d_]+", name.casefold()) if w not in _TITLES), name.casefold())
    if first in _GIRL_NAMES or (first.endswith(_GIRL_ENDINGS) and first not in _BOY_NAMES):
        return Kind("woman")
    title = next((w for w in re.findall(r"[^\W\d_]+", name.casefold()) if w in _TITLES), "")
    return Kind(_TITLES[title] if _TITLES.get(title) else "man")


# What a title tells of its bearer; "" where it tells nothing.
_TITLES = {
    **dict.fromkeys(("mr", "king", "prince", "sir", "lord", "uncle"), "man"),
    **dict.fromkeys(("mrs", "ms", "miss", "queen", "princess", "lady", "aunt"), "woman"),
    **dict.fromkeys(("dr", "doctor", "captain", "detective", "old", "young", "little"), ""),
}


_MEN = word_set("""
    adam alan albert alexander andrew anthony arthur ben benjamin carl carlos charles christopher daniel david
    edward eric francis frank frederick gabriel harry henry hugo ivan jack jacob james jan jean john jonathan
    jose joseph karl kevin leo leon louis marco martin matthew max michael mohammed nicholas oliver omar oscar
    otto pablo patrick paul pedro peter philip pierre raj richard robert samuel simon stephen theodore thomas
    tim tom tony victor vincent walter william
""")
_ALSO_WORDS = word_set("grace june may eve iris rose violet daisy lily jasmine")


def in_small_letters(text: str) -> str:
    """A text in capitals as one writes it, with a capital for each sentence and each first name."""
    names = (_GIRL_NAMES | _BOY_NAMES | _MEN) - _ALSO_WORDS
    text = re.sub(r"[^\W\d_]+", lambda w: w[0].capitalize() if w[0] in names else w[0], text.lower())
    return re.sub(r"(?:^|(?<=[.!?…]\s)|(?<=\n))[^\W\d_]", lambda first: first[0].upper(), text)


class Wardrobe:
    """Gives each person a look in words, in which coats differ clearly and the theme's own words win."""

    _ORDER = ("yellow", "red", "blue", "green", "purple", "orange", "pink", "white")

    def __init__(self, vocabulary: Vocabulary, rng: random.Random, avoid: Sequence[str] = ()) -> None:
        """`avoid`: coat colours that would be lost against the places."""
        self._vocabulary = vocabulary
        self._rng = rng
        coats = list(self._ORDER)
        rng.shuffle(coats)
        self._skins = copy.copy(rng)  # of its own: what is chosen after it stays as it is
        self._coats = sorted(coats, key=lambda c: c in avoid)
        self._used: list[str] = []

    def look(self, kind: Kind, words: str, weather: str, worn: str = "") -> str:
        """A look for somebody of whom the theme says `words` ("an old fisherman in a red coat").

        `worn` is what else it says of clothes and hair: "wears an old hat", which makes nobody old.
        """
        person = kind.person
        bits = [self._hair(words, worn, person)]
        hat = self._hat(words, worn, weather)
        if hat:
            bits.append(f"a {hat}")
        coat = self._coat(f"{words} {worn}")
        bits = [*self._skin(f"{words} {worn}", bits[0]), *bits]
        listed = f"{', '.join(bits[:-1])} and {bits[-1]}" if len(bits) > 1 else bits[0]
        return f"a {person} with {listed} in {_article(coat)} {coat} coat"

    def _skin(self, words: str, hair: str) -> list[str]:
        """A word for the skin, where the checkpoint knows one."""
        fair = hair.startswith(("blond", "ginger"))
        known = [s for s in self._vocabulary.canonicals("skin") if not (fair and s.startswith("dark"))]
        said = [match.canonical for match in there(words, self._vocabulary, "skin")]
        return said[:1] or ([self._skins.choice(known)] if known else [])

    def _coat(self, words: str) -> str:
        barred: set[str] = set()
        for m in re.finditer(rf"([\w\-]+)\s+{_GARMENT}\b|(?:in|wearing)\s+([\w\-]+)\b", words, re.IGNORECASE):
            named = self._vocabulary.first(m.group(1) or m.group(2), "coat")
            if named and is_denied(words, m.span(1 if m.group(1) else 2)):
                barred.add(named)
            elif named:
                self._used.append(named)
                return named
        if not set(self._coats) - set(self._used) - barred:
            self._used.clear()
        chosen = next((c for c in self._coats if c not in self._used and c not in barred), self._coats[0])
        self._used.append(chosen)
        return chosen

    def _hair(self, words: str, worn: str, person: str) -> str:
        told = f"{words} {worn}"
        named = re.search(r"([\w]+)[\s\-]hair(?:ed)?\b|\b(redhead|blonde?|brunette)\b", told, re.IGNORECASE)
        if named:
            found = self._vocabulary.find(named.group(1) or named.group(2), "hair")
            if found and not is_denied(told, named.span()):
                return f"{found[0].canonical} hair"
        if set(re.findall(r"[a-z]+", re.sub(r"[\w-]*-years?-old", "", words.casefold()))) & _SLIGHT:
            return "grey hair"
        young = person in ("girl", "boy")
        return f"{self._rng.choice(('black', 'brown', 'blond', 'ginger') if young else _ADULT_HAIR)} hair"

    def _hat(self, words: str, worn: str, weather: str) -> str:
        told = f"{words} {worn}"
        named = [m.canonical for m in there(told, self._vocabulary, "hat")]
        if named:
            return named[0].replace("bare", "")
        if any(is_denied(told, m.span()) for m in _ANY_HAT.finditer(told)):
            return ""
        heads = set(re.findall(r"[a-z]+", words.casefold()))
        if heads & STRAW_HATS:
            return "straw hat"
        if heads & TOP_HATS:
            return "top hat"
        return "beanie" if weather == "snow" or self._rng.random() < 0.2 else ""


_ADULT_HAIR = ("black", "brown", "blond", "ginger", "brown", "black")


def _article(word: str) -> str:
    return "an" if word[0] in "aeiou" else "a"
