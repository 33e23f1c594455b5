"""Preferences to learn from: what was picked against what was turned down, as the trainer reads films.

A folder with films.jsonl (see engine.dataset.films) and the frames under their hashes. A shot's `rejected`
are takes that somebody turned down: by rejecting them, or by picking another one while they were there. What
the drawing process picked was picked by nobody, so it alone says nothing. Both takes were drawn from the same
words, by the same profile and at the same size, so that they answer the same question; the frame before and
the memory are the film's, as the trainer makes them from its order.
"""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlmodel import Session, col, select

from engine.dataset.films import FILMS_FILE, RejectedPair, TrainingFilm, TrainingShot
from engine.errors import BadInput
from studio.exchange.zips import ZipKind, writing
from studio.project.conditions import Conditions
from studio.project.film import FilmState
from studio.project.prompts import prompt_of
from studio.store.errors import clear_errors
from studio.store.home import Home
from studio.store.tables import Take


@dataclass(frozen=True)
class Preferences:
    """A film as a record, the hashes of its frames, and how many pairs were turned down."""

    record: TrainingFilm
    frames: tuple[str, ...]
    rejected: int


def preferences_of(session: Session, film: FilmState) -> Preferences:
    """What the picks of a film say. Raises BadInput when nothing was turned down."""
    shots: list[TrainingShot] = []
    frames: set[str] = set()
    for shot in film.shots:
        takes = list(session.exec(select(Take).where(Take.shot_id == shot.id).order_by(col(Take.number))))
        picked = next((take for take in takes if take.id == shot.picked), None)
        if picked is None:
            continue
        others = list(_turned_down(picked, takes, shot.picked_at or 0))
        words = Conditions.model_validate(picked.conditions)
        shots.append(
            TrainingShot(
                prompt=words.prompt or prompt_of(words.words),
                description=words.words.description,
                start=_path(picked.start_sha256),
                end=_path(picked.end_sha256),
                rejected=tuple(
                    RejectedPair(start=_path(take.start_sha256), end=_path(take.end_sha256))
                    for take in others
                ),
            )
        )
        frames.update(h for take in (picked, *others) for h in (take.start_sha256, take.end_sha256))
    count = sum(len(shot.rejected) for shot in shots)
    if not count:
        raise BadInput(
            "There is nothing to prefer yet: draw several takes of a shot from the same words, then pick the "
            "one you like, or reject others."
        )
    return Preferences(
        TrainingFilm(title=film.project.title, shots=tuple(shots)), tuple(sorted(frames)), count
    )


def write_folder(home: Home, found: Sequence[Preferences], out: Path) -> None:
    """Writes films.jsonl, a film a line, and the frames. Raises BadInput rather than overwrite one."""
    if (out / FILMS_FILE).exists():
        raise BadInput(f"There is a {FILMS_FILE} in {out} already: name another folder.")
    with clear_errors(out):
        (out / "frames").mkdir(parents=True, exist_ok=True)
        for sha256 in {sha256 for film in found for sha256 in film.frames}:
            shutil.copyfile(home.frame(sha256), out / _path(sha256))
        (out / FILMS_FILE).write_text(_lines(found), encoding="utf-8")


def write_zip(home: Home, project_id: str, found: Preferences) -> None:
    """The same of one film as a zip, in the place of its last one."""
    target = ZipKind.PREFERENCES.path(home, project_id)
    with writing(home, target) as partial, zipfile.ZipFile(partial, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(FILMS_FILE, _lines([found]))
        for sha256 in found.frames:
            archive.write(home.frame(sha256), _path(sha256).as_posix())


def _turned_down(picked: Take, takes: Iterable[Take], when: int) -> Iterator[Take]:
    """The takes that lost against the picked one, each pair of pictures once.

    A take that was drawn again exactly is the same picture, though another machine draws other last bits.
    """
    question = _question(picked)
    seen = {(picked.start_sha256, picked.end_sha256)}
    drawings = {picked.again_of or picked.id}
    for take in takes:
        pair, drawing = (take.start_sha256, take.end_sha256), take.again_of or take.id
        new = pair not in seen and drawing not in drawings
        if (take.rejected or take.created <= when) and _question(take) == question and new:
            seen.add(pair)
            drawings.add(drawing)
            yield take


def _question(take: Take) -> tuple[Any, ...]:
    """What a take answers: the words, and who drew it how large."""
    return take.conditions["words"], *(take.recipe.get(name) for name in ("profile", "width", "height"))


def _path(sha256: str) -> Path:
    return Path("frames") / f"{sha256}.png"


def _lines(found: Sequence[Preferences]) -> str:
    return "".join(
        json.dumps(film.record.model_dump(mode="json"), ensure_ascii=False) + "\n" for film in found
    )
