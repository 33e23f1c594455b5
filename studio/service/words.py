"""Which words of a film the profile cannot draw, and what to use instead: no edit silently does nothing."""

from __future__ import annotations

from functools import lru_cache

from engine.near import nearest
from engine.profiles import get_profile
from engine.story import Interior
from engine.vocabulary import Vocabulary
from studio.service.views import CastView, PlaceView, ReferenceView, WordHint
from studio.store.tables import CastMember, Place, Shot

_WRITTEN = ("description", "place", "weather")
_CHOSEN = ("scale", "angle", "movement")


@lru_cache(maxsize=16_384)
def hints_in(profile: str, field: str, text: str, names: tuple[str, ...] = ()) -> tuple[WordHint, ...]:
    """Words of a text that the profile cannot draw; none for a profile that reads any words, or a name."""
    vocabulary = get_profile(profile).vocabulary
    unknown = [] if vocabulary is None or not text else vocabulary.unknown(text, names)
    return tuple(_hint(vocabulary, field, word) for word in unknown if vocabulary is not None)


def shot_hints(profile: str, shot: Shot, names: tuple[str, ...]) -> tuple[WordHint, ...]:
    """The same for everything of a shot that goes into its picture, terms of the camera too."""
    written = [hint for field in _WRITTEN for hint in hints_in(profile, field, getattr(shot, field), names)]
    chosen = [hint for field in _CHOSEN if (hint := _camera_hint(profile, field, getattr(shot, field)))]
    return (*written, *chosen)


@lru_cache(maxsize=256)
def _camera_hint(profile: str, kind: str, term: str) -> WordHint | None:
    vocabulary = get_profile(profile).vocabulary
    if vocabulary is None or any(
        term in vocabulary.words(kind, name) for name in vocabulary.canonicals(kind)
    ):
        return None
    return _hint(vocabulary, kind, term)


def _hint(vocabulary: Vocabulary, field: str, word: str) -> WordHint:
    return WordHint(field=field, word=word, instead=nearest(vocabulary, word))


def cast_view(
    profile: str, member: CastMember, names: tuple[str, ...], pictures: tuple[ReferenceView, ...] = ()
) -> CastView:
    """A member of the cast; `names` are those of the whole cast, which are no unknown words."""
    hints = hints_in(profile, "look", member.look, names)
    words = tuple(hint.word for hint in hints)
    return CastView(
        id=member.id,
        name=member.name,
        look=member.look,
        unknown_words=words,
        hints=hints,
        pictures=pictures,
    )


def place_view(
    profile: str, place: Place, names: tuple[str, ...], pictures: tuple[ReferenceView, ...] = ()
) -> PlaceView:
    """A place of the film. Its name goes into the picture, too."""
    hints = (*hints_in(profile, "name", place.name, names), *hints_in(profile, "look", place.look, names))
    return PlaceView(
        id=place.id,
        name=place.name,
        look=place.look,
        interior=Interior(place.interior),
        unknown_words=tuple(hint.word for hint in hints),
        hints=hints,
        pictures=pictures,
    )
