"""Clips: stale like pairs, with the reason; the text R; picks; and an export that uses what was picked."""

from __future__ import annotations

import pytest

from engine.errors import BadInput, UnsupportedError
from studio.project.lineage import Freshness
from studio.service.studio import Studio
from studio.service.views import JobState, ShotView
from studio.store.states import JobKind, Subject
from tests.studio.helpers import (
    ME,
    PICTURE,
    draw_all_here,
    draw_here,
    new_film,
    render_here,
    shots_of,
    wait_for_jobs,
)


@pytest.fixture
def film(studio: Studio) -> tuple[str, list[str]]:
    project, ids = new_film(studio, 2)
    draw_all_here(studio, project)
    return project, ids


def first(studio: Studio, project: str) -> ShotView:
    return shots_of(studio, project)[0]


def test_a_clip_is_stale_by_what_it_was_rendered_from(studio: Studio, film: tuple[str, list[str]]) -> None:
    project, (id, _) = film
    render_here(studio, id)

    def told() -> str:
        return first(studio, project).clip_staleness.text

    assert (told(), first(studio, project).clips) == ("", 1)
    edits = {
        "the description changed": lambda: studio.edit_shot(ME, id, description="Another moment."),
        "the length changed from 3.00 s to 2.00 s": lambda: studio.edit_shot(ME, id, length=48),
        "the text R changed": lambda: studio.write_refinement(ME, id, "The boat sinks."),
        "the renderer changed from In-between (built in) to Dissolve (built in)": lambda: studio.edit_project(
            ME, project, renderer="dissolve"
        ),
    }
    for reason, edit in edits.items():
        edit()
        assert told() == reason
        assert first(studio, project).clip_stale
        studio.undo(ME, project)
        assert told() == ""
    take = first(studio, project).take_id
    assert take is not None
    draw_here(studio, project, id, seed=4)
    assert told() == "the pair was redrawn"
    studio.pick(ME, take)
    assert told() == ""
    studio.edit_shot(ME, id, dialogue="Hello.")
    assert told() == "", "no renderer hears what is said"


def test_the_text_is_a_row_of_its_own_and_an_edit(studio: Studio, film: tuple[str, list[str]]) -> None:
    project, (id, _) = film
    assert (first(studio, project).refined, first(studio, project).refined_by_hand) == ("", False)
    older = render_here(studio, id)
    assert first(studio, project).refined == "Read from the pair."
    shot = studio.write_refinement(ME, id, "  The boat sinks.  ")
    assert (shot.refined, shot.refined_by_hand) == ("The boat sinks.", True)
    newer = render_here(studio, id)
    assert [(c.id, c.number, c.text, c.picked) for c in studio.clips(ME, id)] == [
        (newer, 2, "The boat sinks.", True),
        (older, 1, "Read from the pair.", False),
    ]
    # Picking the older one brings its text along, in one step that undo takes back.
    shot = studio.pick_clip(ME, older)
    assert (shot.clip_id, shot.refined, shot.clip_stale) == (older, "Read from the pair.", False)
    head = studio.project(ME, project).head
    assert head.undo is not None
    assert head.undo.label == "use clip 1 of shot 1"
    studio.undo(ME, project)
    shot = first(studio, project)
    assert (shot.clip_id, shot.refined) == (newer, "The boat sinks.")
    # An empty text leaves it to the refiner; a text for another take does not count.
    assert studio.write_refinement(ME, id, "").refined == "Read from the pair."
    studio.undo(ME, project)
    draw_here(studio, project, id, seed=9)
    assert (first(studio, project).refined, first(studio, project).refined_by_hand) == ("", False)


def test_a_kept_clip_is_what_the_film_uses(studio: Studio, film: tuple[str, list[str]]) -> None:
    project, (id, other) = film
    with pytest.raises(BadInput, match="no clip to keep"):
        studio.keep_clip(ME, id)
    render_here(studio, id)
    studio.edit_shot(ME, id, description="Another moment.")
    assert studio.render_quote(ME, project).shots == 2
    shot = studio.keep_clip(ME, id)
    assert shot.clip_staleness.freshness is Freshness.KEPT
    assert not shot.clip_stale
    quote = studio.render_quote(ME, project)
    assert (quote.shots, quote.seconds, quote.wait, quote.dollars) == (1, 3.0, None, 0.0)
    assert studio.render_quote(ME, project, [id, other]).shots == 2
    studio.edit_shot(ME, id, scale="close-up")
    assert first(studio, project).clip_stale
    studio.edit_shot(ME, id, length=20)
    with pytest.raises(BadInput, match="another length"):
        studio.keep_clip(ME, id)


def test_a_paid_renderer_says_its_price_and_what_it_lacks(
    studio: Studio, film: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FAL_KEY", raising=False)
    project, (id, _) = film
    known = {renderer.name: renderer for renderer in studio.renderers()}
    assert known["animatic"].hindrance == ""
    assert "$0.10 a second" in known["fal-veo-3.1-fast"].cost
    studio.edit_project(ME, project, renderer="fal-veo-3.1-fast")
    assert studio.render_quote(ME, project, [id]).dollars == pytest.approx(0.4), (
        "four seconds are its shortest"
    )
    assert studio.render_quote(ME, project, [id]).slowed <= 1.0
    studio.edit_shot(ME, id, length=24 * 12)
    assert studio.render_quote(ME, project, [id]).slowed == pytest.approx(287 / 191)  # it makes eight seconds
    with pytest.raises(UnsupportedError, match="FAL_KEY"):
        studio.render(ME, [id])
    with pytest.raises(BadInput, match="no renderer"):
        studio.edit_project(ME, project, renderer="nonsense")


@pytest.mark.slow
def test_render_one_then_the_film_uses_what_was_picked(working: Studio) -> None:
    project, ids = new_film(working, 2)
    draw_all_here(working, project)
    for id in ids:
        working.edit_shot(ME, id, length=12)
    working.refine(ME, ids[0])
    assert {job.error for job in wait_for_jobs(working, project, 240)} == {""}
    text = first(working, project).refined
    assert "Moment 1" in text
    working.render(ME, [ids[0]])
    wait_for_jobs(working, project, 240)
    plain = first(working, project)
    assert (plain.clips, plain.clip_staleness.text, plain.refined) == (1, "", text)

    working.write_refinement(ME, ids[0], "The boat sinks.")
    working.edit_project(ME, project, renderer="dissolve")
    assert first(working, project).clip_staleness.text == (
        "the text R changed; the renderer changed from In-between (built in) to Dissolve (built in)"
    )
    working.render(ME, [ids[0]])
    wait_for_jobs(working, project, 240)
    now, then = working.clips(ME, ids[0])
    assert (now.text, now.by_hand, now.renderer, now.staleness.text) == (
        "The boat sinks.",
        True,
        "Dissolve (built in)",
        "",
    )
    assert now.url != then.url
    # The older one is picked and kept: the film is made of it, and only the other shot is rendered.
    working.pick_clip(ME, then.id)
    working.keep_clip(ME, ids[0])
    job = working.export(ME, project)
    jobs = wait_for_jobs(working, project, 240)
    assert jobs[0].id == job.id
    assert (jobs[0].state, jobs[0].error) == (JobState.DONE, "")
    film = working.film(ME, project)
    assert film is not None
    assert not film.stale
    assert [len(working.clips(ME, id)) for id in ids] == [2, 1]
    working.pick_clip(ME, now.id)
    film = working.film(ME, project)
    assert film is not None
    assert film.stale
    assert working.project(ME, project).head.seconds_a_frame is not None
    assert {job.kind for job in jobs} == {JobKind.RENDER, JobKind.EXPORT}


def test_the_copy_of_a_shot_has_its_clip_text_and_pictures(studio: Studio) -> None:
    project, (shot,) = new_film(studio, 1)
    draw_here(studio, project, shot)
    studio.write_refinement(ME, shot, "She turns slowly.")
    render_here(studio, shot)
    studio.add_reference(ME, project, Subject.SHOT, shot, PICTURE)
    original = shots_of(studio, project)[0]
    copy = studio.duplicate_shot(ME, shot)
    assert (copy.start_url, copy.clip_url, copy.clips) == (original.start_url, original.clip_url, 1)
    assert (copy.refined, copy.refined_by_hand, copy.clip_stale) == ("She turns slowly.", True, False)
    assert [p.url for p in copy.pictures] == [p.url for p in original.pictures]
    assert not {copy.clip_id, copy.take_id} & {original.clip_id, original.take_id}
    # Each is its own from then on, and undo takes the copy away.
    studio.write_refinement(ME, copy.id, "She waits.")
    assert shots_of(studio, project)[0].refined == "She turns slowly."
    studio.undo(ME, project)
    studio.undo(ME, project)
    assert [s.id for s in shots_of(studio, project)] == [shot]
