"""Edits of the project's own fields, its cast and its places."""

from __future__ import annotations

from typing import Any, TypeVar

from sqlmodel import Session

from engine.errors import BadInput
from studio.project.film import load_film, owned_cast, owned_place, owned_project
from studio.project.order import after
from studio.service.fields import card_fields, project_fields
from studio.service.rate import parse_rate, set_rate
from studio.service.room import Edit, Room
from studio.service.views import CastView, PlaceView
from studio.service.words import cast_view, place_view
from studio.store.errors import NotFound
from studio.store.tables import CastMember, Place, Project, now

Card = TypeVar("Card", CastMember, Place)


class People(Room):
    """The project, its cast and its places; every edit can be undone."""

    def edit_project(self, owner: str, project_id: str, /, **fields: Any) -> None:
        """Changes `title`, `theme`, `logline`, `look`, `profile`, `memory_scope`, `all_profiles` (whether
        memory takes frames of other profiles too), `renderer`, `aspect` (one that the profile offers, "" for
        its own) or `fps` ("24", "24000/1001", "23.976"). Raises BadInput.

        A profile that does not draw in the film's aspect sets that to its own, in the same command.
        At another frame rate every shot keeps its place in time, to the nearest frame.
        """
        with self._edit(owner, project_id) as edit:
            checked = project_fields(fields, edit.project)
            rate = checked.pop("fps", None)
            changed = [name for name, value in checked.items() if getattr(edit.project, name) != value]
            edit.recorder.set(edit.project, **checked)
            if rate is not None and set_rate(edit, parse_rate(rate)):
                changed.append("frame rate")
            names = " and ".join(name.replace("_", " ") for name in changed)
            edit.recorder.finish(f"change the {names} of the film")

    def add_cast(self, owner: str, project_id: str, name: str, look: str = "") -> CastView:
        """A new member of the cast. Raises BadInput when the name is taken."""
        fields = card_fields({"name": name, "look": look})
        with self._edit(owner, project_id) as edit:
            _check_free(edit, fields["name"], None)
            positions = [member.position for member in edit.film.cast]
            member = CastMember(
                owner=owner,
                project_id=project_id,
                position=after(max(positions, default=None), positions)[0],
                **fields,
            )
            edit.recorder.create(member)
            edit.recorder.finish(f"add {member.name} to the cast")
        return self._cast_view(owner, member.id)

    def edit_cast(
        self, owner: str, cast_id: str, *, name: str | None = None, look: str | None = None
    ) -> CastView:
        """Changes a member of the cast; a new name is carried into the shots that list the old one."""
        fields = card_fields({"name": name, "look": look})
        with self.home.database.read() as session:
            project_id = owned_cast(session, owner, cast_id).project_id
        with self._edit(owner, project_id) as edit:
            member = _in_use(owned_cast(edit.session, owner, cast_id))
            old = member.name
            if "name" in fields:
                _check_free(edit, fields["name"], member.id)
                for shot in (*edit.film.shots, *edit.film.trash):
                    names = [fields["name"] if n.casefold() == old.casefold() else n for n in shot.cast]
                    edit.recorder.set(shot, cast=names)
            edit.recorder.set(member, **fields)
            edit.recorder.finish(f"change {old} of the cast")
        return self._cast_view(owner, cast_id)

    def remove_cast(self, owner: str, cast_id: str) -> None:
        """Takes a member off the cast list; shots keep the name."""
        with self.home.database.read() as session:
            project_id = owned_cast(session, owner, cast_id).project_id
        with self._edit(owner, project_id) as edit:
            member = _in_use(owned_cast(edit.session, owner, cast_id))
            edit.recorder.set(member, trashed=now())
            edit.recorder.finish(f"take {member.name} off the cast")

    def edit_place(
        self, owner: str, place_id: str, *, name: str | None = None, look: str | None = None
    ) -> PlaceView:
        """Changes a place; a new name is carried into the shots that are set there."""
        fields = card_fields({"name": name, "look": look})
        with self.home.database.read() as session:
            project_id = owned_place(session, owner, place_id).project_id
        with self._edit(owner, project_id) as edit:
            place = _in_use(owned_place(edit.session, owner, place_id))
            old = place.name
            if "name" in fields:
                _check_place_free(edit, fields["name"], place.id)
                for shot in (*edit.film.shots, *edit.film.trash):
                    if shot.place.casefold() == old.casefold():
                        edit.recorder.set(shot, place=fields["name"])
            edit.recorder.set(place, **fields)
            edit.recorder.finish(f"change the place {old}")
        with self.home.database.read() as session:
            place = owned_place(session, owner, place_id)
            project = owned_project(session, owner, place.project_id)
            return place_view(project.profile, place, _names(session, project))

    def add_place(self, owner: str, project_id: str, name: str, look: str = "") -> PlaceView:
        """A new place of the film. Raises BadInput when the name is taken."""
        fields = card_fields({"name": name, "look": look})
        with self._edit(owner, project_id) as edit:
            _check_place_free(edit, fields["name"], None)
            positions = [place.position for place in edit.film.places]
            place = Place(
                owner=owner,
                project_id=project_id,
                position=after(max(positions, default=None), positions)[0],
                **fields,
            )
            edit.recorder.create(place)
            edit.recorder.finish(f"add the place {place.name}")
            return place_view(edit.project.profile, place, _names(edit.session, edit.project))

    def remove_place(self, owner: str, place_id: str) -> None:
        """Takes a place off the list; shots keep the name."""
        with self.home.database.read() as session:
            project_id = owned_place(session, owner, place_id).project_id
        with self._edit(owner, project_id) as edit:
            place = _in_use(owned_place(edit.session, owner, place_id))
            edit.recorder.set(place, trashed=now())
            edit.recorder.finish(f"take {place.name} off the places")

    def _cast_view(self, owner: str, cast_id: str) -> CastView:
        with self.home.database.read() as session:
            member = owned_cast(session, owner, cast_id)
            project = owned_project(session, owner, member.project_id)
            return cast_view(project.profile, member, _names(session, project))


def _names(session: Session, project: Project) -> tuple[str, ...]:
    return tuple(member.name for member in load_film(session, project).cast)


def _check_free(edit: Edit, name: str, own_id: str | None) -> None:
    if any(m.name.casefold() == name.casefold() and m.id != own_id for m in edit.film.cast):
        raise BadInput(f"There already is somebody called {name}: choose another name.")


def _check_place_free(edit: Edit, name: str, own_id: str | None) -> None:
    if any(p.name.casefold() == name.casefold() and p.id != own_id for p in edit.film.places):
        raise BadInput(f"There already is a place called {name}: choose another name.")


def _in_use(card: Card) -> Card:
    """The card, unless another tab removed it or took out another version. Raises NotFound."""
    if card.trashed is not None:
        raise NotFound(f"{card.name} is no longer in this version of the film: reload the page.")
    return card
