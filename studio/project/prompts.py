"""The prompt that recorded words make, for takes whose record has the words only."""

from __future__ import annotations

from engine import story
from engine.step2.prompt import compose
from engine.story import CinematicAttributes
from studio.project.conditions import Words


def prompt_of(words: Words) -> str:
    """The prompt that recorded words make; an imported take has no other record of it."""
    shot = story.Shot(
        description=words.description,
        attributes=CinematicAttributes.model_validate(
            {
                "scale": words.scale,
                "angle": words.angle,
                "movement": words.movement,
                "place": words.place,
                "time": words.time,
                "weather": words.weather,
                "cast": [card.name for card in words.cast],
            }
        ),
    )
    cast = [story.CastMember(name=card.name, look=card.look) for card in words.cast]
    places = [story.Place(name=words.place, look=words.place_look)] if words.place else []
    return compose(shot, cast, places, words.look)
