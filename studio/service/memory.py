"""Memory: which frames of other shots a shot is drawn with."""

from __future__ import annotations

from collections.abc import Sequence

from sqlmodel import col, select

from engine.step2.conditions import PackedFrame
from engine.story import FrameSide
from studio.jobs import queue
from studio.jobs.orders import MeasureOrder
from studio.project.conditions import FrameRef, Packed, ReferenceRef
from studio.project.film import FilmState, load_film, owned_project, owned_shot
from studio.project.lineage import BankFrame, BankPicture, Lineage
from studio.project.measures import Preview, preview
from studio.project.references import reference_refs
from studio.service.cards import Cards
from studio.service.media import Signer
from studio.service.memory_views import MemoryView, PackedView, PreviewView
from studio.service.room import Room, drawable
from studio.service.views import JobView
from studio.store.errors import NotFound
from studio.store.states import JobKind, JobState, Mark
from studio.store.tables import FrameMark, Job, Take

_AT_WORK = [state.value for state in JobState if state.active]
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

    def memory_preview(self, owner: str, shot_id: str) -> PreviewView:
        """The memory pack that the shot would be drawn with now, as far as it is known without a network."""
        with self.home.database.read() as session:
            shot = owned_shot(session, owner, shot_id)
            film = load_film(session, owned_project(session, owner, shot.project_id))
            lineage = Lineage(film)
            index = film.index.get(shot_id)
            found = Preview((), (0, 0), 0) if index is None else preview(session, lineage, index)
            take = film.picked(shot)
            drawn = packed_views(film, take, self.signer) if take else ()
            waiting = select(Job.id).where(
                Job.project_id == film.project.id, Job.kind == JobKind.MEASURE.value
            )
            working = session.exec(waiting.where(col(Job.state).in_(_AT_WORK)).limit(1)).first() is not None
        packed = tuple(self._previewed(owner, source, frame) for source, frame in found.packed)
        return PreviewView(
            shot_id=shot.id,
            missing=found.missing,
            working=working,
            grid=found.grid,
            packed=packed,
            same=not found.missing and [_place(f) for f in packed] == [_place(f) for f in drawn],
        )

    def measure(self, owner: str, project_id: str, shot_ids: Sequence[str] = ()) -> JobView:
        """Queues working out the figures that are missing, in front of everything that waits: all cuts of
        the film, and what these shots would remember now.
        """
        with self.home.database.write() as session:
            project = owned_project(session, owner, project_id)
            for id in shot_ids:
                owned_shot(session, owner, id)
            drawable(project.profile)
            mine = (Job.project_id == project_id, Job.kind == JobKind.MEASURE.value)
            wanted = set(shot_ids)
            for job in queue.waiting_jobs(session, *mine):
                wanted.update(MeasureOrder.model_validate(job.order).shots)
                queue.cancel(session, job)
            order = MeasureOrder(shots=tuple(sorted(wanted))).model_dump(mode="json")
            first = queue.first_in_line(session)
            job = queue.enqueue(session, project, JobKind.MEASURE, "Compare frames", order, sequence=first)
        with self.home.database.read() as session:
            return Cards(session, owned_project(session, owner, project_id), self.signer).job(job)

    def _previewed(self, owner: str, source: BankFrame | BankPicture, frame: PackedFrame) -> PackedView:
        return PackedView(
            key=frame.key,
            url=self.signer.url(owner, frame.sha256, "png"),
            sha256=frame.sha256,
            rank=frame.rank,
            share=frame.share,
            similarity=frame.similarity,
            pinned=frame.pinned,
            box=frame.box,
            shot_id=source.ref.shot_id if isinstance(source, BankFrame) else None,
            side=source.ref.side if isinstance(source, BankFrame) else None,
            current=True,
            later=source.later,
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
    pictures = {ref.sha256: ref for ref in reversed(reference_refs(film).values())}
    found = []
    for frame in map(Packed.model_validate, take.memory):
        now: FrameRef | ReferenceRef | None = pictures.get(frame.sha256)
        if frame.shot_id and frame.side:
            now = lineage.frame(frame.shot_id, frame.side)
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
                later=frame.later,
            )
        )
    return tuple(found)


def _place(frame: PackedView) -> tuple[str, int, float, bool]:
    """What makes two packs the same memory."""
    return frame.sha256, frame.rank, frame.share, frame.pinned


def grid_of(packed: tuple[PackedView, ...]) -> tuple[int, int]:
    """Height and width of the pack in tokens: rank 1 takes the left part of the canvas at full height, and
    its share says how wide the canvas is. (0, 0) for an empty pack.
    """
    if not packed:
        return (0, 0)
    _, _, height, width = packed[0].box
    return (height, round(width / packed[0].share))
