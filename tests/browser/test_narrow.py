"""Narrow and low windows: popovers stay on the screen, the header never lies over itself, nothing jumps."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Server, open_studio

PHONE = {"width": 390, "height": 844}
POPOVERS = {
    "#projects": ".hd-projects",
    "#film-button": ".fi-pop",
    "#jobs": ".hd-joblist",
    "#stale-list": ".sl-pop",
    "#draw-fold > summary": ".dr-advanced",
}
TABLET = {"#history": ".hi-pop", "#settings": ".se-pop", "#profile": ".pf-pop"}
OVERLAPS = """() => {
  const all = [...document.querySelectorAll('#top :is(button, a, input)')]
    .filter((el) => !el.closest('.s-pop, dialog') && el.checkVisibility({ visibilityProperty: true }))
    .map((el) => [el.id, el.getBoundingClientRect()]).filter(([, box]) => box.width);
  const outside = all.filter(([, box]) => box.left < 0 || box.right > innerWidth + 0.5);
  const pairs = all.flatMap((one, i) => all.slice(i + 1).map((two) => [one, two]));
  const over = pairs.filter(([[, a], [, b]]) => a.left < b.right - 0.5 && b.left < a.right - 0.5);
  return [...outside, ...over].map(String);
}"""
PLAY = "() => document.querySelector('#play').getBoundingClientRect().top"


@pytest.fixture
def stale(page: Page, shared_studio: Server) -> Page:
    """The example film with a second shot that says in many words that it is stale."""
    open_studio(page, shared_studio)
    page.locator(".tl-card").nth(1).click()
    page.fill("#shot-description", "The fisherman waves at the child, far away on the pier, while it rains")
    page.select_option("#shot-scale", "close-up")
    page.select_option("#shot-movement", "zoom in")
    page.select_option("#shot-angle", "low angle")
    page.fill("#shot-weather", "snow")
    page.locator("#shot-weather").blur()
    page.wait_for_function(
        "() => stage.savedState() === 'saved' && stage.shot().staleness.reasons.length >= 4"
    )
    return page


@pytest.mark.parametrize(
    ("width", "height", "popovers"), [(390, 844, POPOVERS), (820, 1100, {**POPOVERS, **TABLET})]
)
def test_popovers_stay_on_the_screen(stale: Page, width: int, height: int, popovers: dict[str, str]) -> None:
    stale.set_viewport_size({"width": width, "height": height})
    for button, name in popovers.items():
        stale.click(button)
        panel = stale.locator(name)
        expect(panel).to_be_visible()
        panel.scroll_into_view_if_needed()
        box = panel.bounding_box()
        assert box is not None
        assert box["x"] >= 0, name
        assert box["x"] + box["width"] <= width, name
        if name != ".dr-advanced":  # that one is a part of the page here, and scrolls with it
            assert box["y"] >= 0, name
            assert box["y"] + box["height"] <= height, name
        stale.keyboard.press("Escape")


def test_the_header_never_lies_over_itself(stale: Page) -> None:
    for width in (390, 820, 1024, 1100, 1280, 1440):
        stale.set_viewport_size({"width": width, "height": 800})
        expect(stale.locator("#stale-list")).to_be_visible()
        assert "stale" in str(stale.locator("#stale-list").get_attribute("aria-label"))
        assert stale.evaluate(OVERLAPS) == [], width
        assert stale.evaluate("() => document.documentElement.scrollWidth") <= width


def test_the_header_of_a_phone_stays_while_the_page_scrolls(stale: Page) -> None:
    stale.set_viewport_size(PHONE)
    stale.locator("#theme").scroll_into_view_if_needed()
    assert stale.evaluate("() => scrollY") > 300
    expect(stale.locator("#film-button")).to_be_in_viewport()
    stale.evaluate("() => scrollTo(0, 0)")
    top = stale.locator("#top").bounding_box()
    assert top is not None
    assert top["y"] == 0, "nothing of Gradio's own stands above it"


def test_an_edit_is_undone_on_a_phone(stale: Page) -> None:
    """One picks, keeps and trims there, so one also takes it back; the list of all edits has no room."""
    stale.set_viewport_size(PHONE)
    assert stale.evaluate(OVERLAPS) == []
    stale.click("#undo")
    stale.wait_for_function("() => stage.shot().attributes.weather !== 'snow'")
    expect(stale.locator("#redo")).to_be_hidden()


def test_what_is_stale_takes_little_room(stale: Page) -> None:
    bar = stale.locator("#viewer .vw-stale")
    reasons = stale.evaluate("() => stage.shot().staleness.reasons.join('; ')")
    expect(bar.locator("span")).to_have_attribute("title", f"Stale: {reasons}.")
    for width, height, most in ((390, 844, 120), (820, 1100, 56), (1280, 720, 56)):
        stale.set_viewport_size({"width": width, "height": height})
        box = bar.bounding_box()
        assert box is not None
        assert box["height"] <= most, width
        for button in bar.locator("button").all():
            inner = button.bounding_box()
            assert inner is not None
            assert inner["x"] + inner["width"] <= box["x"] + box["width"] + 0.5


def test_the_play_button_stays_under_the_hand(stale: Page) -> None:
    """Over fresh and stale shots; what is stale is said again when the film stands still."""
    stale.click("#view-animatic")
    places = {stale.evaluate(PLAY)}
    for shot in range(3):
        stale.locator(".tl-card").nth(shot).click()
        stale.wait_for_function("(n) => stage.state.cursor === stage.state.order[n]", arg=shot)
        expect(stale.locator("#viewer .vw-stale")).to_be_hidden()
        places.add(stale.evaluate(PLAY))
    assert len(places) == 1
    stale.click("#view-pair")
    places = set()
    for shot in range(3):
        stale.locator(".tl-card").nth(shot).click()
        stale.wait_for_function("() => stage.details()")
        places.add(stale.evaluate(PLAY))
    assert len(places) == 1
    stale.locator(".tl-card").nth(1).click()
    expect(stale.locator("#viewer .vw-stale")).to_be_visible()


def test_the_recipe_opens_where_it_is_seen(stale: Page) -> None:
    """At 720 pixels the timeline lies below it: it opens upward."""
    stale.set_viewport_size({"width": 1280, "height": 720})
    stale.click("#draw-fold > summary")
    box, timeline = (stale.locator(name).bounding_box() for name in (".dr-advanced", "#timeline"))
    assert box is not None
    assert timeline is not None
    assert box["y"] >= 0
    assert box["y"] + box["height"] <= timeline["y"]


def test_a_card_shows_whole_pictures_when_it_is_large(stale: Page) -> None:
    stale.click("#zoom-in")
    shape = stale.locator(".tl-frame").first.evaluate("(el) => el.clientWidth / el.clientHeight")
    assert shape < 2.2
    before = stale.locator("#timeline").bounding_box()
    stale.click("#zoom-out")
    after = stale.locator("#timeline").bounding_box()
    assert before is not None
    assert after is not None
    assert before["height"] > after["height"]
