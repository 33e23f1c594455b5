"""Two windows on one film: undo and redo take back what was done here, never what was done in the other."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import PATIENCE, Server
from tests.browser.test_page_state import direct
from tests.browser.test_timeline import becomes, fill_film, settled

TITLES = "() => stage.shots().map((shot) => shot.title)"
NOTES = "() => stage.shots().map((shot) => shot.attributes.notes)"
LAST = "() => stage.state.head.undo?.label ?? null"
ELSEWHERE = "what is left was done in another window"
STAND = "() => stage.state.head.undo?.id ?? 0"


@pytest.fixture
def here(page: Page, shared_studio: Server) -> Page:
    """A film of three shots on a page."""
    return fill_film(page, shared_studio, 3)


def beside(here: Page) -> Page:
    """Another window with the same film."""
    there = here.context.new_page()
    there.set_default_timeout(PATIENCE)
    there.goto(here.url)
    there.wait_for_function("() => window.stage && stage.state.order.length")
    return there


def edit(page: Page, shot: int, **fields: str) -> None:
    page.evaluate(
        "([shot, fields]) => stage.edit({ [stage.state.order[shot - 1]]: fields }, () => true)",
        [shot, fields],
    )
    settled(page)


def follow(here: Page, there: Page) -> None:
    """Waits until one page has heard of what was done on the other."""
    here.wait_for_function("(id) => (stage.state.head.undo?.id ?? 0) === id", arg=there.evaluate(STAND))


def test_undo_leaves_alone_what_another_window_did(here: Page) -> None:
    there = beside(here)
    edit(here, 1, title="Mine")
    edit(there, 2, notes="theirs")
    follow(here, there)
    undo, redo = here.locator("#undo"), here.locator("#redo")
    expect(undo).to_have_attribute("title", "Undo change the title of shot 1 to “Mine”")
    here.keyboard.press("Control+z")
    becomes(here, TITLES, ["", "", ""])
    assert here.evaluate(NOTES) == ["", "theirs", ""]
    expect(undo).to_have_attribute("title", f"Undo: {ELSEWHERE}")
    expect(redo).to_have_attribute("title", "Redo change the title of shot 1 to “Mine”")
    undo.click()
    expect(here.locator(".s-notice").last).to_contain_text(
        f"{ELSEWHERE}. It can be taken back in the history"
    )
    assert here.evaluate(NOTES) == ["", "theirs", ""]
    redo.click()
    becomes(here, TITLES, ["Mine", "", ""])

    # The other window takes its own back. This one does not do it again.
    there.click("#undo")
    becomes(here, NOTES, ["", "", ""])
    expect(redo).to_have_attribute("title", f"Redo: {ELSEWHERE}")
    redo.click()
    expect(here.locator(".s-notice").last).to_contain_text("Nothing of this page to redo")
    assert here.evaluate(NOTES) == ["", "", ""]


def test_an_edit_that_came_a_moment_before_ones_own_is_still_foreign(here: Page) -> None:
    """The answer to an edit brings what another window did since the last news, too."""
    there = beside(here)
    here.evaluate(  # no news by themselves: as if everything happened within a second
        "() => { const tell = stage.tell;"
        " stage.tell = (event, data) => (event === 'timeline.poll' ? Promise.resolve(true)"
        " : tell(event, data)); }"
    )
    edit(there, 2, notes="theirs")
    edit(here, 1, title="Mine")
    becomes(here, NOTES, ["", "theirs", ""])
    here.click("#undo")
    becomes(here, TITLES, ["", "", ""])
    here.click("#undo")
    expect(here.locator(".s-notice").last).to_contain_text("Nothing of this page to undo")
    assert here.evaluate(NOTES) == ["", "theirs", ""]


def test_a_question_makes_nothing_ones_own(here: Page) -> None:
    there = beside(here)
    edit(there, 2, notes="theirs")
    here.click("#history")
    expect(here.locator(".hi-list")).to_contain_text("notes of shot 2")
    here.keyboard.press("Escape")
    follow(here, there)
    here.click("#undo")
    expect(here.locator(".s-notice").last).to_contain_text("Nothing of this page to undo")
    assert here.evaluate(NOTES) == ["", "theirs", ""]


def test_several_at_once_are_all_ones_own(here: Page) -> None:
    """Keys that are pressed faster than the studio answers."""
    beside(here)
    here.evaluate("() => { for (let k = 0; k < 3; k++) stage.command.duplicate(); }")
    expect(here.locator(".tl-card")).to_have_count(6)
    for left in (5, 4, 3):
        here.keyboard.press("Control+z")
        expect(here.locator(".tl-card")).to_have_count(left)


def test_what_was_there_at_the_opening_can_be_undone_and_redone(here: Page) -> None:
    """After a reload whatever stands is the page's own, and so is what had been undone, all of it."""
    for title in ("One", "Two", "Three"):
        edit(here, 1, title=title)
    here.click("#undo")
    becomes(here, TITLES, ["Two", "", ""])
    here.click("#undo")
    becomes(here, TITLES, ["One", "", ""])
    here.reload()
    here.wait_for_function("() => window.stage && stage.state.order.length === 3")
    for title in ("Two", "Three"):
        here.click("#redo")
        becomes(here, TITLES, [title, "", ""])
    here.click("#undo")
    becomes(here, TITLES, ["Two", "", ""])


def test_what_a_director_made_is_undone_where_it_was_asked_for(here: Page) -> None:
    """It comes as news, as an edit of another window does."""
    there = beside(here)
    direct(here, 2)
    assert "direct 2 shots" in here.evaluate(LAST)
    expect(here.locator("#undo")).to_have_attribute("title", "Undo direct 2 shots")
    follow(there, here)
    expect(there.locator("#undo")).to_have_attribute("title", f"Undo: {ELSEWHERE}")
    here.click("#undo")
    becomes(here, "() => stage.state.order.length", 3)
