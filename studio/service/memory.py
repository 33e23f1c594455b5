"""Memory: which frames of other shots a shot is drawn with."""

from __future__ import annotations

from sqlmodel import select

from engine.story import FrameSide
from studio.project.conditions import Packed
from studio.project.film import FilmState, load_film, owned_project, owned_shot
from studio.project.lineage import Lineage
from studio.service.media import Signer
from studio.service.room import Room
from studio.service.views import MemoryView, PackedView
from studio.store.errors import NotFound
from studio.store.states import Mark
from studio.store.tables import FrameMark, Take

_LABELS = {
    (Mark.NONE, Mark.PINNED): "unpin",
    (Mark.NONE, Mark.BANNED): "allow",
    (Mark.PINNED, Mark.NONE): "pin",
    (Mark.PINNED, Mark.BANNED): "pin",
    (Mark.BANNED, Mark.NONE): "ban",
    (Mark.BANNED, Mark.PINNED): "ban",
}


class Memory(Room):
    """Pins and bans are edits of the project; a pack is what a take was really drawn with."""

    def pin(self, owner: str, project_id: str, shot_id: str, side: FrameSide) -> None:
        """From now on every other shot has this frame in its memory, in front of all ranked ones."""
        self._mark(owner, project_id, shot_id, side, Mark.PINNED)

    def unpin(self, owner: str, project_id: str, shot_id: str, side: FrameSide) -> None:
        """Lets the frame be ranked like any other again."""
        self._mark(owner, project_id, shot_id, side, Mark.NONE)

    def ban(self, owner: str, project_id: str, shot_id: str, side: FrameSide) -> None:
        """From now on no shot has this frame in its memory."""
        self._mark(owner, project_id, shot_id, side, Mark.BANNED)

    def unban(self, owner: str, project_id: str, shot_id: str, side: FrameSide) -> None:
        """Lets the frame be ranked like any other again."""
        self._mark(owner, project_id, shot_id, side, Mark.NONE)

    def memory(self, owner: str, shot_id: str) -> MemoryView:
        """The memory pack recorded with the picked take; empty for a draft or a first shot."""
        with self.home.database.read() as session:
            shot = owned_shot(session, owner, shot_id)
            film = load_film(session, owned_project(session, owner, shot.project_id))
            take = film.picked(shot)
            packed = packed_views(film, take, self.signer) if take else ()
            previous = take.conditions.get("previous") if take else None
        return MemoryView(
            shot_id=shot.id,
            take_id=take.id if take else None,
            grid=grid_of(packed),
            packed=packed,
            previous_end=self.signer.url(owner, previous["sha256"], "png") if previous else None,
        )

    def _mark(self, owner: str, project_id: str, shot_id: str, side: FrameSide, wanted: Mark) -> None:
        side = FrameSide(side)
        with self._edit(owner, project_id) as edit:
            shot = next((s for s in edit.film.shots if s.id == shot_id), None)
            if shot is None:
                raise NotFound("This shot is not in the film (any more): reload the page.")
            query = select(FrameMark).where(FrameMark.shot_id == shot_id, FrameMark.side == side.value)
            row = edit.session.exec(query).first()
            if row is None:
                if wanted is Mark.NONE:
                    return
                row = edit.recorder.create(
                    FrameMark(owner=owner, project_id=project_id, shot_id=shot_id, side=side.value)
                )
            before = Mark(row.mark)
            if before is not wanted:
                edit.recorder.set(row, mark=wanted.value)
                edit.recorder.finish(f"{_LABELS[wanted, before]} frame {edit.film.key(shot_id, side)}")


def packed_views(film: FilmState, take: Take, signer: Signer) -> tuple[PackedView, ...]:
    """The recorded pack of a take, in order of rank, named by where its frames are today."""
    lineage = Lineage(film)
    found = []
    for frame in map(Packed.model_validate, take.memory):
        now = lineage.frame(frame.shot_id, frame.side) if frame.shot_id and frame.side else None
        found.append(
            PackedView(
                key=now.key if now else frame.key,
                url=signer.url(take.owner, frame.sha256, "png"),
                sha256=frame.sha256,
                rank=frame.rank,
                share=frame.share,
                similarity=frame.similarity,
                pinned=frame.pinned,
                box=frame.box,
                shot_id=frame.shot_id,
                side=frame.side,
                current=now is not None and now.sha256 == frame.sha256,
            )
        )
    return tuple(found)


def grid_of(packed: tuple[PackedView, ...]) -> tuple[int, int]:
    """Height and width of the pack in tokens: rank 1 takes the left part of the canvas at full height, and
    its share says how wide the canvas is. (0, 0) for an empty pack.
    """
    if not packed:
        return (0, 0)
    _, _, height, width = packed[0].box
    return (height, round(width / packed[0].share))
