"""Where a film plays: places named in a sentence, places that people imply, and how one speaks of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from engine.director.denied import is_denied
from engine.director.english import Tag, Token
from engine.director.nobody import EMPTY_WORDS
from engine.director.verbs import Form
from engine.near import nearest
from engine.story import Interior, Place
from engine.vocabulary import Vocabulary, singulars, word_set

# canonical setting -> (standing, walking, what lies all around)
_PHRASES = {
    "forest": ("in {}", "through {}"),
    "city": ("in {}", "through {}"),
    "beach": ("on {}", "along {}"),
    "desert": ("in {}", "across {}"),
    "mountains": ("in {}", "through {}"),
    "room": ("in {}", "across {}"),
    "castle": ("at {}", "towards {}"),
    "harbour": ("at {}", "along {}"),
}
_BY_NOUN = {
    "street": ("in {}", "along {}"),
    "road": ("on {}", "along {}"),
    "alley": ("in {}", "along {}"),
    "station": ("at {}", "through {}"),
    "stop": ("at {}", "past {}"),
    "rooftop": ("on {}", "across {}"),
    "square": ("in {}", "across {}"),
    "plaza": ("on {}", "across {}"),
    "island": ("on {}", "across {}"),
    "mars": ("on {}", "across {}"),
    "hill": ("on {}", "up {}"),
    "hillside": ("on {}", "up {}"),
    "slope": ("on {}", "up {}"),
    "peak": ("on {}", "up {}"),
    "summit": ("on {}", "up to {}"),
    "mountain": ("on {}", "up {}"),
    "cliff": ("on {}", "along {}"),
    "cliffs": ("on {}", "along {}"),
    "valley": ("in {}", "through {}"),
    "meadow": ("in {}", "across {}"),
    "field": ("in {}", "across {}"),
    "farm": ("on {}", "across {}"),
    "sea": ("by {}", "along {}"),
    "ocean": ("by {}", "along {}"),
    "lake": ("by {}", "along {}"),
    "river": ("by {}", "along {}"),
    "boat": ("on {}", "along {}"),
    "ship": ("on {}", "along {}"),
    "lighthouse": ("at {}", "towards {}"),
    "ruins": ("in {}", "through {}"),
    "church": ("in {}", "through {}"),
    "temple": ("in {}", "through {}"),
    "house": ("in {}", "through {}"),
    "library": ("in {}", "through {}"),
    "hospital": ("in {}", "through {}"),
    "castle": ("at {}", "towards {}"),
}
_FROM_PEOPLE = {
    "harbour": """
        fisherman sailor pirate captain keeper ferryman mermaid fisherwoman fisher castaway viking
        seagull ship boat
    """,
    "castle": """
        king queen knight prince princess emperor empress lord duchess guard dragon wizard heir
        jester minstrel ghost vampire squire
    """,
    "mountains": """
        shepherd farmer hermit monk climber explorer ranger goat sheep lamb wolf miller pilgrim
    """,
    "desert": """
        cowboy astronaut sheriff nomad camel wanderer alien robot outlaw prospector
    """,
    "city": """
        detective thief postman mailman spy policeman cop journalist reporter musician photographer
        dancer stranger driver messenger courier soldier actor actress nurse commuter lamplighter
        superhero bellringer
    """,
    "room": """
        grandmother grandma grandfather baker chef cook teacher painter writer poet librarian
        clockmaker inventor scientist doctor professor carpenter seamstress tailor toymaker
        watchmaker pianist widow maid family window bed fireplace table
    """,
    "forest": """
        hunter witch fairy elf fox bear deer rabbit woodcutter lumberjack goblin troll dwarf unicorn
        owl
    """,
    "beach": """
        surfer swimmer lifeguard turtle crab
    """,
}
_HOMES = {who: setting for setting, people in _FROM_PEOPLE.items() for who in people.split()}
_ABOUT = frozenset(("of", "about", "like", "for", "as", "without", "than"))
_PARTS = word_set("""
    top edge foot middle heart centre center side end bottom rest outskirts depths ruins gates streets shore
    shores roofs walls lanes alleys banks steps
""")
_MAKING = word_set("""
    build make draw paint plant write buy sell want miss love dream steal imagine describe need
""")
CITIES = word_set("""
    paris london rome vienna berlin lisbon madrid tokyo kyoto york venice moscow prague istanbul cairo delhi
    mumbai beijing shanghai sydney chicago boston oslo stockholm copenhagen helsinki dublin edinburgh
    athens naples florence milan barcelona amsterdam brussels budapest warsaw lagos nairobi havana lima
    toronto montreal seoul bangkok hanoi manila jakarta singapore hollywood brooklyn manhattan munich
    hamburg marseille geneva
""")
"""Where people go and whom they do not meet: without them Lisbon would be cast."""
_NO_NAME = EMPTY_WORDS | {"same"}
_VESSELS = word_set("boat boats ship ships")
_ABOARD = word_set("board sail row steer enter")
"""A ship that comes, or is found, is no place; one that somebody sails is."""
_WHERE = frozenset(("in", "through", "across"))  # one looks at people, sits near them, and bumps into them
_TRUST = frozenset(("believe", "trust", "confide", "delight"))
_STANDING = frozenset(("in", "on", "at", "by", "under", "near", "inside"))
SKIPPED = word_set("""
    fair wood keep court bar flat square home port park hall wide urban trees
""")
"""They are places only where a preposition and an article say so: "in the court"."""


@dataclass(frozen=True)
class Spot:
    """A place of the film, its canonical setting, and how one is, or walks, there ("in the city")."""

    place: Place
    setting: str
    at: str
    along: str
    the: str


def find_place(
    tokens: Sequence[Token], verb: str, source: str, vocabulary: Vocabulary, before_it: str = ""
) -> Spot | None:
    """The place that a clause happens at: after a preposition first, then what its verb enters or crosses.

    `before_it` are the words right before `source`, which may deny a place: "has never seen the sea".
    """
    objects: list[Spot] = []
    for m in vocabulary.find(source, "setting", "person"):
        run = [t for t in tokens if m.span[0] <= t.start < m.span[1]]
        if m.kind != "setting" or not run or run[-1].tag is Tag.VERB:
            continue
        if is_denied(
            f"{before_it} {source}", (m.span[0] + len(before_it) + 1, m.span[1] + len(before_it) + 1)
        ):
            continue
        index = tokens.index(run[-1])
        if index + 1 < len(tokens) and tokens[index + 1].tag is Tag.NOUN:
            continue  # "the desert wanderer", "a market street": the last noun of a phrase is what is meant
        start = phrase_start(tokens, index)
        before = tokens[start - 1] if start else None
        articled = tokens[start].tag in (Tag.DETERMINER, Tag.POSSESSIVE)
        governed = before is not None and before.tag is Tag.PREPOSITION
        if before is not None and before.lower in _ABOUT and not _part_of(tokens, start):
            continue
        if run[-1].lower in SKIPPED and len(run) == 1 and not (governed and articled):
            continue
        spot = _spot(tokens[start : index + 1], m.canonical, before if governed else None, vocabulary)
        if governed:
            return spot
        if verb not in _MAKING and (run[-1].lower not in _VESSELS or verb in _ABOARD):
            objects.append(spot)
    return objects[0] if objects else _city(tokens, before_it) or _near_place(tokens, vocabulary)


def _near_place(tokens: Sequence[Token], vocabulary: Vocabulary) -> Spot | None:
    """A place that the checkpoint can only draw as one near to it: "in an empty theatre", which is a room."""
    for index, t in enumerate(tokens):
        if t.tag is not Tag.NOUN or (index + 1 < len(tokens) and tokens[index + 1].tag is Tag.NOUN):
            continue
        start = phrase_start(tokens, index)
        before = tokens[start - 1].lower if start else ""
        articled = tokens[start].tag in (Tag.DETERMINER, Tag.POSSESSIVE)
        deed = tokens[start - 2].form if start > 1 else None
        if before == "by" and deed in (Form.PAST, Form.DONE):
            continue  # "chased by a car"
        if before not in _STANDING or vocabulary.find(t.text) or not (articled or before == "in"):
            continue
        near = nearest(vocabulary, t.lower)
        setting = vocabulary.first(near, "setting") if near else None
        if setting is not None:
            return _spot(tokens[start : index + 1], setting, tokens[start - 1], vocabulary)
    return None


def _city(tokens: Sequence[Token], before_it: str) -> Spot | None:
    """A city that is named after a preposition, but "from": "through Lisbon"."""
    if before_it.endswith(("never been", "not been", "n't been")):
        return None  # "has never been to Paris"
    for before, t in pairwise(tokens):
        if (
            t.lower in CITIES
            and t.text[0].isupper()
            and before.tag is Tag.PREPOSITION
            and before.lower != "from"
        ):
            return named_spot(t.text, "city")
        if (before.text, t.lower) == ("New", "york"):
            return named_spot("New York", "city")
    return None


def is_place_name(name: str, before: Token | None, verb: str) -> bool:
    """Whether a capitalised noun is where something happens: "in Eldoria"; but one believes in Tom."""
    if name.casefold().split()[-1] in CITIES:
        return True
    return before is not None and before.lower in _WHERE and verb not in _TRUST


def implied_place(nouns: Sequence[str], fallback: str) -> Spot:
    """The setting where such people are usually met; `fallback` where nobody implies one."""
    for noun in nouns:
        setting = next((_HOMES[w] for w in noun.casefold().split() if w in _HOMES), None)
        if setting is not None:
            return named_spot(setting, setting)
    return named_spot(fallback, fallback)


def named_spot(name: str, setting: str, interior: Interior | None = None) -> Spot:
    """A place by name. The canonical setting goes into its look where the name does not already say it."""
    noun = name.casefold().split()[-1] if name.split() else setting
    if noun not in _PHRASES:
        noun = next((one for one in (noun, *singulars(noun)) if one in _BY_NOUN), noun)
    at, along = _BY_NOUN.get(noun, _PHRASES.get(setting, ("at {}", "through {}")))
    proper = noun in CITIES or any(w[0].isupper() for w in name.split()[1:])
    the = name if proper else f"the {name.casefold()}"
    if noun == "mars":
        the = "Mars"
    look = "" if setting in name.casefold() or not setting else _LOOKS.get(setting, f"a {setting}")
    inside = interior or (Interior.INT if setting == "room" else Interior.EXT)
    place = Place(name=_capital(name)[:120], look=look, interior=inside)
    return Spot(place, setting, at.format(the), along.format(the), the)


_LOOKS = {"mountains": "mountains"}


def phrase_start(tokens: Sequence[Token], end: int) -> int:
    """Where the noun phrase begins whose last word is at `end`."""
    start = end
    while (
        start
        and tokens[start - 1].tag in (Tag.NOUN, Tag.ADJECTIVE, Tag.NUMBER)
        and tokens[start - 1].text != ","
    ):
        start -= 1
    if start and tokens[start - 1].tag in (Tag.DETERMINER, Tag.POSSESSIVE):
        start -= 1
    return start


def _part_of(tokens: Sequence[Token], start: int) -> bool:
    """Whether a place follows "the top of", "the edge of", …: it is where one is, not a topic."""
    return start >= 2 and tokens[start - 1].lower == "of" and tokens[start - 2].lower in _PARTS


def _spot(run: Sequence[Token], setting: str, preposition: Token | None, vocabulary: Vocabulary) -> Spot:
    """A spot from its noun phrase, without articles and without words for time and weather."""
    words = [t.text for t in run if t.tag not in (Tag.DETERMINER, Tag.POSSESSIVE, Tag.NUMBER)]
    kept = [
        w for w in words[:-1] if not vocabulary.find(w, "time", "weather") and w.casefold() not in _NO_NAME
    ]
    kept += words[-1:]
    spot = named_spot(" ".join(kept), setting)
    if preposition is not None and preposition.lower in _STANDING:
        at = f"{preposition.lower} {spot.the}"
        return Spot(spot.place, spot.setting, at, spot.along, spot.the)
    return spot


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
