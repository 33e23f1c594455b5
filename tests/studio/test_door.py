"""The page's one server function: anybody may send anything, and gets a letter that says what is wrong."""

from __future__ import annotations

import json
from typing import Any

import pytest
from gradio.blocks import Blocks
from gradio.components import HTML

from engine.errors import BadInput
from studio.service.drawing import MAX_TAKES
from studio.service.studio import Studio
from studio.ui.desk import BROKEN, UNREADABLE, Desk, Event, News, ShotEvent, owner_of
from studio.ui.page import build
from studio.ui.panels.draw import draw
from tests.studio.helpers import new_film

KEY = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def desk(studio: Studio) -> Desk:
    """A desk with a panel of three events: one that answers, one that is silent, one that breaks."""
    with Blocks():
        panel = HTML(elem_id="panel")
    desk = Desk(studio)

    def answer(owner: str, event: Event) -> News:
        return {"told": {"owner": owner}}

    def breaks(owner: str, event: ShotEvent) -> News:
        raise RuntimeError("nobody foresaw this")

    desk.on(panel, "answer", Event, answer)
    desk.on(panel, "silent", Event, lambda owner, event: None)
    desk.on(panel, "breaks", ShotEvent, breaks)
    desk.on(panel, "insert", ShotEvent, lambda owner, event: studio.insert_shot(owner, event.shot) and None)
    return desk


def told(desk: Desk, sent: Any) -> dict[str, Any]:
    letter: dict[str, Any] = json.loads(desk.door(sent))
    return letter


@pytest.mark.parametrize(
    "sent",
    [
        None,
        5,
        "answer",
        [],
        {},
        {"event": "panel.nothing", "key": KEY},
        {"event": ["panel.answer"], "key": KEY},
    ],
)
def test_what_is_no_event_is_answered(desk: Desk, sent: Any) -> None:
    assert told(desk, sent)["notice"] == {"text": UNREADABLE, "kind": "error"}


@pytest.mark.parametrize("event", ["panel.gone", ["panel"]])
def test_an_event_of_another_version_is_answered_by_its_number(desk: Desk, event: Any) -> None:
    """Or a page that kept it would send it at every opening."""
    assert told(desk, {"event": event, "key": KEY, "data": {"ack": 9}})["ack"] == 9


@pytest.mark.parametrize("key", [None, "", "short", "../../../../../../../../etc/passwd"])
def test_nobody_is_answered_without_a_key(desk: Desk, key: str | None) -> None:
    news = told(desk, {"event": "panel.answer", "key": key, "data": {}})
    assert "told" not in news
    assert "no key" in news["notice"]["text"]


def test_an_answer_is_of_the_owner_and_of_the_number(desk: Desk) -> None:
    news = told(desk, {"event": "panel.answer", "key": KEY, "data": {"ack": 7}})
    assert (news["ack"], news["told"]) == (7, {"owner": owner_of(KEY)})


def test_letters_are_numbered_as_they_are_sent(desk: Desk) -> None:
    numbers = [told(desk, {"event": "panel.answer", "key": KEY, "data": {}})["n"] for _ in range(3)]
    assert numbers == sorted(set(numbers))


def test_no_news_is_no_letter(desk: Desk) -> None:
    assert desk.door({"event": "panel.silent", "key": KEY, "data": {}}) == ""


def test_what_cannot_be_read_is_answered_by_its_number(desk: Desk) -> None:
    """Or the page would send it again for ever."""
    news = told(desk, {"event": "panel.breaks", "key": KEY, "data": {"ack": 3, "shot": {}}})
    assert (news["ack"], news["notice"]["text"]) == (3, UNREADABLE)


def test_what_nobody_foresaw_is_one_sentence(desk: Desk) -> None:
    news = told(desk, {"event": "panel.breaks", "key": KEY, "data": {"ack": 4, "shot": "x"}})
    assert (news["ack"], news["notice"]["text"]) == (4, BROKEN)


def test_the_page_draws_as_many_takes_at_once_as_the_api(studio: Studio) -> None:
    with Blocks():
        desk = Desk(studio)
        draw(desk)
    owner = owner_of(KEY)
    project, (shot,) = new_film(studio, 1, owner)
    sent = {"project": project, "shots": [shot], "takes": MAX_TAKES}
    told(desk, {"event": "draw.selected", "key": KEY, "data": sent})
    (job,) = studio.jobs(owner, project)
    assert job.title == f"Draw shot 1 ({MAX_TAKES} takes)"
    with pytest.raises(BadInput, match=f"Draw 1 to {MAX_TAKES} takes"):
        studio.draw(owner, [shot], takes=MAX_TAKES + 1)


def test_what_the_page_is_sent_is_plain_data(studio: Studio) -> None:
    """Gradio takes quoted words of a script for events, and copied the studio with every page for one."""
    sent = build(studio).get_config_file()
    assert {"html", "column"} < {component["type"] for component in sent["components"]}
    json.dumps(sent)


def test_an_answer_names_the_edits_that_it_made(desk: Desk) -> None:
    project = desk.studio.create_project(owner_of(KEY), "A film").head.id
    made = [
        told(desk, {"event": "panel.insert", "key": KEY, "data": {"shot": project, "project": project}})[
            "made"
        ]
        for _ in range(2)
    ]
    steps = [step.id for step in desk.studio.steps(owner_of(KEY), project)]
    assert made == [[one] for one in steps[-2:]]
    assert "made" not in told(desk, {"event": "panel.answer", "key": KEY, "data": {}})
