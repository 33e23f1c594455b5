"""D_i and C_i as one text: what the understanding model reads (STAGE, sec. 4.1).

The form is fixed, because checkpoints are trained on it:

    {description} Shot: {scale}, {angle}, {movement}. Place: {place, look}, {time}, {weather}.
    Cast: {name}, {look}; {name}, {look}. Look: {look}.

Parts that are empty are left out, and so is a sentence without parts. Needs no torch.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from engine.story import CastMember, Place, Shot

_SENTENCE_ENDS = (".", "!", "?", "…")
_CLOSING_MARKS = "\"'”’)]»"


def compose(shot: Shot, cast: Sequence[CastMember], places: Sequence[Place] = (), look: str = "") -> str:
    """The prompt of a shot: its description, camera, place, the cast who are in it, and the film's look.

    Only people whom the shot's attributes list are told, in that order; a name without a card is told alone.
    Names of people and places match without regard to case.
    """
    attributes = shot.attributes
    description = _tidy(shot.description)
    if description and not description.rstrip(_CLOSING_MARKS).endswith(_SENTENCE_ENDS):
        description += "."
    camera = (attributes.scale.value, attributes.angle.value, attributes.movement.value)
    place = _card(attributes.place, ((p.name, p.look) for p in places))
    people = (_card(name, ((c.name, c.look) for c in cast)) for name in attributes.cast)
    sentences = (
        description,
        _sentence("Shot", ", ".join(camera)),
        _sentence("Place", _join(", ", (place, attributes.time.value, _phrase(attributes.weather)))),
        _sentence("Cast", _join("; ", people)),
        _sentence("Look", _phrase(look)),
    )
    return " ".join(s for s in sentences if s)


def _sentence(label: str, text: str) -> str:
    return f"{label}: {text}." if text else ""


def _card(name: str, cards: Iterable[tuple[str, str]]) -> str:
    """`name, look` with the look of the first card of that name; the name alone where there is none."""
    name = _phrase(name)
    look = next((look for card, look in cards if _phrase(card).casefold() == name.casefold()), "")
    return _join(", ", (name, _phrase(look)))


def _join(separator: str, parts: Iterable[str]) -> str:
    return separator.join(p for p in parts if p)


def _tidy(text: str) -> str:
    """One line with single spaces: the tokenizer should not see how a text field was wrapped."""
    return " ".join(text.split())


def _phrase(text: str) -> str:
    """A phrase that goes inside a sentence: one line, without a stop or a separator at its end."""
    return _tidy(text).rstrip(" .,;:")
