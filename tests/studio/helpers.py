"""Small things that many tests of the studio need."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from engine.profiles import get_profile
from engine.story import FrameSide
from studio.jobs.draw import packed_row, pair_conditions
from studio.jobs.orders import DrawInputs, DrawOrder, ResolvedFrame
from studio.project.conditions import Conditions
from studio.project.film import load_film
from studio.project.lineage import Lineage, words_of
from studio.service.studio import Studio
from studio.service.views import JobView, ShotView
from studio.store.tables import Project, Take
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
    for number in range(1, shots + 1):
        shot = studio.insert_shot(owner, project, ids[-1] if ids else None)
        studio.edit_shot(owner, shot.id, description=f"Moment {number} of the story.")
        ids.append(shot.id)
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
        shot, lineage = film.shots[index], Lineage(film)
        present = lineage.present(index)
        order = DrawOrder(prompt=shot.description, words=words_of(film, shot), seeds=(seed,))
        inputs = DrawInputs(
            previous=present.previous,
            memory=tuple(ResolvedFrame(ref=f.ref, pinned=f.pinned) for f in lineage.memory_bank(index)),
            bans=present.bans,
            bank=present.bank,
            picked=shot.picked,
        )
        painter = FlatPainter(get_profile("mini"))
        drawn = painter.draw(pair_conditions(studio.home, order, inputs), order.seeds, steps=1)[0]
        sources = {frame.ref.key: frame.ref for frame in inputs.memory}
        conditions = Conditions(
            words=order.words,
            previous=inputs.previous,
            pins=inputs.pins,
            bans=inputs.bans,
            bank=inputs.bank,
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
            memory=[packed_row(frame, sources) for frame in drawn.memory],
        )
        session.add(take)
        session.flush()
        shot.picked = take.id
        film.project.revision += 1
    return take.id


def draw_all_here(studio: Studio, project_id: str) -> None:
    """Draws every shot in film order in this process."""
    for shot in shots_of(studio, project_id):
        draw_here(studio, project_id, shot.id)


def blob_files(home: Path) -> list[Path]:
    """All stored files, without temporary ones."""
    return [path for path in (home / "blobs").rglob("*") if path.is_file() and path.parent.name != "partial"]


BOTH = (FrameSide.START, FrameSide.END)
