"""A frame of the pair is given: kept, continued from the shot before, or uploaded; the take has it whole."""

from __future__ import annotations

import hashlib
from itertools import pairwise
from pathlib import Path

import pytest
from PIL import Image

from engine.errors import BadInput
from engine.story import FrameSide
from studio.exchange.pictures import check_frame
from studio.service.studio import Studio
from studio.service.take_views import TakeView
from studio.store.states import Subject
from tests.studio.helpers import ME, draw_all_here, new_film, picture, shots_of, wait_for_jobs

START, END = FrameSide.START, FrameSide.END


def newest(studio: Studio, shot: str) -> TakeView:
    return studio.takes(ME, shot)[0]


def told(take: TakeView) -> str:
    return {fact.name: fact.value for fact in take.facts}["Given frame"]


def test_continue_from_the_shot_before(working: Studio) -> None:
    project, ids = new_film(working, 3)
    with pytest.raises(BadInput, match="first shot has no shot before"):
        working.draw(ME, [ids[0]], continues=True)
    with pytest.raises(BadInput, match="Shot 1 has no picture to continue from"):
        working.draw(ME, [ids[1]], continues=True)
    # In one go: the end frame is the one that is drawn meanwhile.
    working.draw(ME, [ids[0]], seed=1)
    working.draw(ME, ids[1:], seed=2, continues=True)
    jobs = wait_for_jobs(working, project)
    assert [job.error for job in jobs if job.error] == []
    takes = [newest(working, id) for id in ids]
    for before, after in pairwise(takes):
        assert after.start_sha256 == before.end_sha256
        assert after.end_sha256 != before.end_sha256
    assert told(takes[1]).startswith("the start: the end frame 1E of the shot before, exactly")
    assert all(not shot.staleness.reasons for shot in shots_of(working, project))
    # And again exactly: from its record, whatever the shot before shows now.
    working.draw(ME, [ids[0]], seed=9)
    wait_for_jobs(working, project)
    assert shots_of(working, project)[1].staleness.text == "shot 1 was redrawn"
    working.draw_again(ME, takes[1].id)
    wait_for_jobs(working, project)
    assert newest(working, ids[1]).again == "take 1 again: the same pixels"


def test_an_uploaded_frame_is_in_the_take(working: Studio) -> None:
    project, (shot,) = new_film(working, 1)
    file = picture("teal", size=(900, 900), kind="JPEG")
    working.draw(ME, [shot], takes=2, seed=3, keep=END, given=file)
    wait_for_jobs(working, project)
    given = hashlib.sha256(check_frame(file, 256, 128).png).hexdigest()
    for take in working.takes(ME, shot):
        assert take.end_sha256 == given
        assert take.start_sha256 != given
        assert told(take).startswith("the end: an uploaded picture")
    # From now on it is that take's frame, and can be kept like any other.
    working.draw(ME, [shot], seed=5, keep=END)
    wait_for_jobs(working, project)
    assert newest(working, shot).end_sha256 == given
    assert told(newest(working, shot)).startswith("the end: kept from the take before")


def test_an_upload_is_read_before_other_edits_have_to_wait(studio: Studio) -> None:
    _, (shot,) = new_film(studio, 1)
    with studio.home.database.write(), pytest.raises(BadInput, match="not a whole PNG, JPEG or WebP"):
        studio.draw(ME, [shot], keep=START, given=b"no picture")


def test_what_cannot_be_given(studio: Studio) -> None:
    project, ids = new_film(studio, 2)
    draw_all_here(studio, project)
    for message, call in (
        ("select that shot alone", lambda: studio.draw(ME, ids, keep=START, given=picture())),
        ("start or the end", lambda: studio.draw(ME, ids[:1], given=picture())),
        ("one of the pair must be drawn", lambda: studio.draw(ME, ids[1:], keep=END, continues=True)),
        ("not a whole PNG", lambda: studio.draw(ME, ids[:1], keep=END, given=b"no picture")),
        ("Guidance is a number from 1", lambda: studio.draw(ME, ids, guidance=0.5)),
        ("Memory guidance is a number from 1", lambda: studio.draw(ME, ids, memory_guidance=0.5)),
    ):
        with pytest.raises(BadInput, match=message):
            call()
    assert studio.jobs(ME, project) == ()


@pytest.mark.slow
def test_the_shipped_checkpoint_keeps_frames_and_repeats_itself(home: Path) -> None:
    """The real network: a given frame is byte for byte in the take, and a record gives the same pixels."""
    with Studio(home) as studio:
        studio.start_worker()
        project, ids = new_film(studio, 2)
        anna = studio.add_cast(ME, project, "Anna", "a woman with black hair in a red coat").id
        for id, words in zip(ids, ("Anna stands on the beach.", "Anna walks right."), strict=True):
            studio.edit_shot(ME, id, description=words, cast=["Anna"], place="beach")
        studio.add_reference(ME, project, Subject.CAST, anna, picture("maroon", size=(300, 400)))
        file = picture("navy", size=(640, 480))
        studio.draw(ME, [ids[0]], seed=1, steps=2, keep=START, given=file)
        studio.draw(ME, [ids[1]], takes=2, seed=2, steps=2, continues=True)
        assert [job.error for job in wait_for_jobs(studio, project, 200) if job.error] == []
        first, (other, second) = newest(studio, ids[0]), studio.takes(ME, ids[1])
        assert studio.home.frame(first.start_sha256).read_bytes() == check_frame(file, 256, 128).png
        assert second.start_sha256 == other.start_sha256 == first.end_sha256
        assert second.end_sha256 != other.end_sha256
        with Image.open(studio.home.frame(second.end_sha256)) as drawn:
            assert len(drawn.getcolors(1 << 16) or ()) != 1, "the other frame is really drawn"
        memory = studio.memory(ME, ids[1]).packed
        assert (memory[0].key, memory[0].pinned) == ("ref:Anna", True)
        studio.draw(ME, [ids[0]], seed=7, steps=2)
        studio.draw_again(ME, second.id)
        wait_for_jobs(studio, project, 200)
        assert newest(studio, ids[1]).again == f"take {second.number} again: the same pixels"
