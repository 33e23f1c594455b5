"""Clips: renderer, the text R_i, rendering, and the choice among what was rendered."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from sqlmodel import Session, col, select

from engine.errors import BadInput, UnsupportedError
from engine.fitting import Machine
from engine.story import FrameRate
from engine.video.renderers import (
    RENDERERS,
    Cost,
    Renderer,
    choices,
    get_renderer,
    hindrance,
    key_found,
    quote,
)
from studio.jobs import queue
from studio.jobs.estimate import learn_pace
from studio.jobs.orders import ExportShot, RenderOrder
from studio.project.clips import BY_HAND, FilmClips, Rendered, load_clips
from studio.project.film import FilmState, load_film, owned_clip, owned_project, owned_shot
from studio.service.agents import agents_of
from studio.service.cards import Cards
from studio.service.clip_views import ClipView, RendererView, RenderQuote
from studio.service.machine import machine_here
from studio.service.paid import paid_renderer_refusal
from studio.service.room import Room
from studio.service.times import moment
from studio.service.views import JobView, ShotView, Staleness
from studio.store.errors import NotFound
from studio.store.states import JobKind
from studio.store.tables import Clip, Job, Refinement, Shot, Take

MOST_TEXT = 4000
_SEEDS = 2**31 - 1


class Clips(Room):
    """From a pair to a clip, shot by shot; `export` joins them."""

    def renderers(self) -> tuple[RendererView, ...]:
        """All renderers, with what they make, what they cost, and why one cannot be used here."""
        return tuple(_renderer_view(RENDERERS[name], machine_here()) for name in choices())

    def render(self, owner: str, shot_ids: Sequence[str]) -> list[JobView]:
        """Queues a clip of each shot, in film order, by the project's renderer, with the words of now.

        The finished clip becomes the picked one, unless another was picked meanwhile. Raises BadInput for a
        shot without a picture, UnsupportedError when the renderer cannot be used here.
        """
        return self._queue(owner, shot_ids, text_only=False)

    def refine(self, owner: str, shot_id: str) -> JobView:
        """Queues the writing of R_i from the pair, in front of what waits; nothing is rendered."""
        return self._queue(owner, [shot_id], text_only=True)[0]

    def write_refinement(self, owner: str, shot_id: str, text: str) -> ShotView:
        """Chooses a text R_i for the picked take: what the renderer gets. An edit, so it can be undone; each
        text is a row that stays. An empty text leaves it to the refiner again.
        """
        wanted = text.strip()
        if len(wanted) > MOST_TEXT:
            raise BadInput(f"The text R has at most {MOST_TEXT} characters.")
        with self._edit_shot(owner, shot_id) as (edit, shot):
            clips = load_clips(edit.session, edit.film)
            conditions = clips.wanted(shot)
            if conditions is None:
                raise BadInput("Draw this shot first: the text R says what moves between its two frames.")
            if wanted == clips.text(shot) and (wanted or shot.refinement is None):
                return self._shot_view(owner, shot_id)
            row_id: str | None = None
            if wanted:
                row = Refinement(
                    owner=owner,
                    project_id=shot.project_id,
                    shot_id=shot.id,
                    take_id=conditions.take_id,
                    text=wanted,
                    conditions=conditions.model_dump(mode="json"),
                    recipe={"refiner": BY_HAND},
                )
                edit.session.add(row)
                edit.session.flush()
                row_id = row.id
            edit.recorder.set(shot, refinement=row_id)
            edit.recorder.finish(f"change the text R of {edit.number(shot)}")
        return self._shot_view(owner, shot_id)

    def clips(self, owner: str, shot_id: str) -> tuple[ClipView, ...]:
        """All clips of a shot, newest first."""
        with self.home.database.read() as session:
            shot = owned_shot(session, owner, shot_id)
            film = load_film(session, owned_project(session, owner, shot.project_id))
            known = load_clips(session, film)
            rows = select(Clip, Refinement, Take.number)
            rows = rows.join(Refinement, col(Clip.refinement_id) == Refinement.id)
            rows = rows.join(Take, col(Clip.take_id) == Take.id)
            rows = rows.where(Clip.shot_id == shot_id).order_by(col(Clip.created), col(Clip.id))
            found = [
                self._clip_view(known, shot, number, *row)
                for number, row in enumerate(session.exec(rows).all(), start=1)
            ]
        return tuple(reversed(found))

    def pick_clip(self, owner: str, clip_id: str) -> ShotView:
        """Makes a clip the one that the film uses, together with the text it was rendered from: an edit."""
        with self.home.database.read() as session:
            shot_id = owned_clip(session, owner, clip_id).shot_id
        with self._edit_shot(owner, shot_id) as (edit, shot):
            clip = owned_clip(edit.session, owner, clip_id)
            edit.recorder.set(shot, clip=clip.id)
            if clip.take_id == shot.picked:
                text = edit.session.get_one(Refinement, clip.refinement_id)
                by_hand = text.recipe.get("refiner") == BY_HAND
                edit.recorder.set(shot, refinement=text.id if by_hand else None)
            edit.recorder.finish(f"use clip {_number(edit.session, clip)} of {edit.number(shot)}")
        return self._shot_view(owner, shot_id)

    def keep_clip(self, owner: str, shot_id: str) -> ShotView:
        """Accepts a stale clip as it is, also for the film, until something else changes. An edit."""
        with self._edit_shot(owner, shot_id) as (edit, shot):
            clips = load_clips(edit.session, edit.film)
            rendered, wanted = clips.picked.get(shot.id), clips.wanted(shot)
            if rendered is None or wanted is None:
                raise BadInput("This shot has no clip to keep: render it first.")
            then = rendered.conditions
            if (then.frames, then.rate) != (wanted.frames, wanted.rate):
                raise BadInput("This clip has another length than the shot: render it again.")
            edit.recorder.set(shot, clip=rendered.clip.id, clip_accepted=clips.fingerprint(shot, rendered))
            edit.recorder.finish(f"keep the clip of {edit.number(shot)}")
        return self._shot_view(owner, shot_id)

    def render_quote(self, owner: str, project_id: str, shot_ids: Sequence[str] | None = None) -> RenderQuote:
        """What rendering these shots takes; None: all whose clip is missing or stale."""
        with self.home.database.read() as session:
            film = load_film(session, owned_project(session, owner, project_id))
            clips = load_clips(session, film)
            pace = learn_pace(session)
        wanted = [
            shot
            for shot in film.shots
            if (clips.usable(shot) is None if shot_ids is None else shot.id in shot_ids)
        ]
        renderer = get_renderer(film.project.renderer)
        quotes = [quote(renderer, shot.length, film.rate) for shot in wanted]
        frames = sum(shot.length for shot in wanted)
        minutes = [q.gpu_minutes for q in quotes if q.gpu_minutes is not None]
        return RenderQuote(
            shots=len(wanted),
            frames=frames,
            seconds=film.rate.seconds(frames),
            wait=pace.duration(JobKind.RENDER.value, renderer.name, frames),
            dollars=sum(q.dollars for q in quotes),
            slowed=max((q.slowed for q in quotes), default=1.0),
            gpu_minutes=sum(minutes) if minutes else None,
            basis=renderer.cost.basis,
        )

    def _queue(self, owner: str, shot_ids: Sequence[str], *, text_only: bool) -> list[JobView]:
        if not shot_ids:
            raise BadInput("Choose the shots to render first.")
        made: list[str] = []
        with self.home.database.write() as session:
            project = owned_project(session, owner, owned_shot(session, owner, shot_ids[0]).project_id)
            film = load_film(session, project)
            if any(id not in film.index for id in shot_ids):
                raise NotFound("A shot to render is not in the film (any more): reload the page.")
            if not text_only:
                check_renderer(film)
            clips = load_clips(session, film)
            head = film.storyboard().model_copy(update={"shots": []})
            for id in sorted(set(shot_ids), key=film.index.__getitem__):
                shot = film.shots[film.index[id]]
                item = clip_item(clips, shot)
                if item is None:
                    raise BadInput(f"Shot {film.index[id] + 1} has no picture yet: draw it first.")
                order = RenderOrder(
                    storyboard=head, shot=item, text_only=text_only, agents=agents_of(film.project)
                )
                made.append(_enqueue(session, film, shot, order).id)
        with self.home.database.read() as session:
            cards = Cards(session, owned_project(session, owner, project.id), self.signer)
            return [cards.job(session.get_one(Job, id)) for id in made]

    def _clip_view(
        self, known: FilmClips, shot: Shot, number: int, clip: Clip, text: Refinement, take: int
    ) -> ClipView:
        rendered = Rendered(clip, text.text)
        picked = known.picked.get(shot.id)
        stale = known.staleness(shot, rendered)
        renderer = RENDERERS.get(rendered.conditions.renderer)
        return ClipView(
            id=clip.id,
            shot_id=shot.id,
            number=number,
            take_id=clip.take_id,
            take_number=take,
            picked=picked is not None and picked.clip.id == clip.id,
            url=self.signer.url(clip.owner, clip.sha256, "mp4"),
            text=text.text,
            by_hand=text.recipe.get("refiner") == BY_HAND,
            renderer=renderer.title if renderer else rendered.conditions.renderer,
            seconds=FrameRate.parse(rendered.conditions.rate).seconds(clip.frames),
            made_in=clip.seconds,
            created=moment(clip.created),
            staleness=Staleness(freshness=stale.freshness, reasons=stale.reasons),
        )


def clip_item(clips: FilmClips, shot: Shot) -> ExportShot | None:
    """How a shot is to be rendered now; None without a picture."""
    wanted = clips.wanted(shot)
    if wanted is None:
        return None
    return ExportShot(
        shot_id=shot.id,
        shot=clips.film.story_shot(shot),
        clip=wanted,
        ready=clips.usable(shot),
        picked=shot.clip,
        seed=secrets.randbelow(_SEEDS),
    )


def check_renderer(film: FilmState) -> None:
    """Raises UnsupportedError when the film's renderer cannot be used here, or not by everybody."""
    reason = _hindrance(get_renderer(film.project.renderer), machine_here())
    if reason:
        raise UnsupportedError(reason)


def _hindrance(renderer: Renderer, machine: Machine) -> str:
    return renderer.refusal or paid_renderer_refusal(renderer.name) or hindrance(renderer, machine)


def _enqueue(session: Session, film: FilmState, shot: Shot, order: RenderOrder) -> Job:
    """Queues a render job, in the place of one of the same shot that still waits. A text alone takes no
    render's place: the clip is wanted all the same.
    """
    number = film.index[shot.id] + 1
    waiting = queue.waiting_jobs(session, Job.shot_id == shot.id, Job.kind == JobKind.RENDER.value)
    waiting = [job for job in waiting if queue.replaces(order.model_dump(mode="json"), job.order)]
    for job in waiting:
        queue.cancel(session, job)
    replaced = min((job.sequence for job in waiting), default=None)
    text_only = order.text_only
    return queue.enqueue(
        session,
        film.project,
        JobKind.RENDER,
        f"Write the text R of shot {number}" if text_only else f"Render shot {number}",
        order.model_dump(mode="json"),
        shot_id=shot.id,
        units=0 if text_only else shot.length,
        sequence=queue.first_in_line(session) if text_only else replaced,
        profile=film.project.renderer,
    )


def _number(session: Session, clip: Clip) -> int:
    """Which clip of its shot it is, from 1."""
    ids = session.exec(
        select(Clip.id).where(Clip.shot_id == clip.shot_id).order_by(col(Clip.created), col(Clip.id))
    )
    return ids.all().index(clip.id) + 1


def _renderer_view(renderer: Renderer, machine: Machine) -> RendererView:
    lengths = renderer.lengths
    spans = (
        f"{lengths.rate.seconds(lengths.shortest):.1f} to {lengths.longest_seconds:.1f} s"
        if lengths
        else "any"
    )
    return RendererView(
        name=renderer.name,
        title=renderer.title,
        note=renderer.note,
        lengths=spans,
        sizes=str(renderer.sizes) if renderer.sizes else "the film's",
        cost=_cost(renderer.cost),
        hindrance=_hindrance(renderer, machine),
        key_variable=key_found(renderer) or " or ".join(renderer.keys),
        key_found=bool(key_found(renderer)),
    )


def _cost(cost: Cost) -> str:
    if cost.dollars is not None:
        return f"${cost.dollars:.2f} a second ({cost.basis})"
    if cost.gpu_minutes is not None:
        return f"about {cost.gpu_minutes:g} GPU minutes a second ({cost.basis})"
    return cost.basis
