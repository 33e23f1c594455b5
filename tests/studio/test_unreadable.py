"""A picture that a job cannot read is called by whose it is today, not by its hash."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.pictures import UnreadablePicture, read_picture
from engine.profiles import Profile
from engine.step2.conditions import PairConditions, PairTake
from engine.story import FrameSide
from studio.jobs import queue
from studio.jobs.worker import Worker
from studio.service.studio import Studio
from studio.service.views import JobState, JobView
from studio.store.states import Subject
from studio.store.tables import Job, Reference
from tests.studio.fake_painter import FlatPainter
from tests.studio.helpers import ME, draw_all_here, draw_here, new_film, picture


class Looking(FlatPainter):
    """Reads every picture that it is given, as the real ones do."""

    def draw(self, conditions: PairConditions, *args: object, **kwargs: object) -> list[PairTake]:
        kept = [conditions.kept.frame] if conditions.kept else []
        for frame in (*(memory.frame for memory in conditions.memory), *kept):
            read_picture(frame.path)
        return super().draw(conditions, *args, **kwargs)


def looking(profile: Profile, cache: Path | None = None) -> Looking:
    return Looking(profile)


def worked_on(studio: Studio, project: str) -> JobView:
    """The next job, as the worker ends it."""
    worker = Worker(studio.home, "here", looking)
    job = queue.claim(studio.home.database, "here")
    assert job is not None
    worker._work(job)
    return next(view for view in studio.jobs(ME, project) if view.id == job.id)


def broken(studio: Studio, sha256: str, gone: bool) -> Path:
    path = studio.home.frame(sha256)
    if gone:
        path.unlink()
    else:
        path.write_bytes(b"this is no picture")
    return path


@pytest.mark.parametrize("gone", [False, True], ids=["damaged", "gone"])
def test_a_frame_is_called_by_its_shot_as_it_is_numbered_now(studio: Studio, gone: bool) -> None:
    project, ids = new_film(studio, 2)
    draw_here(studio, project, ids[0])
    studio.insert_shot(ME, project)  # what was shot 1 is shot 2 from now on
    (take,) = studio.takes(ME, ids[0])
    broken(studio, take.end_sha256, gone)
    studio.draw(ME, [ids[1]])
    job = worked_on(studio, project)
    trouble = "is not there any more" if gone else "is not a picture that can be read"
    told = f"The end frame of shot 2 {trouble}: draw that shot again or choose another take of it."
    assert (job.state, job.error) == (JobState.FAILED, told)


def test_a_picture_of_somebody_is_called_by_the_name(studio: Studio) -> None:
    project, (shot,) = new_film(studio, 1)
    fisherman = studio.add_cast(ME, project, "Fisherman").id
    studio.edit_shot(ME, shot, cast=["Fisherman"])
    whose = (
        (Subject.CAST, fisherman, "The picture of Fisherman"),
        (Subject.CAST, fisherman, "Picture 2 of Fisherman"),
        (Subject.LOOK, "", "A picture of the look"),
        (Subject.SHOT, shot, "A picture of shot 1"),
    )
    for (subject, card, called), colour in zip(whose, ("red", "blue", "green", "white"), strict=True):
        added = studio.add_reference(ME, project, subject, card, picture(colour))
        with studio.home.database.read() as session:
            sha256 = session.get_one(Reference, added.id).sha256
        path = studio.home.frame(sha256)
        whole = path.read_bytes()
        path.write_bytes(b"this is no picture")
        studio.draw(ME, [shot])
        told = f"{called} is not a picture that can be read: give it again or remove it."
        assert worked_on(studio, project).error == told
        path.write_bytes(whole)
    studio.draw(ME, [shot])
    assert worked_on(studio, project).state is JobState.DONE


def test_a_frame_that_was_given_is_called_so(studio: Studio) -> None:
    project, (shot,) = new_film(studio, 1)
    (job,) = studio.draw(ME, [shot], keep=FrameSide.START, given=picture())
    with studio.home.database.read() as session:
        given = session.get_one(Job, job.id).order["kept"]["sha256"]
    broken(studio, given, gone=False)
    told = "The start frame that was given is not a picture that can be read: give it again."
    assert worked_on(studio, project).error == told


def test_a_pinned_frame_of_a_take_that_is_not_used_any_more(studio: Studio) -> None:
    """The frame that a job keeps may be of any take."""
    project, (shot,) = new_film(studio, 1)
    draw_here(studio, project, shot, seed=0)
    (first,) = studio.takes(ME, shot)
    studio.draw(ME, [shot], keep=FrameSide.END)
    draw_here(studio, project, shot, seed=1)
    broken(studio, first.end_sha256, gone=True)
    told = "The end frame of take 1 of shot 1 is not there any more: draw that shot again or choose another"
    assert worked_on(studio, project).error == f"{told} take of it."


@pytest.mark.parametrize("text_only", [True, False], ids=["text", "clip"])
def test_a_clip_says_it_too(studio: Studio, text_only: bool) -> None:
    project, ids = new_film(studio, 2)
    draw_all_here(studio, project)
    (take,) = studio.takes(ME, ids[1])
    broken(studio, take.start_sha256, gone=False)
    if text_only:
        studio.refine(ME, ids[1])
    else:
        studio.write_refinement(ME, ids[1], "She turns.")
        studio.render(ME, [ids[1]])
    told = "The start frame of shot 2 is not a picture that can be read: draw that shot again or choose"
    assert worked_on(studio, project).error == f"{told} another take of it."


def test_a_picture_that_nobody_knows_is_called_by_its_file(tmp_path: Path) -> None:
    path = tmp_path / "notes.png"
    with pytest.raises(UnreadablePicture, match=r"^The picture notes\.png is not there any more: draw its"):
        read_picture(path)
    path.write_bytes(b"x")
    with pytest.raises(UnreadablePicture, match=r"^notes\.png is not a picture that can be read: draw its"):
        read_picture(path)
