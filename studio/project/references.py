"""Reference pictures: whose they are, what they are called, and in which shots' memory they are.

A picture of a person is pinned into the memory of every shot that lists that person, one of a place into
every shot set there, one of the look into every shot, one of a shot into that shot alone. So adding or
removing one makes exactly those shots stale.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from studio.project.conditions import ReferenceRef, Words
from studio.project.film import FilmState
from studio.store.states import Subject
from studio.store.tables import Shot

LOOK_NAME, SHOT_NAME = "the look", "this shot"
_KEYS = {Subject.LOOK: "look", Subject.SHOT: "shot"}


def reference_refs(film: FilmState) -> dict[str, ReferenceRef]:
    """Every picture of somebody or something that is (still) on the lists, by its row: "ref:Anna 2"."""
    names = {(Subject.CAST, member.id): member.name for member in film.cast}
    names |= {(Subject.PLACE, place.id): place.name for place in film.places}
    names |= {(Subject.SHOT, shot.id): SHOT_NAME for shot in film.shots}
    names[Subject.LOOK, ""] = LOOK_NAME
    counts: dict[tuple[Subject, str], int] = {}
    found: dict[str, ReferenceRef] = {}
    for row in film.references:
        whose = (Subject(row.subject), row.subject_id)
        if whose not in names:
            continue
        number = counts[whose] = counts.get(whose, 0) + 1
        key = f"ref:{_KEYS.get(whose[0], names[whose])}{f' {number}' if number > 1 else ''}"
        found[row.id] = ReferenceRef(
            subject=whose[0], subject_id=whose[1], name=names[whose], key=key, sha256=row.sha256
        )
    return found


def concerns(ref: ReferenceRef, shot: Shot) -> bool:
    """Whether the picture belongs into the memory of the shot."""
    name = ref.name.casefold()
    match ref.subject:
        case Subject.CAST:
            return any(name == other.casefold() for other in shot.cast)
        case Subject.PLACE:
            return name == shot.place.casefold()
        case Subject.LOOK:
            return True
        case Subject.SHOT:
            return ref.subject_id == shot.id


def reference_reasons(
    then: Sequence[ReferenceRef], now: Sequence[ReferenceRef], words_then: Words, words_now: Words
) -> Iterator[str]:
    """Which pictures came or went since, as clauses. Those of people and places that came or went themselves
    are not told: the words say that already.
    """
    before, after = {ref.slot for ref in then}, {ref.slot for ref in now}
    for ref in now:
        if ref.slot not in before and _told(ref, words_then):
            yield f"a picture of {ref.name} was added"
    for ref in then:
        if ref.slot not in after and _told(ref, words_now):
            yield f"a picture of {ref.name} was removed"


def _told(ref: ReferenceRef, words: Words) -> bool:
    match ref.subject:
        case Subject.CAST:
            return any(card.name.casefold() == ref.name.casefold() for card in words.cast)
        case Subject.PLACE:
            return words.place.casefold() == ref.name.casefold()
        case Subject.LOOK | Subject.SHOT:
            return True
