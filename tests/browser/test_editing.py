"""Editing on the page: keys, selection, order, undo, text that looks like code. Pictures are stand-ins."""

from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Server, new_film, open_studio

THEME = "A girl waits in a snowy forest until her father comes"
ORDER = "() => stage.shots().map((shot) => shot.description)"
NASTY = (
    '<img src=x onerror="window.owned = 1"><script>window.owned = 2</script> '
    "${window.owned = 3} {{owned}} \\ 'x'"
)


@pytest.fixture
def film(page: Page, shared_studio: Server) -> Page:
    """A directed film of four shots."""
    open_studio(page, shared_studio)
    new_film(page)
    page.fill("#theme", THEME)
    page.fill("#shot-count", "4")
    page.click("#direct")
    expect(page.locator(".tl-card")).to_have_count(4)
    page.wait_for_function("() => stage.savedState() === 'saved' && !stage.state.director?.working")
    page.locator(".tl-card").nth(0).click()
    return page


def settled(page: Page) -> None:
    """Waits until every edit was read back."""
    page.wait_for_function("() => stage.savedState() === 'saved'")


def test_undo_takes_back_what_is_still_on_its_way(film: Page) -> None:
    """A length that rests for a moment before it is sent, words in a field, a delete not yet answered."""
    lengths = "() => stage.shots().map((shot) => shot.attributes.length)"
    first, newest = film.evaluate(lengths), film.evaluate("() => stage.state.head.undo.id")
    undone = "(newest) => stage.state.head.undo?.id === newest && stage.state.head.redo?.label.includes"
    film.keyboard.press("]")
    assert film.evaluate("() => stage.state.head.undo.id") == newest, "nothing was sent yet"
    film.keyboard.press("Control+z")
    film.wait_for_function(f"{undone}('length')", arg=newest)
    assert film.evaluate(lengths) == first
    film.keyboard.press("Delete")
    film.keyboard.press("Control+z")
    film.wait_for_function(f"{undone}('delete')", arg=newest)
    expect(film.locator(".tl-card")).to_have_count(4)
    film.keyboard.press("e")
    film.keyboard.type("Nobody waits. ")
    film.evaluate("() => stage.command.undo()")  # in the field itself the keys are the browser's
    film.wait_for_function(f"{undone}('description')", arg=newest)


def test_everything_by_keyboard(film: Page) -> None:
    first = film.evaluate(ORDER)
    film.keyboard.press("ArrowRight")
    film.keyboard.press("Shift+ArrowRight")
    assert film.evaluate("() => stage.state.selection.length") == 2
    film.keyboard.press("End")
    film.keyboard.press("Alt+ArrowLeft")
    settled(film)
    assert film.evaluate(ORDER) == [first[0], first[1], first[3], first[2]]
    film.keyboard.press("Control+z")
    film.wait_for_function(
        "(want) => JSON.stringify(stage.shots().map((s) => s.description)) === want", arg=dumps(first)
    )
    film.keyboard.press("Control+Shift+Z")
    film.wait_for_function(
        "(old) => JSON.stringify(stage.shots().map((s) => s.description)) !== old", arg=dumps(first)
    )

    film.keyboard.press("Home")
    film.keyboard.press("n")
    expect(film.locator(".tl-card")).to_have_count(5)
    expect(film.locator(".tl-card.cursor")).to_have_attribute("aria-label", starts("Shot 2"))
    film.keyboard.press("e")
    film.keyboard.type("Nobody is there. n d r")  # typing must not be taken for commands
    film.keyboard.press("Escape")
    settled(film)
    expect(film.locator(".tl-card")).to_have_count(5)
    assert film.evaluate("() => stage.shots()[1].description") == "Nobody is there. n d r"

    for _ in range(3):  # held down: one duplicate all the same
        film.keyboard.down("d")
    film.keyboard.up("d")
    expect(film.locator(".tl-card")).to_have_count(6)
    settled(film)
    expect(film.locator(".tl-card")).to_have_count(6)
    film.keyboard.press("Delete")
    expect(film.locator(".tl-card")).to_have_count(5)
    expect(film.get_by_role("button", name="Trash 1", exact=False)).to_be_visible()

    film.keyboard.press("r")
    expect(film.locator(".tl-card.cursor .tl-badge")).to_have_text("drawn", timeout=60_000)
    film.keyboard.press("p")
    expect(film.locator("#pin-end")).to_have_attribute("aria-pressed", "true")
    film.keyboard.press("?")
    expect(film.get_by_role("dialog", name="Keyboard")).to_be_visible()
    film.keyboard.press("Escape")
    expect(film.get_by_role("dialog", name="Keyboard")).to_have_count(0)


def test_words_go_to_the_shot_that_was_just_asked_for(film: Page) -> None:
    """N and at once E: the field opens when the new shot is there, and keys meanwhile command nothing."""
    film.keyboard.press("Home")
    film.evaluate(  # in one task: however slow the machine is, no answer comes between two of them
        "() => ['n', 'e', 'd'].forEach((key) => (document.activeElement ?? document.body)"
        ".dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true })))"
    )
    expect(film.locator("#shot-description")).to_be_focused()
    film.keyboard.type("Nobody is there.")
    film.keyboard.press("Escape")
    settled(film)
    expect(film.locator(".tl-card")).to_have_count(5)
    assert film.evaluate("() => stage.shots()[1].description") == "Nobody is there."


def test_drag_reorders(film: Page) -> None:
    first = film.evaluate(ORDER)
    start = film.locator(".tl-card").nth(0).bounding_box()
    end = film.locator(".tl-card").nth(2).bounding_box()
    assert start is not None
    assert end is not None
    film.mouse.move(start["x"] + 40, start["y"] + 60)
    film.mouse.down()
    film.mouse.move(start["x"] + 80, start["y"] + 60)
    film.mouse.move(end["x"] + end["width"] - 20, end["y"] + 60, steps=8)
    film.mouse.up()
    settled(film)
    moved = [first[1], first[2], first[0], first[3]]
    assert film.evaluate(ORDER) == moved
    film.reload()
    film.wait_for_function("() => window.stage && stage.state.order.length === 4")
    assert film.evaluate(ORDER) == moved


def test_user_text_is_never_executed(film: Page) -> None:
    film.fill("#project-title", NASTY)
    film.fill("#shot-description", NASTY)
    film.fill("#shot-dialogue", NASTY)
    film.fill("#theme", NASTY)
    film.fill("#new-cast", NASTY[:80])
    film.keyboard.press("Enter")
    film.locator("#theme").blur()
    settled(film)
    film.reload()
    film.wait_for_function("() => window.stage && stage.state.order.length === 4")
    film.keyboard.press(" ")
    film.wait_for_function("() => stage.playhead.frame > 3")
    film.click("#projects")
    assert film.evaluate("() => window.owned") is None
    assert film.locator("#studio script, #studio img[src='x'], dialog script").count() == 0
    expect(film.locator("#project-title")).to_have_value(NASTY)
    expect(film.locator("#shot-description")).to_have_value(NASTY)
    expect(film.locator(".tl-card .tl-title").first).to_have_text(NASTY)
    expect(film.locator(".hd-project strong").first).to_have_text(NASTY)
    expect(film.locator(".vw-subtitle")).to_have_text(NASTY)


def test_saved_means_read_back(film: Page) -> None:
    """While the studio does not answer, the page never says saved; afterwards the edit is there."""
    film.context.set_offline(True)
    film.fill("#shot-notes", "keep this")
    film.locator("#shot-notes").blur()
    expect(film.locator("#saved")).to_have_attribute("data-kind", "saving")
    expect(film.locator("#saved")).to_contain_text("Not saved yet")
    film.context.set_offline(False)
    film.reload()
    film.wait_for_function("() => window.stage && stage.state.order.length === 4")
    film.locator(".tl-card").nth(0).click()
    expect(film.locator("#shot-notes")).to_have_value("keep this")


def test_another_browser_sees_nothing(film: Page) -> None:
    """Films belong to the browser that made them, and pictures need the key in their address."""
    film.keyboard.press("r")
    expect(film.locator(".tl-card.cursor .tl-badge")).to_have_text("drawn", timeout=60_000)
    url = str(film.evaluate("() => stage.shot().start_url"))
    address = film.url.split("/?")[0]
    assert film.request.get(address + url).status == 200
    assert film.request.get(address + url.split("?")[0] + "?k=00").status == 404
    browser = film.context.browser
    assert browser is not None
    other = browser.new_context()
    tab = other.new_page()
    tab.goto(film.url)
    tab.wait_for_function("() => window.stage && window.stage.state.head", timeout=30_000)
    assert tab.evaluate("() => stage.state.head.id") != film.evaluate("() => stage.state.head.id")
    other.close()


def dumps(value: object) -> str:
    """As JSON.stringify writes it."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def starts(text: str) -> re.Pattern[str]:
    return re.compile("^" + re.escape(text))
