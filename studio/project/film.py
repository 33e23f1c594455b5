"""A project as one immutable moment: shots in film order with picked takes, cast, places and marks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, TypeVar

from sqlalchemy.orm import defer
from sqlmodel import Session, col, select

from engine import story
from engine.story import CinematicAttributes, FrameRate, FrameSide, Interior, Storyboard
from studio.project.conditions import Conditions, Packed, Recorded
from studio.project.rows import Reading
from studio.store.errors import NotFound
from studio.store.states import Mark
from studio.store.tables import (
    CastMember,
    Clip,
    Film,
    FrameMark,
    Job,
    Place,
    Project,
    Reference,
    Shot,
    Take,
    Version,
)

ATTRIBUTES = tuple(CinematicAttributes.model_fields)
Owned = TypeVar("Owned", Project, Shot, Take, CastMember, Place, Reference, Job, Clip, Version, Film)


def owned_project(session: Session, owner: str, project_id: str) -> Project:
    """The owner's project. Raises NotFound for any other, whether it exists or not."""
    return _owned(session, owner, Project, project_id, "This project")


def owned_shot(session: Session, owner: str, shot_id: str) -> Shot:
    """The owner's shot, also from the trash. Raises NotFound."""
    return _owned(session, owner, Shot, shot_id, "This shot")


def owned_take(session: Session, owner: str, take_id: str) -> Take:
    """The owner's take. Raises NotFound."""
    return _owned(session, owner, Take, take_id, "This take")


def owned_cast(session: Session, owner: str, cast_id: str) -> CastMember:
    """The owner's member of the cast. Raises NotFound."""
    return _owned(session, owner, CastMember, cast_id, "This member of the cast")


def owned_place(session: Session, owner: str, place_id: str) -> Place:
    """The owner's place. Raises NotFound."""
    return _owned(session, owner, Place, place_id, "This place")


def owned_reference(session: Session, owner: str, reference_id: str) -> Reference:
    """The owner's reference picture. Raises NotFound."""
    return _owned(session, owner, Reference, reference_id, "This picture")


def owned_version(session: Session, owner: str, version_id: str) -> Version:
    """The owner's version of a shot list. Raises NotFound."""
    return _owned(session, owner, Version, version_id, "This version")


def owned_job(session: Session, owner: str, job_id: str) -> Job:
    """The owner's job. Raises NotFound."""
    return _owned(session, owner, Job, job_id, "This job")


def owned_clip(session: Session, owner: str, clip_id: str) -> Clip:
    """The owner's clip. Raises NotFound."""
    return _owned(session, owner, Clip, clip_id, "This clip")


def owned_export(session: Session, owner: str, export_id: str) -> Film:
    """The owner's exported film. Raises NotFound."""
    return _owned(session, owner, Film, export_id, "This export")


def _owned(session: Session, owner: str, table: type[Owned], id: str, what: str) -> Owned:
    row = session.get(table, id)
    if row is None or row.owner != owner:
        raise NotFound(f"{what} does not exist (any more), or it belongs to somebody else.")
    return row


def attributes_of(shot: Shot) -> CinematicAttributes:
    """C_i of a row."""
    return CinematicAttributes.model_validate({name: getattr(shot, name) for name in ATTRIBUTES})


def attribute_fields(attributes: CinematicAttributes) -> dict[str, object]:
    """C_i as the fields of a row (enums by value)."""
    return attributes.model_dump(mode="json")


@dataclass(frozen=True)
class FilmState:
    """What a project is at one revision."""

    project: Project
    shots: tuple[Shot, ...]
    trash: tuple[Shot, ...]
    takes: Mapping[str, Take]
    cast: tuple[CastMember, ...]
    places: tuple[Place, ...]
    marks: Mapping[tuple[str, FrameSide], Mark]
    references: tuple[Reference, ...] = ()
    """Pictures that are not in the trash, the oldest first."""

    @cached_property
    def index(self) -> Mapping[str, int]:
        """Place in the film, from 0, of every live shot."""
        return {shot.id: i for i, shot in enumerate(self.shots)}

    @property
    def deleted(self) -> tuple[Shot, ...]:
        """The part of the trash that the user put there, newest first: a shot whose making was undone waits
        for redo. One that was drawn meanwhile is with them, because undo takes no picture back.
        """
        return tuple(shot for shot in self.trash if shot.trashed != shot.created or shot.picked)

    def picked(self, shot: Shot) -> Take | None:
        return self.takes.get(shot.picked) if shot.picked else None

    def key(self, shot_id: str, side: FrameSide) -> str:
        """What people read for a frame: "2E". A shot that is not in the film is "?"."""
        number = self.index.get(shot_id)
        return f"{'?' if number is None else number + 1}{'S' if side is FrameSide.START else 'E'}"

    @property
    def rate(self) -> FrameRate:
        return FrameRate(numerator=self.project.rate_numerator, denominator=self.project.rate_denominator)

    @cached_property
    def looks(self) -> Mapping[str, str]:
        """Look of each cast member by case-folded name."""
        return {member.name.casefold(): member.look for member in reversed(self.cast)}

    @cached_property
    def place_looks(self) -> Mapping[str, str]:
        """Look of each place by case-folded name."""
        return {place.name.casefold(): place.look for place in reversed(self.places)}

    def story_shot(self, shot: Shot) -> story.Shot:
        """A row in the language that all rooms speak."""
        return story.Shot(
            description=shot.description, attributes=attributes_of(shot), scene=shot.scene, slate=shot.slate
        )

    def story_cast(self) -> list[story.CastMember]:
        return [story.CastMember(name=member.name, look=member.look) for member in self.cast]

    def story_places(self) -> list[story.Place]:
        return [story.Place(name=p.name, look=p.look, interior=Interior(p.interior)) for p in self.places]

    def storyboard(self) -> Storyboard:
        """S = {(D_i, C_i)} of the whole film."""
        return Storyboard(
            title=self.project.title,
            theme=self.project.theme,
            logline=self.project.logline,
            look=self.project.look,
            rate=self.rate,
            cast=self.story_cast(),
            places=self.story_places(),
            shots=[self.story_shot(shot) for shot in self.shots],
        )


_BY_POSITION = (col(Shot.position), col(Shot.created), col(Shot.id))


def live_ids(session: Session, project_id: str) -> list[str]:
    """The ids of all live shots in film order."""
    rows = select(Shot.id).where(Shot.project_id == project_id, col(Shot.trashed).is_(None))
    return list(session.exec(rows.order_by(*_BY_POSITION)).all())


def load_film(session: Session, project: Project, reading: Reading | None = None) -> FilmState:
    """Reads the present moment of a project. Takes come without their long columns, see `load_records`.

    With a `reading`, rows are objects to look at only, and what did not change is not read again.
    """
    in_project = Shot.project_id == project.id
    picked = col(Take.id).in_(select(Shot.picked).where(in_project))
    shots: Sequence[Shot]
    takes: Sequence[Take]
    if reading is not None:
        rows = reading.rows
        shots = reading.keep(
            "shots", (Shot,), lambda: rows.shots.read(session, in_project, order=_BY_POSITION), project.id
        )
        names = tuple(shot.picked for shot in shots)
        takes = reading.keep("takes", (Take,), lambda: rows.takes.read(session, picked), names)
        around = reading.keep("around", _Around.TABLES, lambda: _Around.read(session, project.id))
    else:
        shots = session.exec(select(Shot).where(in_project).order_by(*_BY_POSITION)).all()
        slim = select(Take).options(defer(Take.conditions), defer(Take.memory))  # type: ignore[arg-type]
        takes = session.exec(slim.where(picked)).all()
        around = _Around.read(session, project.id)
    gone = [shot for shot in shots if shot.trashed is not None and shot.shelf is None]
    return FilmState(
        project=project,
        shots=tuple(shot for shot in shots if shot.trashed is None),
        trash=tuple(sorted(gone, key=lambda shot: -(shot.trashed or 0))),
        takes={take.id: take for take in takes},
        cast=around.cast,
        places=around.places,
        marks=around.marks,
        references=around.references,
    )


@dataclass(frozen=True)
class _Around:
    """What a film has beside its shots and takes."""

    TABLES: ClassVar = (CastMember, Place, Reference, FrameMark)

    cast: tuple[CastMember, ...]
    places: tuple[Place, ...]
    marks: Mapping[tuple[str, FrameSide], Mark]
    references: tuple[Reference, ...]

    @classmethod
    def read(cls, session: Session, project_id: str) -> _Around:
        cast = select(CastMember).where(CastMember.project_id == project_id, _there(CastMember))
        places = select(Place).where(Place.project_id == project_id, _there(Place))
        pictures = select(Reference).where(Reference.project_id == project_id, _there(Reference))
        marks = select(FrameMark).where(FrameMark.project_id == project_id, FrameMark.mark != Mark.NONE.value)
        return cls(
            cast=tuple(session.exec(cast.order_by(col(CastMember.position), col(CastMember.id))).all()),
            places=tuple(session.exec(places.order_by(col(Place.position), col(Place.id))).all()),
            marks={(m.shot_id, FrameSide(m.side)): Mark(m.mark) for m in session.exec(marks).all()},
            references=tuple(
                session.exec(pictures.order_by(col(Reference.created), col(Reference.id))).all()
            ),
        )


def _there(table: type[CastMember] | type[Place] | type[Reference]) -> Any:
    return col(table.trashed).is_(None)


_RECORDS: dict[str, Recorded] = {}
_MOST_RECORDS = 20_000


def load_records(session: Session, film: FilmState) -> Mapping[str, Recorded]:
    """What each picked take was drawn from, by take. Takes never change, so each is read once a process."""
    missing = [id for id in film.takes if id not in _RECORDS]
    if len(_RECORDS) + len(missing) > _MOST_RECORDS:
        _RECORDS.clear()
        missing = list(film.takes)
    rows = select(Take.id, Take.conditions, Take.memory).where(col(Take.id).in_(missing))
    for id, conditions, memory in session.exec(rows) if missing else ():
        pack = tuple(Packed.model_validate(frame) for frame in memory)
        _RECORDS[id] = Recorded(Conditions.model_validate(conditions), pack)
    return {id: _RECORDS[id] for id in film.takes}
