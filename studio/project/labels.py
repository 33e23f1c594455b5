"""Scene and slate, "1B": what a shot is called on set and in the names of its takes, so no two shots are
given one label.

A shot in the trash does not hold on to its label: who deletes 1B may call another shot 1B. But no new letter
is chosen among those of the trash, so that as a rule it comes back as it was.
"""

from __future__ import annotations

from collections.abc import Collection

from engine.errors import BadInput
from engine.story import slate_letters
from studio.project.commands import Recorder
from studio.project.film import FilmState, load_film
from studio.store.tables import Shot


def label(shot: Shot) -> str:
    """Scene and slate: "1B"."""
    return f"{shot.scene}{shot.slate}"


def free_slate(film: FilmState, scene: int) -> str:
    """The first letter that no shot of the scene has, deleted ones included."""
    used = {_read(label(shot)) for shot in (*film.shots, *film.trash)}
    letters = map(slate_letters, range(len(used) + 1))
    return next(letter for letter in letters if _read(f"{scene}{letter}") not in used)


def slate_in(film: FilmState, shot: Shot, scene: int) -> str:
    """The letter of a shot in another scene: its own, or the next free one where a shot there has it, deleted
    ones included.
    """
    there = {_read(label(other)) for other in (*film.shots, *film.trash) if other.id != shot.id}
    return free_slate(film, scene) if shot.slate and _read(f"{scene}{shot.slate}") in there else shot.slate


def taken(film: FilmState, shot: Shot) -> bool:
    """Whether another shot of the film has the label of this one. No letter is no label."""
    return bool(shot.slate) and any(_same(shot, other) for other in film.shots)


def check_labels(film: FilmState, changed: Collection[Shot]) -> None:
    """Raises BadInput when one of these shots of the film got the label of another, and says whose it is."""
    there = [shot for shot in changed if shot.id in film.index and shot.slate]
    for shot in there:
        other = next((other for other in film.shots if _same(shot, other)), None)
        if other is None:
            continue
        if other in there:
            numbers = sorted(film.index[one.id] + 1 for one in (shot, other))
            raise BadInput(
                f"Shots {numbers[0]} and {numbers[1]} cannot both be {label(shot)}: give each its own letter."
            )
        raise BadInput(f"Shot {film.index[other.id] + 1} is {label(other)} already: choose another letter.")


def part_labels(recorder: Recorder) -> None:
    """Gives another letter to each shot that the command brought back with a label given away since."""
    film = load_film(recorder.session, recorder.project)
    for shot in film.shots:
        if recorder.wrote(shot) and taken(film, shot):
            recorder.set(shot, slate=free_slate(film, shot.scene))


def _same(shot: Shot, other: Shot) -> bool:
    return other.id != shot.id and bool(other.slate) and _read(label(other)) == _read(label(shot))


def _read(label: str) -> str:
    """A label as people read it: "1b " is "1B"."""
    return "".join(label.split()).casefold()
