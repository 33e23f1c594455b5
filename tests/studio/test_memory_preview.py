"""What a shot would remember now, said without a network, is what it is drawn with: the real checkpoint."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import pytest
from PIL import Image

from engine.story import FrameSide
from studio.project.lineage import Freshness
from studio.service.memory_views import PackedView
from studio.service.studio import Studio
from studio.service.views import JobState
from studio.store.errors import NotFound
from studio.store.states import MemoryScope, Subject
from tests.studio.helpers import (
    ME,
    draw_all_here,
    draw_here,
    new_film,
    shots_of,
    wait_for_jobs,
    wait_until,
)

START, END = FrameSide.START, FrameSide.END
WORDS = (
    "An old man walks on the beach.",
    "A girl in a red coat waits in the forest.",
    "The old man looks at the castle.",
    "The girl runs through the snowy city.",
)


def pack(frames: Sequence[PackedView]) -> list[tuple[object, ...]]:
    return [(f.key, f.sha256, f.rank, f.share, f.similarity, f.pinned, f.box, f.later) for f in frames]


@pytest.mark.slow
def test_the_preview_is_the_pack_that_is_drawn(home: Path) -> None:
    with Studio(home) as studio:
        studio.start_worker()
        project, ids = new_film(studio, 4)
        for id, words in zip(ids, WORDS, strict=True):
            studio.edit_shot(ME, id, description=words)
        draw(studio, project, ids)

        # Right after the drawing everything is known: nothing has to be asked for.
        now = studio.memory_preview(ME, ids[3])
        assert (now.missing, now.same, now.grid) == (0, True, (4, 8))
        assert pack(now.packed) == pack(studio.memory(ME, ids[3]).packed)
        assert len(now.packed) == 5
        wait_until(lambda: all(shot.cut is not None for shot in shots_of(studio, project)[:-1]))

        # A pin and a ban change it at once, and drawing gives that very pack.
        studio.pin(ME, project, ids[1], START)
        studio.ban(ME, project, ids[2], END)
        now = studio.memory_preview(ME, ids[3])
        assert (now.missing, now.same) == (0, False)
        assert (now.packed[0].key, now.packed[0].pinned) == ("2S", True)
        assert "3E" not in [frame.key for frame in now.packed]
        draw(studio, project, [ids[3]])
        assert pack(studio.memory(ME, ids[3]).packed) == pack(now.packed)
        assert studio.memory_preview(ME, ids[3]).same

        # Other words: nobody knows yet, and says so; then it is worked out, in front of what waits.
        studio.edit_shot(ME, ids[3], description="A castle by night.")
        now = studio.memory_preview(ME, ids[3])
        assert (now.missing, now.packed, now.same) == (5, (), False)
        studio.measure(ME, project, [ids[3]])
        assert next(job.state for job in wait_for_jobs(studio, project)) is JobState.DONE
        now = studio.memory_preview(ME, ids[3])
        assert now.missing == 0
        draw(studio, project, [ids[3]])
        assert pack(studio.memory(ME, ids[3]).packed) == pack(now.packed)

        # A memory of all shots holds later frames as snapshots, by the same rule.
        studio.edit_project(ME, project, memory_scope="all")
        studio.measure(ME, project, [ids[0]])
        wait_for_jobs(studio, project)
        now = studio.memory_preview(ME, ids[0])
        assert all(frame.later for frame in now.packed)
        assert len(now.packed) == 5
        draw(studio, project, [ids[0]])
        assert pack(studio.memory(ME, ids[0]).packed) == pack(now.packed)


def draw(studio: Studio, project: str, ids: Sequence[str]) -> None:
    studio.draw(ME, ids, seed=1, steps=1)
    jobs = wait_for_jobs(studio, project, 180)
    assert [job.error for job in jobs if job.error] == []


def test_a_memory_of_all_shots_makes_no_circle(studio: Studio) -> None:
    project, ids = new_film(studio, 4)
    draw_all_here(studio, project)
    studio.edit_project(ME, project, memory_scope=MemoryScope.ALL.value)
    head = studio.project(ME, project).head
    assert head.undo is not None
    assert (head.memory_scope, head.undo.label) == (MemoryScope.ALL, "change the memory scope of the film")
    told = [(shot.staleness.freshness, shot.staleness.text) for shot in shots_of(studio, project)]
    reason = "the memory looks at all shots now"
    assert told == [(Freshness.MAY_DRIFT, reason)] * 3 + [(Freshness.FRESH, "")]
    draw_all_here(studio, project)
    assert {frame.later for frame in studio.memory(ME, ids[0]).packed} == {True}
    assert [shot.staleness.text for shot in shots_of(studio, project)] == [""] * 4

    # Drawing a later shot again, or picking among its takes, never reaches back.
    draw_here(studio, project, ids[3], seed=5)
    assert [shot.staleness.text for shot in shots_of(studio, project)] == [""] * 4
    # Taking the later frames away does: the words say so, and undo takes it back.
    studio.edit_project(ME, project, memory_scope="earlier")
    first = shots_of(studio, project)[0].staleness
    assert (first.freshness, first.text) == (
        Freshness.MAY_DRIFT,
        "the memory looks at earlier shots only now",
    )
    studio.undo(ME, project)
    assert shots_of(studio, project)[0].staleness.text == ""


def test_a_picture_for_one_shot(studio: Studio) -> None:
    project, ids = new_film(studio, 3)
    draw_all_here(studio, project)
    picture = Image.new("RGB", (320, 160), (200, 40, 40))
    out = io.BytesIO()
    picture.save(out, "PNG")
    studio.add_reference(ME, project, Subject.SHOT, ids[1], out.getvalue())
    told = [shot.staleness.text for shot in shots_of(studio, project)]
    assert told == ["", "a picture of this shot was added", ""]
    assert [len(shot.pictures) for shot in shots_of(studio, project)] == [0, 1, 0]
    assert studio.memory_preview(ME, ids[1]).missing == 4, "it is ranked like every other picture"
    with pytest.raises(NotFound):
        studio.add_reference(ME, project, Subject.SHOT, "nowhere", out.getvalue())
    studio.undo(ME, project)
    assert [shot.staleness.text for shot in shots_of(studio, project)] == [""] * 3


def test_nothing_is_known_without_the_drawing_process(studio: Studio) -> None:
    project, ids = new_film(studio, 3)
    draw_all_here(studio, project)
    assert studio.memory_preview(ME, ids[0]).same, "the first shot has no memory, and nothing is unknown"
    now = studio.memory_preview(ME, ids[2])
    assert (now.missing, now.working) == (5, False)
    studio.measure(ME, project, [ids[2]])
    studio.measure(ME, project, [ids[1]])
    assert studio.memory_preview(ME, ids[2]).working
    active = [job for job in studio.jobs(ME, project) if job.active]
    assert [job.title for job in active] == ["Compare frames"], "two wishes are one job"
