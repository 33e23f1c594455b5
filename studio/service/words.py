"""Words that the profile cannot draw, or that its fields contradict: no edit silently does nothing."""

from __future__ import annotations

import re
from functools import lru_cache

from engine.director.claims import SCENE, claim, clothes, deeds, worn_on
from engine.near import nearest
from engine.profiles import get_profile
from engine.story import Interior
from engine.vocabulary import Vocabulary, noun_phrase
from studio.project.conditions import Card
from studio.project.film import FilmState
from studio.service.parts import Contradiction
from studio.service.views import CastView, LookChoice, PlaceView, ReferenceView, WordHint
from studio.store.tables import CastMember, Place, Shot

_WRITTEN = ("description", "place", "weather")
_CHOSEN = ("scale", "angle", "movement")
_CAMERA_FIELDS = ("scale", "movement")
_CAMERA_LABELS = {"scale": "Size", "movement": "Movement"}
_SCENE_FIELDS = ("place", "time", "weather")


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


def contradictions(film: FilmState, shot: Shot) -> tuple[Contradiction, ...]:
    """Where the description says something else than the place, time, weather, or the looks of the cast, lets
    somebody act who is not in the shot, or says what the profile never saw with the camera of the shot.
    """
    if not shot.description:
        return ()
    places = tuple((place.name, place.look) for place in film.places)
    cast = tuple(Card(name=name, look=film.looks.get(name.casefold(), "")) for name in shot.cast)
    fields = (shot.place, shot.time, shot.weather)
    profile, camera = film.project.profile, (shot.scale, shot.movement)
    return (
        *_contradictions(profile, shot.description, fields, places, cast),
        *_absent(profile, shot.description, tuple(shot.cast), tuple(member.name for member in film.cast)),
        *_unseen(profile, shot.description, camera),
    )


@lru_cache(maxsize=16_384)
def _unseen(profile: str, description: str, camera: tuple[str, str]) -> tuple[Contradiction, ...]:
    """Actions that the profile was never shown with this scale, or this movement of the camera."""
    known = get_profile(profile)
    if known.vocabulary is None:
        return ()
    chosen = {
        kind: known.vocabulary.first(term, kind) for kind, term in zip(_CAMERA_FIELDS, camera, strict=True)
    }
    found: dict[str, Contradiction] = {}
    for never in known.never_with(deeds(description, known.vocabulary)):
        if chosen[never.field] in never.values:
            together = f"“{never.action}” with “{chosen[never.field]}”"
            found[never.field] = Contradiction(
                text=f"The profile {profile} was never shown {together}: it may not be seen, or look odd.",
                action=f"Set {_CAMERA_LABELS[never.field]} to {never.instead}",
                fields={never.field: never.instead},
            )
    return tuple(found.values())


@lru_cache(maxsize=16_384)
def _absent(
    profile: str, description: str, here: tuple[str, ...], everybody: tuple[str, ...]
) -> tuple[Contradiction, ...]:
    """Members of the cast whom a clause begins with, so that they act, and who are not in the shot."""
    present = {name.casefold() for name in here}
    most = get_profile(profile).max_people
    found = []
    for name in everybody:
        if name.casefold() in present or not _begins_with(name).search(description):
            continue
        room = most is None or len(here) < most
        found.append(
            Contradiction(
                text=f"The words name {name}, who is not in this shot.",
                action=f"Add {name}" if room else "",
                fields={"cast": (*here, name)} if room else {},
            )
        )
    return tuple(found)


@lru_cache(maxsize=1024)
def _begins_with(name: str) -> re.Pattern[str]:
    """A clause that begins with a name: "The postman waits", "…, and his mother waves", not "the postman's
    bag" nor "she thinks of Ada".
    """
    before = r"(?:^|[.!?;:,]\s+|\band\s+)(?:and\s+)?(?:(?:the|an?|his|her|their|old|young|little)\s+)*"
    return re.compile(rf"{before}{re.escape(name)}\b(?!['’]s\b)", re.IGNORECASE)


@lru_cache(maxsize=16_384)
def _contradictions(
    profile: str,
    description: str,
    fields: tuple[str, ...],
    places: tuple[tuple[str, str], ...],
    cast: tuple[Card, ...],
) -> tuple[Contradiction, ...]:
    vocabulary = get_profile(profile).vocabulary
    if vocabulary is None:
        return ()
    scene = _scene_contradiction(vocabulary, description, fields, places)
    worn = (_worn_contradiction(vocabulary, description, card, alone=len(cast) == 1) for card in cast)
    return tuple(found for found in (scene, *worn) if found is not None)


def _scene_contradiction(
    vocabulary: Vocabulary, description: str, fields: tuple[str, ...], places: tuple[tuple[str, str], ...]
) -> Contradiction | None:
    """Place, time and weather that the description plainly says, where it does not name the shot's own.

    An empty field says nothing against the words, and one that cannot be drawn has a hint of its own.
    """
    drawn = {name.casefold(): f"{name} {look}" for name, look in places}
    said: list[str] = []
    own: dict[str, str] = {}
    resolved: dict[str, str] = {}
    for kind, field, value in zip(SCENE, _SCENE_FIELDS, fields, strict=True):
        text = drawn.get(value.casefold(), value) if field == "place" else value
        now = {match.canonical for match in vocabulary.find(text, kind)}
        words = claim(description, kind, vocabulary)
        if not now or not words.plain or now & words.named or value.casefold() in description.casefold():
            continue
        said.append(words.plain)
        own[field.capitalize()] = value
        known = (name for name, look in places if vocabulary.first(f"{name} {look}", kind) == words.plain)
        resolved[field] = next(known, words.plain.capitalize()) if field == "place" else words.plain
    if not said:
        return None
    names = list(own)
    listed = " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
    verb = "say" if len(names) > 1 else "says"
    return Contradiction(
        text=f"The words say {', '.join(said)}; {listed} {verb} {', '.join(own.values())}.",
        action=f"Set {listed}",
        fields=resolved,
    )


def _worn_contradiction(
    vocabulary: Vocabulary, description: str, card: Card, *, alone: bool
) -> Contradiction | None:
    """Clothes and hair that the description gives somebody, where the card tells others."""
    said, own = clothes(description, card.name, vocabulary, alone=alone), worn_on(card.look, vocabulary)
    differ = [kind for kind, word in said.items() if own.get(kind, word) != word]
    if not differ:
        return None
    words, known = (", ".join(_worn(kind, look[kind]) for kind in differ) for look in (said, own))
    return Contradiction(text=f"The words say {words}; the card of {card.name} says {known}.")


def _worn(kind: str, word: str) -> str:
    return {"hat": "no hat" if word == "bare" else word}.get(kind, f"{word} {kind}")


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
        choices=look_choices(profile, place.name, place.look),
    )


@lru_cache(maxsize=1024)
def look_choices(profile: str, name: str, look: str) -> tuple[LookChoice, ...]:
    """Among which words the look of such a place chooses, where the profile has words for it."""
    vocabulary = get_profile(profile).vocabulary
    setting = vocabulary.first(f"{name} {look}", "setting") if vocabulary is not None else None
    if vocabulary is None or setting is None:
        return ()
    found = []
    for kind in vocabulary.looks_of(setting):
        words, match = vocabulary.canonicals(kind), next(iter(vocabulary.find(look, kind)), None)
        said = _with_article(look, match.span) if match else None
        at = words.index(match.canonical) if match else None
        told = tuple(noun_phrase(word) for word in words)
        found.append(LookChoice(kind=kind.removeprefix(f"{setting} "), words=told, said=said, at=at))
    return tuple(found)


def _with_article(text: str, span: tuple[int, int]) -> str:
    before = re.search(r"\b(?:an?|the)\s+$", text[: span[0]], re.IGNORECASE)
    return text[before.start() if before else span[0] : span[1]]
