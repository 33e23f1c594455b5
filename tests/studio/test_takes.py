"""Takes: what is said about them, drawing one again from its own record, and the only real deletion."""

from __future__ import annotations

import pytest
import torch

from engine.errors import BadInput
from engine.step2.cache import FrameCache
from engine.story import FrameSide
from studio.service.studio import Studio
from studio.service.take_views import TakeView
from studio.service.views import JobState
from studio.store.tables import Job, Take
from tests.studio.helpers import (
    ME,
    blob_files,
    draw_all_here,
    draw_here,
    new_film,
    render_here,
    shots_of,
    wait_for_jobs,
)


def by_number(studio: Studio, shot: str) -> dict[int, TakeView]:
    return {take.number: take for take in studio.takes(ME, shot)}


def test_flags_are_edits(studio: Studio) -> None:
    project, (shot,) = new_film(studio, 1)
    first, second = (draw_here(studio, project, shot, seed) for seed in (0, 1))
    marks = [shots_of(studio, project)[0].takes_mark]
    studio.edit_take(ME, first, rejected=True)
    marks.append(shots_of(studio, project)[0].takes_mark)
    studio.edit_take(ME, first, note="the light is wrong", locked=True)
    take = by_number(studio, shot)[1]
    assert (take.rejected, take.locked, take.note) == (True, True, "the light is wrong")
    marks.append(shots_of(studio, project)[0].takes_mark)
    assert len(set(marks)) == 3, "a page learns that its list of takes is old"
    labels = [entry.label for entry in studio.history(ME, project)[:2]]
    assert labels == ["protect, change the note of take 1 of shot 1", "reject take 1 of shot 1"]
    studio.undo(ME, project)
    studio.undo(ME, project)
    take = by_number(studio, shot)[1]
    assert (take.rejected, take.locked, take.note) == (False, False, "")
    with pytest.raises(BadInput, match="Take 2 is in the film"):
        studio.edit_take(ME, second, rejected=True)
    with pytest.raises(BadInput, match="The note cannot be"):
        studio.edit_take(ME, first, note="x" * 1001)


def test_a_rejected_take_that_is_picked_is_taken_back_by_one_command(studio: Studio) -> None:
    project, (shot,) = new_film(studio, 1)
    first, second = (draw_here(studio, project, shot, seed) for seed in (0, 1))
    studio.edit_take(ME, first, rejected=True)
    studio.pick(ME, first)
    assert [take.rejected for take in studio.takes(ME, shot)] == [False, False]
    studio.undo(ME, project)
    assert shots_of(studio, project)[0].take_id == second
    assert by_number(studio, shot)[1].rejected


def test_how_it_was_drawn_says_everything(studio: Studio) -> None:
    project, ids = new_film(studio, 2)
    studio.edit_shot(ME, ids[1], place="the harbour", weather="rain")
    studio.pin(ME, project, ids[0], FrameSide.END)
    draw_all_here(studio, project)
    (take,) = studio.takes(ME, ids[1])
    told = {fact.name: fact.value for fact in take.facts}
    assert told["Description"] == "Moment 2 of the story."
    assert told["Camera"] == "medium shot, eye level, static"
    assert told["Place"] == "the harbour"
    assert told["Previous end frame"].startswith("1E, picture ")
    assert told["Memory"].startswith("1E 50%, alike 0.50, pinned; 1S 25%")
    assert told["Pinned"] == "1E"
    assert told["Seed"] == "0"
    assert take.end_sha256 in told["Pictures"]


def test_all_that_is_missing_is_drawn_with_the_settings_given(working: Studio) -> None:
    project, ids = new_film(working, 2)
    working.draw_all_stale(ME, project, takes=2, seed=5, steps=3, guidance=1.5, memory_guidance=1.0)
    wait_for_jobs(working, project)
    for id in ids:
        takes = by_number(working, id)
        assert [takes[number].lineage.seed for number in sorted(takes)] == [5, 6]
        drawn = takes[1].lineage
        assert (drawn.steps, drawn.guidance, drawn.memory_guidance) == (3, 1.5, 1.0)
    working.edit_shot(ME, ids[0], description="Something else.")
    with pytest.raises(BadInput, match="Draw in 1 to 200 steps, not 0"):
        working.draw_all_stale(ME, project, steps=0)


def test_draw_again_repeats_the_record_not_the_present(working: Studio) -> None:
    project, ids = new_film(working, 3)
    working.draw(ME, ids, takes=2, seed=5)
    wait_for_jobs(working, project)
    original = by_number(working, ids[2])[2]
    # Everything that it was drawn from changes.
    working.edit_shot(ME, ids[2], description="Something else.")
    working.draw(ME, ids[:2], seed=90)
    working.pin(ME, project, ids[1], FrameSide.START)
    wait_for_jobs(working, project)
    assert working.draw_again(ME, original.id).title == "Draw take 2 of shot 3 again"
    jobs = wait_for_jobs(working, project)
    assert [job.error for job in jobs if job.error] == []
    again = by_number(working, ids[2])[3]
    assert (again.start_sha256, again.end_sha256) == (original.start_sha256, original.end_sha256)
    assert again.again == "take 2 again: the same pixels"
    assert again.lineage.batch == 2, "the size of a batch is part of the recipe"
    assert [f.sha256 for f in again.lineage.memory] == [f.sha256 for f in original.lineage.memory]
    assert not again.picked
    # Again of an again is the same still.
    working.draw_again(ME, again.id)
    wait_for_jobs(working, project)
    assert by_number(working, ids[2])[4].again == "take 3 again: the same pixels"


def test_draw_again_says_what_differs(working: Studio) -> None:
    project, (first, second) = new_film(working, 2)
    working.draw(ME, [first, second], seed=5)
    wait_for_jobs(working, project)
    take = by_number(working, second)[1]
    with working.home.database.write() as session:
        from studio.store.tables import Take

        row = session.get_one(Take, take.id)
        row.recipe = {**row.recipe, "weights": "older", "versions": {"pillow": "1.0"}}
        row.end_sha256 = row.start_sha256
    working.draw_again(ME, take.id)
    wait_for_jobs(working, project)
    told = by_number(working, second)[2].again
    assert told.startswith(
        "take 1 again: the end frame differs; the weights changed and pillow went from 1.0 to"
    )
    # A frame that is gone, or is not what it was, is named instead of being replaced.
    assert take.lineage.memory
    frame = working.home.frame(take.lineage.memory[0].sha256)
    frame.write_bytes(b"not a picture any more")
    working.draw_again(ME, take.id)
    job = next(job for job in wait_for_jobs(working, project) if job.state is JobState.FAILED)
    assert job.error.endswith("is damaged on the disk, so this take cannot be drawn again.")
    frame.unlink()
    working.retry(ME, job.id)
    assert any("is not stored any more" in job.error for job in wait_for_jobs(working, project))


def test_a_locked_shot_is_not_drawn_again(studio: Studio) -> None:
    project, (shot,) = new_film(studio, 1)
    take = draw_here(studio, project, shot)
    studio.edit_shot(ME, shot, locked=True)
    with pytest.raises(BadInput, match="locked"):
        studio.draw_again(ME, take)
    with pytest.raises(BadInput, match="locked"):
        studio.draw(ME, [shot])


def test_purge_deletes_only_what_nothing_else_needs(studio: Studio) -> None:
    project, ids = new_film(studio, 2)
    old = draw_here(studio, project, ids[0], seed=0)
    used = draw_here(studio, project, ids[0], seed=1)
    draw_here(studio, project, ids[1])
    new = draw_here(studio, project, ids[0], seed=2)
    plan = studio.purge_plan(ME, old)
    assert (plan.label, plan.refusal) == ("1A take 1", "")
    assert plan.goes == ("2 pictures", "the record of how it was drawn")
    before = len(blob_files(studio.home.root))
    assert plan.frees > 0
    assert len(studio.takes(ME, ids[0])) == 3, "a plan deletes nothing"

    for take, reason in (
        (new, "Take 3 is in the film: use another take first."),
        (used, "Take 2 of shot 1 was drawn"),
    ):
        if take == used:
            reason = "Take 1 of shot 2 was drawn with its start frame: purge that take first."
        assert studio.purge_plan(ME, take).refusal == reason
        with pytest.raises(BadInput, match=reason.split(":")[0]):
            studio.purge(ME, take)
    studio.edit_take(ME, old, locked=True)
    with pytest.raises(BadInput, match="Take 1 is protected from purging"):
        studio.purge(ME, old)
    studio.edit_take(ME, old, locked=False)
    (job,) = studio.draw(ME, [ids[0]])
    assert studio.purge_plan(ME, old).refusal.startswith("Work on this shot waits or runs")
    studio.cancel(ME, job.id)

    studio.purge(ME, old)
    assert [take.number for take in studio.takes(ME, ids[0])] == [3, 2]
    assert len(blob_files(studio.home.root)) == before - 2


def test_purge_takes_what_was_computed_of_a_picture_along(studio: Studio) -> None:
    """Latents show the picture that they were made of: a purged one was still in the home folder."""
    project, (shot,) = new_film(studio, 1)
    old, new = (draw_here(studio, project, shot, seed=seed) for seed in (0, 1))
    with studio.home.database.read() as session:
        gone, stays = (session.get_one(Take, id).start_sha256 for id in (old, new))
    cache = FrameCache(studio.home.cache)
    for frame in (gone, stays):
        cache.get(frame, "vae", lambda: torch.zeros(2))
    unnamed = studio.home.cache / "ab" / f"{'ab' * 32}.safetensors"
    unnamed.parent.mkdir(exist_ok=True)
    unnamed.write_bytes(b"of an earlier version")
    studio.purge(ME, old)
    FrameCache(studio.home.cache)
    (left,) = studio.home.cache.rglob("*.safetensors")
    assert left.parent.name == stays


def test_purge_leaves_a_clip_that_a_film_in_the_making_uses(studio: Studio) -> None:
    """A clip that was kept is of another take than the shot's own, which the order of the film names."""
    project, (shot,) = new_film(studio, 1)
    old = draw_here(studio, project, shot, seed=0)
    render_here(studio, shot)
    draw_here(studio, project, shot, seed=1)
    studio.keep_clip(ME, shot)
    job = studio.export(ME, project)
    render_here(studio, shot)
    reason = "A clip of take 1 is in a film that waits or is made: wait for it, or cancel it first."
    assert studio.purge_plan(ME, old).refusal == reason
    with pytest.raises(BadInput, match=reason):
        studio.purge(ME, old)
    studio.cancel(ME, job.id)
    assert "1 clip" in studio.purge(ME, old).goes


def test_purge_leaves_what_a_cancelled_job_would_need(studio: Studio) -> None:
    """It can be tried again: an upload must still be there, and a purged pair is told in one sentence."""
    project, (shot,) = new_film(studio, 1)
    old = draw_here(studio, project, shot, seed=0)
    with studio.home.database.read() as session:
        frame = session.get_one(Take, old).start_sha256
    (job,) = studio.draw(ME, [shot])
    with studio.home.database.write() as session:
        row = session.get_one(Job, job.id)
        row.order = {**row.order, "kept": {"side": "start", "sha256": frame}}
    studio.cancel(ME, job.id)
    draw_here(studio, project, shot, seed=1)
    studio.purge(ME, old)
    assert studio.home.frame(frame).is_file()


@pytest.mark.slow
def test_a_render_of_a_purged_pair_says_what_to_do(studio: Studio) -> None:
    project, (shot,) = new_film(studio, 1)
    old = draw_here(studio, project, shot, seed=0)
    (job,) = studio.render(ME, [shot])
    studio.cancel(ME, job.id)
    draw_here(studio, project, shot, seed=1)
    studio.purge(ME, old)
    again = studio.retry(ME, job.id)
    studio.start_worker()
    told = next(j for j in wait_for_jobs(studio, project) if j.id == again.id)
    assert told.error == (
        "The picture of this shot was purged meanwhile: render the shot, or make the film, anew."
    )


def test_purge_keeps_a_picture_that_another_row_shows(studio: Studio) -> None:
    project, (shot,) = new_film(studio, 1)
    draw_here(studio, project, shot)
    copy = studio.duplicate_shot(ME, shot)
    take = copy.take_id
    assert take is not None
    second = draw_here(studio, project, copy.id, seed=4)
    assert studio.purge_plan(ME, take).refusal == "", "the first shot shows the same frames"
    before = {path.name for path in blob_files(studio.home.root)}
    studio.purge(ME, take)
    assert {path.name for path in blob_files(studio.home.root)} == before
    # Undoing the pick that the purge made impossible leaves the picture alone.
    studio.pick(ME, second)
    assert studio.project(ME, project).shots[1].take_id == second


def test_undo_leaves_purged_takes_alone(studio: Studio) -> None:
    project, (shot,) = new_film(studio, 1)
    first, second = (draw_here(studio, project, shot, seed) for seed in (0, 1))
    studio.edit_take(ME, first, note="go")
    studio.pick(ME, first)
    studio.pick(ME, second)
    studio.purge(ME, first)
    outcomes = [studio.undo(ME, project) for _ in range(3)]
    assert [(o.applied, o.kept, o.purged) for o in outcomes] == [(0, 0, 1), (0, 1, 0), (0, 0, 1)]
    assert shots_of(studio, project)[0].take_id == second


def test_an_exported_film_keeps_its_takes(working: Studio) -> None:
    project, (shot,) = new_film(working, 1)
    working.draw(ME, [shot], seed=1)
    wait_for_jobs(working, project)
    first = shots_of(working, project)[0].take_id
    assert first is not None
    working.edit_shot(ME, shot, length=2)
    working.export(ME, project)
    wait_for_jobs(working, project)
    draw_here(working, project, shot, seed=6)
    assert "exported film" in working.purge_plan(ME, first).refusal
