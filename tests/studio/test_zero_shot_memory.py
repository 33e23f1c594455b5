"""What a zero-shot start is painted from in the studio: frames of its memory, which bans and the choice of a
profile decide about, and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from engine.fitting import Machine
from engine.profile import Profile
from engine.step2.painter import PairPainter
from engine.story import FrameSide
from studio.jobs import queue
from studio.jobs.bench import Bench, Painters
from studio.jobs.draw import draw
from studio.service import machine
from studio.service.studio import Studio
from studio.service.take_views import TakeView
from tests.engine.step2.noting import Asked, asked, noting_painter
from tests.studio.helpers import BOTH, ME, draw_all_here, new_film
from tests.studio.test_profile_choice import drawn_by

EDITS = "qwen-image-edit"


def drawn(studio: Studio, shot_id: str, continues: bool = False) -> tuple[TakeView, list[Asked]]:
    """Draws a shot here as the worker would: its newest take, and what its editor was asked for."""
    painters = []

    def load(profile: Profile, _: Path | None) -> PairPainter:
        painters.append(noting_painter(replace(profile, steps=1)))
        return painters[0]

    studio.draw(ME, [shot_id], continues=continues)
    job = queue.claim(studio.home.database, "w")
    assert job is not None
    draw(Bench(studio.home, Painters(studio.home, load, None), job, "w", lambda: False))
    newest = max(studio.takes(ME, shot_id), key=lambda take: take.number)
    return newest, asked(painters[0])


@pytest.fixture(autouse=True)
def a_card(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    machine._looked.cache_clear()
    monkeypatch.setattr(machine, "look_at_machine", lambda: Machine(64, 80, 200, "a card"))
    yield
    machine._looked.cache_clear()


def test_frames_of_another_profile_are_not_painted_from(studio: Studio) -> None:
    project, ids = new_film(studio, 3)
    draw_all_here(studio, project)
    studio.edit_project(ME, project, profile=EDITS)
    take, (start, _) = drawn(studio, ids[2])
    assert (start.pictures, take.lineage.memory) == ([], ())
    studio.edit_project(ME, project, all_profiles=True)
    take, (start, _) = drawn(studio, ids[2])
    assert len(start.pictures) == len(take.lineage.memory) == 3


def test_banned_frames_are_not_painted_from_unless_a_shot_is_to_start_there(studio: Studio) -> None:
    project, ids = new_film(studio, 2)
    draw_all_here(studio, project)
    drawn_by(studio, ids[0], EDITS)
    studio.edit_project(ME, project, profile=EDITS)
    for side in BOTH:
        studio.ban(ME, project, ids[0], side)
    take, (start, _) = drawn(studio, ids[1])
    assert (start.pictures, take.lineage.memory) == ([], ())
    take, (end,) = drawn(studio, ids[1], continues=True)
    assert "after its movement" in end.prompt
    assert len(end.pictures) == 1, "1E, which was asked for"
    assert (take.lineage.kept, take.lineage.previous_end) == (FrameSide.START, "1E")
    assert take.lineage.mode == "zero-shot"
