"""Reference pictures of people, places and the look: uploaded, shown on their cards, pinned into memory."""

from __future__ import annotations

from collections.abc import Sequence

from engine.errors import BadInput
from studio.exchange.pictures import check_picture
from studio.project.film import FilmState, load_film, owned_project, owned_reference
from studio.project.references import LOOK_NAME, SHOT_NAME, reference_refs
from studio.service.picture_views import reference_views
from studio.service.room import Edit, Room
from studio.service.views import ReferenceView
from studio.store.errors import NotFound
from studio.store.states import Subject
from studio.store.tables import CastMember, Place, Reference, now

MAX_PICTURES = 8


class References(Room):
    """Every picture that is added or removed is an edit: it can be undone, and nothing is lost."""

    def add_reference(
        self, owner: str, project_id: str, subject: Subject, subject_id: str, data: bytes
    ) -> ReferenceView:
        """Adds a picture (PNG, JPEG or WebP file) of a person, a place, or ("") the look of the film; or one
        for a shot, which that shot alone remembers.

        From now on it is pinned into the memory of every shot that it concerns. Raises BadInput for what is
        no picture, NotFound for a person or place that the film does not have.
        """
        subject = Subject(subject)
        picture = check_picture(data)
        with self._edit(owner, project_id) as edit:
            name = _name_of(edit.film, subject, subject_id)
            mine = [
                r for r in edit.film.references if (r.subject, r.subject_id) == (subject.value, subject_id)
            ]
            sha256 = self.home.blobs.put(picture.png, "png")
            if any(row.sha256 == sha256 for row in mine):
                raise BadInput(f"This very picture of {name} is there already.")
            if len(mine) >= MAX_PICTURES:
                raise BadInput(f"There are {MAX_PICTURES} pictures of {name}: remove one first.")
            row = edit.recorder.create(
                Reference(
                    owner=owner,
                    project_id=project_id,
                    subject=subject.value,
                    subject_id=subject_id,
                    sha256=sha256,
                    width=picture.width,
                    height=picture.height,
                )
            )
            edit.recorder.finish(f"add a picture of {name}")
        with self.home.database.read() as session:
            film = load_film(session, owned_project(session, owner, project_id))
        views = reference_views(film, self.signer)
        return next(view for found in views.values() for view in found if view.id == row.id)

    def remove_reference(self, owner: str, reference_id: str) -> None:
        """Takes a picture off its card; it goes to the trash, and undo brings it back."""
        with self.home.database.read() as session:
            project_id = owned_reference(session, owner, reference_id).project_id
        with self._edit(owner, project_id) as edit:
            row = owned_reference(edit.session, owner, reference_id)
            ref = reference_refs(edit.film).get(row.id)
            edit.recorder.set(row, trashed=now())
            edit.recorder.finish(f"remove a picture of {ref.name if ref else 'somebody'}")


def carry_references(edit: Edit, fresh: Sequence[CastMember | Place]) -> None:
    """Gives the pictures of people and places to new rows of the same names too, as part of the same command:
    directing again makes new cards, but Anna is still Anna. The version on the shelf keeps its own.
    """
    refs = reference_refs(edit.film)
    for row in edit.film.references:
        ref = refs.get(row.id)
        for card in fresh if ref is not None else ():
            kind = Subject.CAST if isinstance(card, CastMember) else Subject.PLACE
            if ref is not None and ref.subject is kind and ref.name.casefold() == card.name.casefold():
                same = row.model_dump(exclude={"id", "subject_id", "created", "trashed"})
                edit.recorder.create(Reference(**same, subject_id=card.id))


def _name_of(film: FilmState, subject: Subject, subject_id: str) -> str:
    rows: Sequence[CastMember | Place] = film.cast if subject is Subject.CAST else film.places
    if subject is Subject.LOOK:
        if subject_id:
            raise NotFound("The look of the film has no such part.")
        return LOOK_NAME
    if subject is Subject.SHOT:
        if subject_id not in film.index:
            raise NotFound("This shot is not in the film (any more): reload the page.")
        return SHOT_NAME
    row = next((row for row in rows if row.id == subject_id), None)
    if row is None:
        raise NotFound("This person or place is not in the film (any more): reload the page.")
    return row.name
