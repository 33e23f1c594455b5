"""The forms that a language model fills in, one a stage of thought (STAGE, eq. 7).

Forms are made for the film at hand: lists have exactly the asked length, and names, places and camera terms
are closed sets. So a server or a local model that constrains its output cannot get them wrong, and one that
does not is told what is wrong by the same rules.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, create_model

from engine.profiles import Profile
from engine.story import Angle, Framing, Interior, Movement, Purpose, Scale, Shot, Support, TimeOfDay


class Form(BaseModel):
    """Base of all forms. Every field is asked for: a model that may leave something out, does."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


class ThemeForm(Form):
    """Stage 1."""

    title: str = Field(min_length=1, max_length=80)
    logline: str = Field(min_length=1, max_length=400)
    look: str = Field(max_length=200)


class PersonForm(Form):
    name: str = Field(min_length=1, max_length=60)
    look: str = Field(min_length=1, max_length=300)


class PlaceForm(Form):
    name: str = Field(min_length=1, max_length=80)
    look: str = Field(max_length=300)
    interior: Interior


class CastForm(Form):
    """Stage 2."""

    cast: list[PersonForm] = Field(max_length=20)
    places: list[PlaceForm] = Field(min_length=1, max_length=30)


@dataclass(frozen=True)
class Terms:
    """The words that a film may use: camera terms and weathers as the profile can draw them, and its own
    names. `weathers` is empty where any may be written.
    """

    scales: tuple[str, ...]
    angles: tuple[str, ...]
    movements: tuple[str, ...]
    weathers: tuple[str, ...]
    most_people: int | None

    @classmethod
    def of(cls, profile: Profile) -> Terms:
        """All camera terms, or those that the profile knows."""
        known = profile.vocabulary

        def drawable(kind: str, terms: type[Scale] | type[Angle] | type[Movement]) -> tuple[str, ...]:
            every = tuple(term.value for term in terms)
            if known is None or not known.canonicals(kind):
                return every
            said = {word for canonical in known.canonicals(kind) for word in known.words(kind, canonical)}
            return tuple(term for term in every if term in said)

        return cls(
            drawable("scale", Scale),
            drawable("angle", Angle),
            drawable("movement", Movement),
            known.canonicals("weather") if known is not None else (),
            profile.max_people,
        )


def beats_form(count: int, shortest: int, longest: int, places: Sequence[str], terms: Terms) -> type[Form]:
    """Stage 3: `beats`, exactly `count` of them, each `shortest` to `longest` frames long."""
    weather: Any = (Literal[terms.weathers], ...) if terms.weathers else (str, Field(max_length=40))
    beat = create_model(
        "BeatForm",
        __base__=Form,
        text=(str, Field(min_length=1, max_length=300)),
        new_scene=(bool, ...),
        place=(_one_of(places), ...),
        time=(TimeOfDay, ...),
        weather=weather,
        frames=(int, Field(ge=shortest, le=longest)),
    )
    return create_model(
        "BeatsForm",
        __base__=Form,
        beats=(list[beat], Field(min_length=count, max_length=count)),  # type: ignore[valid-type]
    )


def shots_form(count: int, names: Sequence[str], terms: Terms) -> type[Form]:
    """Stage 4: `shots`, exactly `count` of them, with the cast and the camera terms as closed sets."""
    shot = create_model("ShotForm", __base__=Form, **_filmed(names, terms))
    return create_model(
        "ShotsForm",
        __base__=Form,
        shots=(list[shot], Field(min_length=count, max_length=count)),  # type: ignore[valid-type]
    )


def rewrite_form(shot: Shot, names: Sequence[str], terms: Terms, shortest: int, longest: int) -> type[Form]:
    """One shot anew, with `reasons`, a sentence for each change. What the shot has now may always stay, be it
    longer than what a model is else asked for.
    """
    now = shot.attributes
    kept = replace(
        terms,
        scales=_with(terms.scales, now.scale.value),
        angles=_with(terms.angles, now.angle.value),
        movements=_with(terms.movements, now.movement.value),
        most_people=max(terms.most_people or 20, len(now.cast)),
    )
    weathers = _with(terms.weathers, now.weather)
    return create_model(
        "RewriteForm",
        __base__=Form,
        **_filmed(
            [*names, *(name for name in now.cast if name not in names)],
            kept,
            description=len(shot.description),
            dialogue=len(now.dialogue),
            sound=len(now.sound),
        ),
        place=(str, Field(max_length=120)),
        time=(TimeOfDay, ...),
        weather=(
            (_one_of(weathers), ...) if terms.weathers else (str, Field(max_length=max(40, len(now.weather))))
        ),
        frames=(int, Field(ge=min(shortest, now.length), le=max(longest, now.length))),
        reasons=(list[str], Field(min_length=1, max_length=8)),
    )


def _filmed(
    names: Sequence[str], terms: Terms, *, description: int = 0, dialogue: int = 0, sound: int = 0
) -> dict[str, Any]:
    """The fields of a shot that say what is seen and how it is filmed. The numbers are characters that a text
    may at least have.
    """
    cast: Any = (
        (list[_one_of(names)], Field(max_length=min(len(names), terms.most_people or 20)))  # type: ignore[misc]
        if names
        else (list[str], Field(max_length=0))
    )
    return {
        "description": (str, Field(min_length=1, max_length=max(600, description))),
        "scale": (_one_of(terms.scales), ...),
        "angle": (_one_of(terms.angles), ...),
        "movement": (_one_of(terms.movements), ...),
        "framing": (Framing, ...),
        "support": (Support, ...),
        "purpose": (Purpose, ...),
        "cast": cast,
        "dialogue": (str, Field(max_length=max(400, dialogue))),
        "sound": (str, Field(max_length=max(200, sound))),
    }


def _with(words: tuple[str, ...], word: str) -> tuple[str, ...]:
    return words if word in words else (*words, word)


def continuity_form(first: int, last: int) -> type[Form]:
    """Stage 5: `corrections` of shots `first` to `last`; none where nothing is wrong."""
    correction = create_model(
        "CorrectionForm",
        __base__=Form,
        shot=(int, Field(ge=first, le=last)),
        problem=(str, Field(min_length=1, max_length=200)),
        description=(str, Field(min_length=1, max_length=600)),
    )
    return create_model(
        "ContinuityForm",
        __base__=Form,
        corrections=(list[correction], Field(max_length=20)),  # type: ignore[valid-type]
    )


def _one_of(words: Sequence[str]) -> Any:
    """The type of exactly these words."""
    return Literal[tuple(words)]
