"""How a place looks: words that the checkpoint draws a setting with, chosen once, so that it looks the same
in every shot.

A vocabulary has them as kinds under the setting's name ("forest palette", "forest side"). What the theme says
wins ("a castle with blue roofs"); two places of one setting look different.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from engine.director.denied import there
from engine.director.places import Spot
from engine.story import Place
from engine.vocabulary import Vocabulary, noun_phrase


def furnish(
    spots: Sequence[Spot], text: str, vocabulary: Vocabulary, rng: random.Random
) -> tuple[Place, ...]:
    """The places of the spots, each once, in order of appearance, with looks that say how they are drawn."""
    places: dict[str, Place] = {}
    taken: set[str] = set()  # words that tell a place of the same setting apart
    for spot in spots:
        if spot.place.name in places:
            continue
        chosen = []
        for kind in vocabulary.looks_of(spot.setting):
            word = _word(kind, text, vocabulary, taken, rng)
            taken.add(word)
            chosen.append(noun_phrase(word))
        look = ", ".join([spot.place.look, *chosen] if spot.place.look else chosen)
        places[spot.place.name] = spot.place.model_copy(update={"look": look})
    return tuple(places.values())


def _word(kind: str, text: str, vocabulary: Vocabulary, taken: set[str], rng: random.Random) -> str:
    """What the text says, or else a word that no other place has."""
    words = vocabulary.canonicals(kind)
    said = [match.canonical for match in there(text, vocabulary, kind) if match.canonical not in taken]
    free = [word for word in words if word not in taken]
    return said[0] if said else rng.choice(free or words)
