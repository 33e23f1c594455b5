"""Small things that many tests of the studio need."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from PIL import Image

from engine.profiles import get_profile
from engine.story import CinematicAttributes, FrameSide, slate_letters
from studio.jobs.draw import packed_row, pair_conditions, present_inputs
from studio.jobs.orders import DrawOrder
from studio.project.clips import load_clips
from studio.project.conditions import Conditions
from studio.project.film import attribute_fields, load_film
from studio.project.order import spread
from studio.service.studio import Studio
from studio.service.views import JobView, ShotView
from studio.store.tables import Clip, Film, Project, Refinement, Shot, Take
from tests.studio.fake_painter import FlatPainter

PAINTER = "tests.studio.fake_painter:load"
ME, YOU = "anon-me", "anon-you"


def wait_until(happened: Callable[[], bool], seconds: float = 60.0) -> None:
    """Waits for something to happen; fails the test when it does not in time."""
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def wait_for_jobs(studio: Studio, project_id: str, seconds: float = 60.0) -> tuple[JobView, ...]:
    """Waits until nothing is queued or running, and returns all jobs."""
    wait_until(lambda: not any(job.active for job in studio.jobs(ME, project_id)), seconds)
    return studio.jobs(ME, project_id)


def new_film(studio: Studio, shots: int = 3, owner: str = ME) -> tuple[str, list[str]]:
    """A project with some described shots; its id and theirs."""
    project = studio.create_project(owner, "The harbour").head.id
    ids: list[str] = []
    for _ in range(shots):
        ids.append(studio.insert_shot(owner, project, ids[-1] if ids else None).id)
    told = {id: {"description": f"Moment {number} of the story."} for number, id in enumerate(ids, 1)}
    if told:
        studio.edit_shots(owner, told)
    return project, ids


def shots_of(studio: Studio, project_id: str) -> tuple[ShotView, ...]:
    return studio.project(ME, project_id).shots


def draw_here(studio: Studio, project_id: str, shot_id: str, seed: int = 0) -> str:
    """Draws a shot in this process as the worker would, and picks the take; returns its id.

    For tests about what follows from a drawing, where waiting for a process would only cost time.
    """
    with studio.home.database.write() as session:
        film = load_film(session, session.get_one(Project, project_id))
        index = film.index[shot_id]
        shot = film.shots[index]
        order = DrawOrder(seeds=(seed,))
        inputs = present_inputs(film, index, order).model_copy(update={"prompt": shot.description})
        painter = FlatPainter(get_profile("mini"))
        drawn = painter.draw(pair_conditions(studio.home, inputs), order.seeds, steps=1)[0]
        later = {frame.ref.key for frame in inputs.memory if frame.later}
        sources = {frame.ref.key: frame.ref for frame in inputs.memory}
        conditions = Conditions(
            words=inputs.words,
            previous=inputs.previous,
            pins=inputs.pins,
            bans=inputs.bans,
            bank=inputs.bank,
            scope=inputs.scope,
            references=inputs.references,
            aspect=film.project.aspect,
        )
        take = Take(
            owner=film.project.owner,
            project_id=project_id,
            shot_id=shot_id,
            number=seed + 1,
            start_sha256=studio.home.blobs.put(drawn.start, "png"),
            end_sha256=studio.home.blobs.put(drawn.end, "png"),
            conditions=conditions.model_dump(mode="json"),
            recipe=asdict(drawn.recipe),
            memory=[packed_row(frame, sources, later) for frame in drawn.memory],
        )
        session.add(take)
        session.flush()
        shot.picked, shot.picked_at = take.id, None
        film.project.revision += 1
    return take.id


def draw_all_here(studio: Studio, project_id: str) -> None:
    """Draws every shot in film order in this process."""
    for shot in shots_of(studio, project_id):
        draw_here(studio, project_id, shot.id)


def render_here(studio: Studio, shot_id: str) -> str:
    """A clip of a shot as the worker would keep it (an empty film file), picked; returns its id."""
    with studio.home.database.write() as session:
        shot = session.get_one(Shot, shot_id)
        film = load_film(session, session.get_one(Project, shot.project_id))
        clips = load_clips(session, film)
        wanted = clips.wanted(shot)
        assert wanted is not None
        shared = {
            "owner": shot.owner,
            "project_id": shot.project_id,
            "shot_id": shot.id,
            "take_id": wanted.take_id,
            "conditions": wanted.model_dump(mode="json"),
        }
        text = clips.written.get(shot.id)
        if text is None:
            text = Refinement(text="Read from the pair.", recipe={"refiner": "PlainRefiner"}, **shared)
            session.add(text)
            session.flush()
        sha256 = studio.home.blobs.put(b"", "mp4")
        clip = Clip(refinement_id=text.id, sha256=sha256, frames=wanted.frames, recipe={}, **shared)
        session.add(clip)
        session.flush()
        shot.clip = clip.id
        film.project.revision += 1
    return clip.id


def export_here(studio: Studio, project_id: str, content: bytes = b"a film") -> str:
    """An exported film as the worker would keep it (of no clips); returns its id."""
    with studio.home.database.write() as session:
        project = session.get_one(Project, project_id)
        film = Film(
            owner=project.owner,
            project_id=project_id,
            sha256=studio.home.blobs.put(content, "mp4"),
            frames=24,
            conditions={"clips": [], "used": [], "sound": None},
            manifest={"shots": []},
        )
        session.add(film)
        project.revision += 1
        return film.id


def blob_files(home: Path) -> list[Path]:
    """All stored files, without temporary ones."""
    return [path for path in (home / "blobs").rglob("*") if path.is_file() and path.parent.name != "partial"]


def picture(
    colour: str = "red", size: tuple[int, int] = (300, 200), kind: str = "PNG", **options: Any
) -> bytes:
    """An uploaded picture: a file of one colour."""
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, kind, **options)
    return out.getvalue()


PICTURE = picture()
BOTH = (FrameSide.START, FrameSide.END)


def many_shots(studio: Studio, owner: str, project_id: str, count: int) -> list[str]:
    """A film of so many described shots in scenes of ten, written at once; their ids."""
    fields = attribute_fields(CinematicAttributes())
    with studio.home.database.write() as session:
        project = session.get_one(Project, project_id)
        shots = [
            Shot(
                owner=owner,
                project_id=project_id,
                position=position,
                scene=1 + index // 10,
                slate=slate_letters(index % 10),
                description=f"An old man walks along the harbour, moment {index + 1}.",
                **fields,
            )
            for index, position in enumerate(spread(None, None, count))
        ]
        session.add_all(shots)
        project.revision += 1
        return [shot.id for shot in shots]
