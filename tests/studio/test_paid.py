"""On a hosted studio visitors cannot spend the owner's money, by whatever door they come."""

from __future__ import annotations

import pytest

from engine.errors import UnsupportedError
from studio.service.studio import Studio
from studio.service.views import JobState
from studio.store.tables import Job, Take
from tests.studio.helpers import ME, draw_all_here, new_film

TOLD = "on this hosted studio its owner would pay.*STAGE_PUBLIC_PAID=1"


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Space whose owner has set the keys of all paid services."""
    monkeypatch.setenv("SPACE_ID", "somebody/stage")
    monkeypatch.delenv("STAGE_PUBLIC_PAID", raising=False)
    for name in ("GEMINI_API_KEY", "FAL_KEY", "STAGE_IMAGE_API_KEY"):
        monkeypatch.setenv(name, "k" * 20)


def test_no_visitor_renders_with_a_paid_service(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    renderer = "fal-veo-3.1"
    project, ids = new_film(studio, 2)
    draw_all_here(studio, project)
    studio.edit_project(ME, project, renderer=renderer)
    with pytest.raises(UnsupportedError, match=TOLD):
        studio.render(ME, ids)
    with pytest.raises(UnsupportedError, match=TOLD):
        studio.export(ME, project)
    (shown,) = (view for view in studio.renderers() if view.name == renderer)
    assert "its owner would pay" in shown.hindrance
    assert studio.refine(ME, ids[0]).active, "the text is not the service's"
    studio.every_job(ME, project, "cancel")

    # What was allowed, and stopped, is not allowed any more.
    monkeypatch.setenv("STAGE_PUBLIC_PAID", "1")
    jobs = [*studio.render(ME, ids[:1]), studio.export(ME, project)]
    monkeypatch.delenv("STAGE_PUBLIC_PAID")
    for job in jobs:
        studio.cancel(ME, job.id)
        with pytest.raises(UnsupportedError, match=TOLD):
            studio.retry(ME, job.id)
    studio.edit_project(ME, project, renderer="animatic")
    assert studio.render(ME, ids[:1])[0].state is JobState.QUEUED


def test_no_visitor_draws_with_a_paid_service(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    project, ids = new_film(studio, 1)
    (free,) = studio.draw(ME, ids)
    studio.cancel(ME, free.id)
    studio.edit_project(ME, project, profile="hosted-edit")
    with pytest.raises(UnsupportedError, match=TOLD):
        studio.draw(ME, ids)
    with pytest.raises(UnsupportedError, match=TOLD):
        studio.retry(ME, free.id)  # it would be drawn by what the film draws with now
    (shown,) = (view for view in studio.profiles(ME, project) if view.family == "hosted-edit")
    assert not shown.runs
    assert "its owner would pay" in shown.reason
    monkeypatch.setenv("STAGE_PUBLIC_PAID", "1")
    assert studio.draw(ME, ids)[0].state is JobState.QUEUED


def test_no_visitor_repeats_a_paid_take(studio: Studio) -> None:
    project, (shot,) = new_film(studio, 1)
    draw_all_here(studio, project)
    (take,) = studio.takes(ME, shot)
    with studio.home.database.write() as session:
        row = session.get_one(Take, take.id)
        row.recipe = {**row.recipe, "profile": "hosted-edit"}
    with pytest.raises(UnsupportedError, match=TOLD):
        studio.draw_again(ME, take.id)


def test_trying_again_says_what_it_costs(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the renderer that the job was queued with, whatever the film renders with now."""
    monkeypatch.delenv("SPACE_ID")
    project, ids = new_film(studio, 2)
    draw_all_here(studio, project)
    studio.edit_project(ME, project, renderer="fal-veo-3.1")
    quoted = [studio.render_quote(ME, project, [shot]).dollars for shot in ids]
    jobs = [*studio.render(ME, ids), studio.export(ME, project), studio.refine(ME, ids[0])]
    assert studio.prices_again(ME, project) == {}
    studio.edit_project(ME, project, renderer="animatic")
    for job in jobs:
        studio.cancel(ME, job.id)
    (free,) = studio.render(ME, ids[:1])
    studio.cancel(ME, free.id)
    again = studio.prices_again(ME, project)
    assert min(quoted) > 0
    paid = dict(zip((job.id for job in jobs[:3]), [*quoted, sum(quoted)], strict=True))
    assert again == pytest.approx(paid)
    with studio.home.database.write() as session:  # as if the renderer of the first were of a later version
        job = session.get_one(Job, jobs[0].id)
        shot = {**job.order["shot"], "clip": {**job.order["shot"]["clip"], "renderer": "fal-of-tomorrow"}}
        job.order = {**job.order, "shot": shot}
    assert studio.prices_again(ME, project) == pytest.approx({job: paid[job] for job in list(paid)[1:]})


def test_trying_to_draw_again_says_that_it_is_paid(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the profile that the film has by then: that one draws."""
    monkeypatch.delenv("SPACE_ID")
    project, ids = new_film(studio, 1)
    (job,) = studio.draw(ME, ids)
    studio.cancel(ME, job.id)
    assert studio.prices_again(ME, project) == {}
    studio.edit_project(ME, project, profile="hosted-edit")
    assert studio.prices_again(ME, project) == {job.id: None}


def test_at_home_everybody_is_the_owner(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SPACE_ID")
    project, _ = new_film(studio, 1)
    said = [view.hindrance for view in studio.renderers()]
    said += [view.reason for view in studio.profiles(ME, project)]
    assert not any("would pay" in sentence for sentence in said)
