"""What a prompt is made of, and in what two of them differ, said to people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from studio.project.conditions import Card, Words
from studio.project.film import FilmState
from studio.store.tables import Shot


def words_of(film: FilmState, shot: Shot) -> Words:
    """What the prompt of a shot is made of, now."""
    return Words(
        description=shot.description,
        scale=shot.scale,
        angle=shot.angle,
        movement=shot.movement,
        place=shot.place,
        place_look=film.place_looks.get(shot.place.casefold(), ""),
        time=shot.time,
        weather=shot.weather,
        cast=tuple(Card(name=name, look=film.looks.get(name.casefold(), "")) for name in shot.cast),
        look=film.project.look,
    )


def word_reasons(then: Words, now: Words, film: FilmState) -> Iterator[str]:
    """What differs between two prompts, in clauses for people; `film` tells who still has a card."""
    if then.description != now.description:
        yield "the description changed"
    for field in ("scale", "angle", "movement", "time", "weather"):
        before, after = getattr(then, field), getattr(now, field)
        if before != after:
            yield f"the {field} changed from {before or 'none'} to {after or 'none'}"
    if then.place != now.place:
        yield f"the place changed from {then.place or 'none'} to {now.place or 'none'}"
    elif then.place_look != now.place_look:
        listed = now.place.casefold() in film.place_looks
        yield f"the look of {now.place} changed" if listed else f"{now.place} is no longer among the places"
    renamed = renamed_people(then.cast, now.cast)
    yield from (f"{before} is called {after} now" for before, after in renamed.items())
    looks = {renamed.get(card.name, card.name): card.look for card in then.cast}
    names = [card.name for card in now.cast]
    yield from (f"{name} is not in the shot any more" for name in looks if name not in names)
    for card in now.cast:
        if card.name not in looks:
            yield f"{card.name} came into the shot"
        elif looks[card.name] != card.look:
            listed = card.name.casefold() in film.looks
            yield (
                f"the look of {card.name} changed" if listed else f"{card.name} is no longer on the cast list"
            )
    if set(looks) == set(names) and list(looks) != names:
        yield "the order of the cast changed"
    if then.look != now.look:
        yield "the look of the film changed"


def renamed_people(then: Sequence[Card], now: Sequence[Card]) -> dict[str, str]:
    """Who has another name: the only one who went and the only one who came of a look, where one is told."""
    gone = [card for card in then if card.name not in {other.name for other in now}]
    new = [card for card in now if card.name not in {other.name for other in then}]
    found = {}
    for card in gone:
        alike = [other.name for other in new if other.look == card.look]
        rivals = [other for other in gone if other.look == card.look]
        if card.look and len(alike) == len(rivals) == 1:
            found[card.name] = alike[0]
    return found
