"""The prompt of a shot as it is now, and that of recorded words."""

from __future__ import annotations

from engine import story
from engine.step2.prompt import compose
from engine.story import CinematicAttributes
from studio.project.conditions import Words
from studio.project.film import FilmState
from studio.store.tables import Shot


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


def present_prompt(film: FilmState, shot: Shot) -> str:
    """The prompt of a shot as the film is now."""
    return compose(film.story_shot(shot), film.story_cast(), film.story_places(), film.project.look)
