"""Nothing on the page is out of reach, whatever the width of the window and the length of the words."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Server, open_studio

REACHABLE = ("#projects", "#film-button", "#theme-switch", "#direct", "#inspector h2", "#timeline")
LONG = "The exceedingly long and winding title of a film that nobody will ever finish reading aloud " * 2
BOXES = """(selectors) => selectors.map((selector) => {
  const box = document.querySelector(selector).getBoundingClientRect();
  return [selector, Math.round(box.left), Math.round(box.right), Math.round(box.width)];
})"""


@pytest.mark.parametrize("width", [1280, 1440, 1920])
def test_the_rooms_fit_the_window(page: Page, shared_studio: Server, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    open_studio(page, shared_studio)
    page.fill("#project-title", LONG[:190])
    page.keyboard.press("Tab")
    expect(page.locator("#saved")).to_contain_text("Saved")
    assert page.evaluate("() => document.documentElement.scrollWidth") <= width
    for selector, left, right, wide in page.evaluate(BOXES, list(REACHABLE)):
        assert wide > 0, selector
        assert left >= 0, selector
        assert right <= width, selector
    page.click("#film-button")
    expect(page.locator("#export")).to_be_in_viewport()


def test_a_phone_reviews_without_scrolling_sideways(page: Page, shared_studio: Server) -> None:
    """Pictures, words, play and the timeline are at hand; nothing covers anything."""
    page.set_viewport_size({"width": 390, "height": 844})
    open_studio(page, shared_studio)
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 390
    expect(page.locator(".tl-card").first).to_be_in_viewport()
    expect(page.locator("#viewer .vw-frame img").first).to_be_in_viewport()
    page.locator(".tl-card").nth(1).click()
    expect(page.locator("#inspector h2")).to_have_text("Shot 2")
    page.wait_for_function("() => stage.details()")  # takes and memory grow when they arrive
    page.locator("#shot-description").scroll_into_view_if_needed()
    expect(page.locator("#shot-description")).to_be_in_viewport()
    above = "(a) => document.querySelector(a[0]).offsetTop < document.querySelector(a[1]).offsetTop"
    assert page.evaluate(above, ["#right", "#left"]), "the words of the shot come before the story"
    page.locator("#play").click()
    page.wait_for_function("() => stage.playhead.playing && stage.playhead.frame > 100")
    page.locator("#play").click()
    switch, film = (page.locator(name).bounding_box() for name in ("#theme-switch", "#film-button"))
    assert switch is not None
    assert film is not None
    assert switch["x"] + switch["width"] <= film["x"] + 1


def test_two_takes_are_compared_without_scrolling_sideways(page: Page, shared_studio: Server) -> None:
    open_studio(page, shared_studio)
    page.locator(".tl-card").first.click()
    page.click("#draw-this")
    page.get_by_role("button", name="Compare take 2").click()
    sheet = page.get_by_role("dialog", name="Compare two takes")
    for width in (1280, 1240, 390):
        page.set_viewport_size({"width": width, "height": 844})
        left, right = sheet.evaluate(
            "(el) => [el.getBoundingClientRect().left, el.getBoundingClientRect().right]"
        )
        assert left >= 0, width
        assert right <= width, width
        assert sheet.evaluate("(el) => el.scrollWidth <= el.clientWidth"), width
