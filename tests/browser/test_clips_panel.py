"""The clips panel: a text R is saved when it was read back; nothing is rendered before its price is said."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Server, new_film, open_studio

HELD_BACK = """() => {
  const tell = stage.tell;
  window.letGo = null;
  stage.tell = async (event, data) => {
    if (event.endsWith(".price")) await new Promise((go) => { window.letGo = go; });
    return tell(event, data);
  };
}"""
JOBS = "() => [...stage.state.jobs.values()].filter((job) => job.kind === 'render').length"


@pytest.fixture
def drawn(page: Page, unhurried: Server) -> Page:
    """A film of one shot that is drawn."""
    open_studio(page, unhurried)
    new_film(page)
    page.click("#insert-shot")
    expect(page.locator(".tl-card")).to_have_count(1)
    page.click("#draw-all")
    page.wait_for_function("() => stage.shots().every((shot) => shot.status === 'drawn')")
    return page


def test_an_emptied_text_is_saved_when_it_is_gone(drawn: Page, unhurried: Server) -> None:
    drawn.locator(".tl-card").focus()
    drawn.keyboard.press("Shift+R")
    words = drawn.locator("#refined")
    mark = drawn.locator(".s-field", has=words).locator(".s-mark")
    drawn.fill("#refined", "The boat sinks.")
    words.blur()
    expect(mark).to_contain_text("saved")
    with closing(sqlite3.connect(unhurried.home / "studio.db")) as other:
        other.execute("BEGIN IMMEDIATE")
        drawn.fill("#refined", "")
        words.blur()
        expect(drawn.locator(".s-notice[data-kind=error]")).to_contain_text("holds the database")
        expect(mark).to_have_text("not saved")
    expect(words).to_have_value("The boat sinks.")
    drawn.fill("#refined", "")
    words.blur()
    drawn.wait_for_function("() => !stage.shot().refined_by_hand")
    expect(mark).to_contain_text("saved")
    expect(words).to_have_value("")


def test_nothing_is_rendered_before_its_price_is_said(drawn: Page) -> None:
    drawn.evaluate(HELD_BACK)
    drawn.locator(".tl-card").focus()
    drawn.keyboard.press("Shift+R")
    drawn.wait_for_function("() => window.letGo")
    expect(drawn.locator("#render-this")).to_be_disabled()
    drawn.keyboard.press("Shift+R")
    expect(drawn.locator(".s-notice").last).to_contain_text("What it costs is being asked")
    assert drawn.evaluate(JOBS) == 0
    drawn.evaluate("() => window.letGo()")
    expect(drawn.locator("#clip-quote")).to_contain_text("1 clip")
    drawn.keyboard.press("Shift+R")
    drawn.wait_for_function(f"() => ({JOBS})() === 1")


def test_no_film_is_ordered_before_its_price_is_said(drawn: Page) -> None:
    drawn.evaluate(HELD_BACK)
    drawn.click("#film-button")
    drawn.wait_for_function("() => window.letGo")
    expect(drawn.locator("#export")).to_be_disabled()
    drawn.evaluate("() => window.letGo()")
    expect(drawn.locator("#render-quote")).to_contain_text("To render")
    expect(drawn.locator("#export")).to_be_enabled()
