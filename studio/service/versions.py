"""Versions of the shot list, as people see them: a list to compare, to name, and to switch in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlmodel import Session, col, select

from engine.errors import BadInput
from engine.story import FrameRate
from studio.project.film import owned_project, owned_version
from studio.project.versions import take_out, versions_of
from studio.service.leaving import cancel_work_on_gone_shots
from studio.service.room import Room
from studio.service.story_views import VersionView
from studio.service.times import moment
from studio.store.tables import CastMember, Project, Shot, Version

LONGEST_LABEL = 120


class Versions(Room):
    """Directing again makes a version beside the old one; any of them can be taken out."""

    def versions(self, owner: str, project_id: str) -> tuple[VersionView, ...]:
        """All versions of the shot list with their counts, the oldest first. Empty before the first
        directing.
        """
        with self.home.database.read() as session:
            project = owned_project(session, owner, project_id)
            counts = _count(session, project)
            rows = versions_of(session, project_id)
            return tuple(_view(project, row, counts.get(row.id, _Counts())) for row in rows)

    def switch_version(self, owner: str, version_id: str) -> tuple[VersionView, ...]:
        """Takes a version out: its shots, cast, places and words become the film's, as one command.

        Drawings of the shots that go to the shelf are cancelled; their takes stay with them.
        """
        with self.home.database.read() as session:
            project_id = owned_version(session, owner, version_id).project_id
        with self._edit(owner, project_id) as edit:
            version = owned_version(edit.session, owner, version_id)
            if version.trashed is not None:
                raise BadInput("The making of this version was undone: redo it first.")
            if version.id != edit.project.version_id:
                take_out(edit.session, edit.recorder, edit.project, edit.film, version)
                cancel_work_on_gone_shots(edit.session, edit.project.id)
                edit.recorder.finish(f"use version {version.number}")
        return self.versions(owner, project_id)

    def rename_version(self, owner: str, version_id: str, label: str) -> tuple[VersionView, ...]:
        """Gives a version another label. An edit. Raises BadInput for an empty or very long one."""
        label = " ".join(label.split())
        if not 1 <= len(label) <= LONGEST_LABEL:
            raise BadInput(f"A label has 1 to {LONGEST_LABEL} characters.")
        with self.home.database.read() as session:
            project_id = owned_version(session, owner, version_id).project_id
        with self._edit(owner, project_id) as edit:
            version = owned_version(edit.session, owner, version_id)
            edit.recorder.set(version, label=label)
            edit.recorder.finish(f"name version {version.number}")
        return self.versions(owner, project_id)


@dataclass
class _Counts:
    shots: int = 0
    drawn: int = 0
    frames: int = 0
    cast: list[str] = field(default_factory=list)


def _count(session: Session, project: Project) -> Mapping[str, _Counts]:
    """What is in each version: rows in use, and rows on a shelf."""
    counts: dict[str, _Counts] = {}

    def of(shelf: str | None) -> _Counts:
        return counts.setdefault(shelf or project.version_id or "", _Counts())

    there = (
        Shot.project_id == project.id,
        col(Shot.trashed).is_(None) | col(Shot.shelf).is_not(None) & col(Shot.deleted).is_(None),
    )
    for shelf, length, picked in session.exec(select(Shot.shelf, Shot.length, Shot.picked).where(*there)):
        found = of(shelf)
        found.shots, found.frames = found.shots + 1, found.frames + length
        found.drawn += picked is not None
    member = CastMember
    named = (member.project_id == project.id, col(member.shelf).is_not(None) | col(member.trashed).is_(None))
    order = (col(member.position), col(member.id))
    for shelf, name in session.exec(select(member.shelf, member.name).where(*named).order_by(*order)):
        of(shelf).cast.append(name)
    return counts


def _view(project: Project, version: Version, counts: _Counts) -> VersionView:
    current = version.id == project.version_id
    words = project if current else version
    rate = FrameRate(numerator=words.rate_numerator, denominator=words.rate_denominator)
    return VersionView(
        id=version.id,
        number=version.number,
        label=version.label,
        theme=words.theme,
        shots=counts.shots,
        drawn=counts.drawn,
        seconds=rate.seconds(counts.frames),
        cast=tuple(counts.cast),
        current=current,
        created=moment(version.created),
    )
