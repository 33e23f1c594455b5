"""What a place looks like and whose skin is which, in words: the lexicon has a kind for each fact of each
setting ("forest palette", "room side"), and one for skins.
"""

from __future__ import annotations

from engine.vocabulary import noun_phrase
from engine.world.lexicon import lexicon
from engine.world.story import Location, Person

VALUES: dict[str, tuple[int, ...]] = {"palette": (0, 1, 2), "side": (-1, 1), "variant": (0, 1)}
"""The facts of a layout and their values, in the order of the lexicon's words."""


def layout_word(location: Location, fact: str) -> str:
    """The canonical word for one of VALUES of a location."""
    words = lexicon()[f"{location.setting} {fact}"]
    return list(words)[VALUES[fact].index(getattr(location, fact))]


def layout(location: Location) -> str:
    """A location's whole layout: "autumn leaves, a path on the left, pine trees"."""
    return ", ".join(noun_phrase(layout_word(location, fact)) for fact in VALUES)


def skin(person: Person) -> str:
    """The canonical word for somebody's skin: "tan skin"."""
    return list(lexicon()["skin"])[person.skin]
