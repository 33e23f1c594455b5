"""What is kept as it is though stale, carried into a copy of a film.

"Keep it" names a moment by a fingerprint that is made of ids, so in a copy, where every id is another, it is
made anew. A shot on the shelf of another version, or in the trash, was kept beside the shots that it will
stand among when it comes back: its moment is looked for there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from sqlmodel import Session, col, select

from studio.project.clips import load_clips
from studio.project.film import FilmState, load_film, load_records
from studio.project.lineage import Lineage
from studio.project.versions import WORDS
from studio.store.tables import CastMember, Place, Project, Shot, Version

Shelved = TypeVar("Shelved", Shot, CastMember, Place)


def carry_kept(session: Session, project: Project, copy: Project, ids: Mapping[str, str]) -> None:
    """Writes `accepted` and `clip_accepted` of the copied shots, in the caller's transaction; `ids` names the
    copy of every row. What was kept at a moment that cannot come back is not kept in the copy.
    """
    copied = load_film(session, copy)
    for moment in _moments(session, load_film(session, project)):
        kept = [shot for shot in moment.shots if shot.accepted or shot.clip_accepted]
        if kept:
            _carry(session, kept, moment, _same(session, copied, moment, ids))


def _carry(session: Session, kept: Iterable[Shot], old: FilmState, new: FilmState) -> None:
    lineages = [Lineage(film, load_records(session, film)) for film in (old, new)]
    clips = [load_clips(session, film) for film in (old, new)]
    for shot in kept:
        index = old.index[shot.id]
        copy = new.shots[index]
        if shot.accepted == lineages[0].fingerprint(index):
            copy.accepted = lineages[1].fingerprint(index)
        before, after = clips[0].picked.get(shot.id), clips[1].picked.get(copy.id)
        if before and after and shot.clip_accepted == clips[0].fingerprint(shot, before):
            copy.clip_accepted = clips[1].fingerprint(copy, after)


def _moments(session: Session, film: FilmState) -> Iterator[FilmState]:
    """The film as it is, and as it would be with another version taken out, or with deleted shots restored:
    all of them, or one alone.
    """
    versions = select(Version).where(Version.project_id == film.project.id)
    for state in (film, *(_taken_out(session, film, version) for version in session.exec(versions).all())):
        yield state
        yield _restored(state, state.trash)
        yield from (_restored(state, [shot]) for shot in state.trash if shot.accepted or shot.clip_accepted)


def _taken_out(session: Session, film: FilmState, version: Version) -> FilmState:
    """The film with what lies on a version's shelf in the place of what is in use; writes nothing."""
    shots = _shelf(session, Shot, version)
    return replace(
        film,
        project=_saying(film.project, version),
        shots=tuple(shot for shot in shots if shot.deleted is None),
        trash=tuple(shot for shot in shots if shot.deleted is not None),
        cast=_shelf(session, CastMember, version),
        places=_shelf(session, Place, version),
    )


def _shelf(session: Session, table: type[Shelved], version: Version) -> tuple[Shelved, ...]:
    order = (col(table.position), col(table.created), col(table.id))
    return tuple(session.exec(select(table).where(table.shelf == version.id).order_by(*order)).all())


def _restored(film: FilmState, shots: Iterable[Shot]) -> FilmState:
    live = sorted((*film.shots, *shots), key=lambda shot: (shot.position, shot.created, shot.id))
    there = {shot.id for shot in live}
    return replace(film, shots=tuple(live), trash=tuple(shot for shot in film.trash if shot.id not in there))


def _same(session: Session, copied: FilmState, moment: FilmState, ids: Mapping[str, str]) -> FilmState:
    """A moment of the film as it would be in its copy."""

    def rows(table: type[Shelved], old: Iterable[Shelved]) -> tuple[Shelved, ...]:
        return tuple(session.get_one(table, ids[row.id]) for row in old)

    return replace(
        copied,
        project=_saying(copied.project, moment.project),
        shots=rows(Shot, moment.shots),
        trash=rows(Shot, moment.trash),
        cast=rows(CastMember, moment.cast),
        places=rows(Place, moment.places),
    )


def _saying(project: Project, words: Project | Version) -> Project:
    """A project with the words of a version; it is no row of the database."""
    fields: dict[str, Any] = {**project.model_dump(), **{name: getattr(words, name) for name in WORDS}}
    return Project(**fields)
