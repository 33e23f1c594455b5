"""The judge of a film: what it says stays with the pictures that it saw, and is not paid twice."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from engine.errors import BadInput
from engine.metrics.vlm_judge import Score
from studio.project.film import load_film
from studio.project.judging import ABANDONED, begin_judging
from studio.service.agent_views import JudgingView
from studio.service.studio import Studio
from studio.store.errors import NotFound
from studio.store.tables import Project
from tests.engine.agents.fake_server import Answer, Fail, FakeServer, Hang, Json, Say, form_of
from tests.studio.helpers import ME, YOU, draw_all_here, draw_here, new_film, shots_of


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("STAGE_LLM_URL", "STAGE_LLM_MODEL", "STAGE_LOCAL_LLM", "SPACE_ID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("STAGE_LLM_KEY", "sk-very-secret-4711")


def choose(studio: Studio, project: str, server: FakeServer, **roles: str) -> None:
    studio.choose_agents(ME, project, url=server.url, model="fake", **roles)


def cut(request: Json) -> Answer:
    if form_of(request) == "CutForm":
        return Say({"evidence": "It jumps.", "score": 0.25, "errors": ["The coat was red and is blue."]})
    return Say({"evidence": "Fine.", "score": 0.75})


def test_the_judge_s_notes_stay_with_the_pictures_that_it_saw(studio: Studio) -> None:
    project, ids = new_film(studio, 3)
    draw_all_here(studio, project)
    with FakeServer(then=cut) as server:
        choose(studio, project, server, judge="server")
        verdicts = list(studio.judge(ME, project))
    assert [v.score for v in verdicts].count(Score.STS) == 2
    notes = [shot.verdict for shot in shots_of(studio, project)]
    assert notes[2] is None
    assert notes[0] is not None
    assert (notes[0].score, notes[0].errors) == (0.25, ("The coat was red and is blue.",))
    draw_here(studio, project, ids[2], seed=9)
    notes = [shot.verdict for shot in shots_of(studio, project)]
    assert notes[0] is not None
    assert notes[1] is None  # the picture after this cut is another one now


def test_what_the_judge_says_of_the_film_stays_with_it(studio: Studio) -> None:
    project, ids = new_film(studio, 3)
    draw_all_here(studio, project)
    assert studio.project(ME, project).head.judging is None
    with FakeServer(then=cut) as server:
        choose(studio, project, server, judge="server")
        studio.start_judging(ME, project)
        said = judged(studio, project)
    assert (said.asked, said.answered, said.notes, said.changed, said.trouble) == (7, 7, 2, 0, "")
    assert {score.value: mean for score, mean in said.scores.items()} == {
        "OVQ": 0.75,
        "VTC": 0.75,
        "ISC": 0.75,
        "STS": 0.25,
    }
    with Studio(studio.home.root) as again:
        assert again.project(ME, project).head.judging == said
    draw_here(studio, project, ids[2], seed=9)
    assert judged(studio, project).changed == 1
    copy = studio.duplicate_project(ME, project).head
    assert copy.judging is not None
    assert copy.judging.scores == said.scores


def test_a_page_hears_that_a_judge_is_gone(studio: Studio) -> None:
    """The studio was killed while he judged: who had it open is told when it is back."""
    project, _ = new_film(studio, 1)
    with studio.home.database.write() as session:
        begin_judging(session, load_film(session, session.get_one(Project, project)), "a judge")
    seen = studio.project(ME, project)
    assert seen.head.judging is not None
    assert seen.head.judging.working
    with Studio(studio.home.root) as again:
        head = again.changes(ME, project, since=seen.revision).head
    assert head is not None
    assert head.judging is not None
    assert head.judging.trouble == ABANDONED


def test_a_judge_who_fails_keeps_what_he_said_and_why(studio: Studio) -> None:
    """And what was answered is not asked, and paid, again."""
    project, ids = new_film(studio, 2)
    draw_all_here(studio, project)
    good: Answer = Say({"evidence": "Fine.", "score": 0.75})
    with FakeServer([good, good], then=lambda _: Fail(401, "no such key")) as server:
        choose(studio, project, server, judge="server")
        studio.start_judging(ME, project)
        said = judged(studio, project)
        assert said.answered == 2
        assert "key" in said.trouble
        studio.edit_shot(ME, ids[0], description="Other words.")  # what was said of its card is no answer now
        server.then, asked = cut, len(server.requests)
        studio.start_judging(ME, project)
        said = judged(studio, project)
        assert (said.asked, said.answered, said.trouble) == (5, 5, "")
        assert len(server.requests) - asked == 4, "of two answers one still holds: the pictures alone"
        studio.start_judging(ME, project)
        assert judged(studio, project).answered == 5
        assert len(server.requests) - asked == 9, "a judging that came to its end is done anew"


def test_one_judge_at_a_time_and_he_can_be_stopped(studio: Studio) -> None:
    project, _ = new_film(studio, 2)
    draw_all_here(studio, project)
    with FakeServer(then=lambda _: Hang(60.0)) as server:
        choose(studio, project, server, judge="server")
        studio.start_judging(ME, project)
        wait_until(lambda: bool(server.texts))
        with pytest.raises(BadInput, match="already"):
            studio.start_judging(ME, project)
        with Studio(studio.home.root) as other:  # as after a crash: nobody works on it here
            left = other.project(ME, project).head.judging
        assert left is not None
        assert not left.working
        assert "closed before" in left.trouble
        studio.stop_judging(ME, project)
        wait_until(lambda: "closed before" not in judged(studio, project).trouble)
        assert "stopped" in judged(studio, project).trouble.casefold()


def judged(studio: Studio, project: str) -> JudgingView:
    """The newest judging, once it is over."""

    def said() -> JudgingView | None:
        return studio.project(ME, project).head.judging

    wait_until(lambda: (view := said()) is not None and not view.working)
    view = said()
    assert view is not None
    return view


def wait_until(there: Callable[[], bool], seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not there():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.02)


def test_who_cannot_judge(studio: Studio) -> None:
    project, _ = new_film(studio, 1)
    with pytest.raises(BadInput, match="has no picture yet"):
        list(studio.judge(ME, project))
    draw_all_here(studio, project)
    with pytest.raises(BadInput, match="Nobody judges yet"):
        list(studio.judge(ME, project))
    with pytest.raises(NotFound):
        list(studio.judge(YOU, project))


# ------------------------------------------------------------------------------------------------ the refiner
