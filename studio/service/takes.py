"""Takes: look at them, pick, lock, reject, note, draw again exactly, and purge."""

from __future__ import annotations

import time

from sqlmodel import col, select

from engine.errors import BadInput
from engine.step2.cached_frames import drop_frame
from studio.exchange.preferences import preferences_of, write_zip
from studio.exchange.zips import ZipKind, forget
from studio.jobs import queue
from studio.jobs.again import again_order, compared
from studio.project import purging
from studio.project.commands import touch
from studio.project.conditions import Conditions
from studio.project.film import FilmState, load_film, owned_project, owned_shot, owned_take
from studio.project.labels import label
from studio.service.cards import Cards
from studio.service.fields import take_fields
from studio.service.how import facts
from studio.service.memory import packed_views
from studio.service.room import Room, drawable
from studio.service.take_views import LineageView, PreferencesView, PurgeView, TakeView
from studio.service.times import moment
from studio.service.views import JobView, ShotView
from studio.store.states import JobKind
from studio.store.tables import Shot, Take, now


class Takes(Room):
    """What was drawn. Pictures never change; what is said about them is an edit that can be undone."""

    def takes(self, owner: str, shot_id: str) -> tuple[TakeView, ...]:
        """All takes of a shot, newest first."""
        with self.home.database.read() as session:
            shot = owned_shot(session, owner, shot_id)
            film = load_film(session, owned_project(session, owner, shot.project_id))
            rows = session.exec(select(Take).where(Take.shot_id == shot_id).order_by(col(Take.number).desc()))
            found = {take.id: take for take in rows}
            return tuple(self._take_view(film, shot, take, found) for take in found.values())

    def pick(self, owner: str, take_id: str) -> ShotView:
        """Makes a take the one that the film uses: an undoable edit. A rejected one is taken back."""
        with self.home.database.read() as session:
            shot_id = owned_take(session, owner, take_id).shot_id
        with self._edit_shot(owner, shot_id) as (edit, shot):
            take = owned_take(edit.session, owner, take_id)
            if shot.picked != take.id:
                edit.recorder.set(shot, picked=take.id, picked_at=now())
            edit.recorder.set(take, rejected=False)
            edit.recorder.finish(f"use take {take.number} of {edit.number(shot)}")
        return self._shot_view(owner, shot_id)

    def edit_take(
        self,
        owner: str,
        take_id: str,
        *,
        locked: bool | None = None,
        rejected: bool | None = None,
        note: str | None = None,
    ) -> ShotView:
        """Says something about a take: `locked` (it cannot be purged), `rejected`, `note`. An edit.

        Raises BadInput for a note that is too long, or for rejecting the take that the film uses.
        """
        given = {"locked": locked, "rejected": rejected, "note": note}
        checked = take_fields({name: value for name, value in given.items() if value is not None})
        with self.home.database.read() as session:
            shot_id = owned_take(session, owner, take_id).shot_id
        with self._edit_shot(owner, shot_id) as (edit, shot):
            take = owned_take(edit.session, owner, take_id)
            if checked.get("rejected") and shot.picked == take.id:
                raise BadInput(f"Take {take.number} is in the film: use another take before you reject it.")
            changed = [name for name, value in checked.items() if getattr(take, name) != value]
            edit.recorder.set(take, **checked)
            verbs = ", ".join(_verb(name, checked[name]) for name in changed)
            edit.recorder.finish(f"{verbs} take {take.number} of {edit.number(shot)}")
        return self._shot_view(owner, shot_id)

    def draw_again(self, owner: str, take_id: str) -> JobView:
        """Queues an exact repetition of a take: words, settings, seed, frames and memory of its own record.

        The new take says whether its pixels are the same, and if not, what differs. It is not picked.
        Raises BadInput for a locked shot, UnsupportedError when its profile cannot draw here.
        """
        with self.home.database.write() as session:
            take = owned_take(session, owner, take_id)
            project = owned_project(session, owner, take.project_id)
            film = load_film(session, project)
            shot = owned_shot(session, owner, take.shot_id)
            if shot.id not in film.index:
                raise BadInput("The shot of this take is in the trash: restore it first.")
            number = film.index[shot.id] + 1
            if shot.locked:
                raise BadInput(f"Shot {number} is locked: unlock it to draw it again.")
            profile = drawable(take.recipe["profile"])
            order = again_order(session, take)
            job = queue.enqueue(
                session,
                project,
                JobKind.DRAW,
                f"Draw take {take.number} of shot {number} again",
                order.model_dump(mode="json"),
                shot_id=shot.id,
                units=len(order.seeds) * (order.steps or profile.steps),
                profile=profile.name,
            )
        with self.home.database.read() as session:
            return Cards(session, owned_project(session, owner, project.id), self.signer).job(job)

    def purge_plan(self, owner: str, take_id: str) -> PurgeView:
        """What `purge` would delete, or why it would not; deletes nothing."""
        with self.home.database.read() as session:
            take = owned_take(session, owner, take_id)
            film = load_film(session, owned_project(session, owner, take.project_id))
            shot = owned_shot(session, owner, take.shot_id)
            purge = purging.plan(session, film, take)
        return self._purge_view(shot, take, purge)

    def purge(self, owner: str, take_id: str) -> PurgeView:
        """Deletes a take for good: its row, its clips, and the files that nothing else uses, with what was
        computed of them. No undo.

        Raises BadInput with the reason for a take that is picked, locked, or needed by another.
        """
        began = time.time()
        with self.home.database.write() as session:
            take = owned_take(session, owner, take_id)
            project = owned_project(session, owner, take.project_id)
            shot = owned_shot(session, owner, take.shot_id)
            purge = purging.plan(session, load_film(session, project), take)
            if purge.refusal:
                raise BadInput(purge.refusal)
            view = self._purge_view(shot, take, purge)
            purging.delete(session, take, purge)
            touch(project)
        # The rows are gone for good before a file goes; what came into use meanwhile stays.
        with self.home.database.write() as session:
            for sha256, extension in purge.files:
                used = purging.file_used(session, sha256)
                if not used and self.home.blobs.remove(sha256, extension, since=began):
                    drop_frame(self.home.cache, sha256)
        # Of exported films nothing is in it: a take that one is made of is not purged.
        forget(self.home, ZipKind.PREFERENCES, project.id)
        return view

    def preferences(self, owner: str, project_id: str) -> PreferencesView:
        """The picked takes against those that were turned down, in the form that training reads.

        Raises BadInput while there is nothing to prefer.
        """
        with self.home.database.read() as session:
            found = preferences_of(session, load_film(session, owned_project(session, owner, project_id)))
        write_zip(self.home, project_id, found)
        url = self.signer.url(owner, ZipKind.PREFERENCES.address(project_id), "zip")
        return PreferencesView(url=url, rejected=found.rejected)

    def _purge_view(self, shot: Shot, take: Take, purge: purging.Purge) -> PurgeView:
        paths = [self.home.blobs.path(*file) for file in purge.files]
        frames = sum(extension == "png" for _, extension in purge.files)
        goes = [_count(frames, "picture"), _count(len(purge.clips), "clip")]
        return PurgeView(
            take_id=take.id,
            label=f"{label(shot)} take {take.number}",
            goes=tuple(
                filter(None, (*goes, "its note" if take.note else "", "the record of how it was drawn"))
            ),
            frees=sum(path.stat().st_size for path in paths if path.is_file()),
            refusal=purge.refusal,
        )

    def _take_view(self, film: FilmState, shot: Shot, take: Take, known: dict[str, Take]) -> TakeView:
        recorded = Conditions.model_validate(take.conditions)
        recipe = take.recipe
        return TakeView(
            id=take.id,
            shot_id=shot.id,
            number=take.number,
            label=f"{label(shot)} take {take.number}",
            picked=shot.picked == take.id,
            locked=take.locked,
            rejected=take.rejected,
            note=take.note,
            again=compared(take, known.get(take.again_of)) if take.again_of else "",
            start_url=self.signer.url(take.owner, take.start_sha256, "png"),
            end_url=self.signer.url(take.owner, take.end_sha256, "png"),
            start_sha256=take.start_sha256,
            end_sha256=take.end_sha256,
            created=moment(take.created),
            seconds=take.seconds,
            lineage=LineageView(
                **{name: recipe[name] for name in LineageView.model_fields if name in recipe},
                prompt=recorded.prompt,
                previous_end=recorded.previous.key if recorded.previous else None,
                kept=recorded.kept.side if recorded.kept else None,
                memory=packed_views(film, take, self.signer),
                imported=take.imported,
            ),
            facts=facts(take),
        )


def _verb(field: str, value: object) -> str:
    match field, value:
        case "locked", True:
            return "protect"
        case "locked", _:
            return "allow purging of"
        case "rejected", True:
            return "reject"
        case "rejected", _:
            return "take back"
        case _:
            return "change the note of"


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}" if number else ""
