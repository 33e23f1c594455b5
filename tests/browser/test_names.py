"""Whatever can be pressed or written into has a name: in every main state of the page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Error, Page, expect

from tests.browser.conftest import Server, open_studio
from tests.browser.test_reel import tone

# The name by the accessibility tree of the browser itself, of everything that somebody sees and can use.
SELECTOR = "button, input, select, textarea, a[href], summary, [tabindex], [role=button], [role=slider]"
FORGET = "() => document.querySelectorAll('[data-named]').forEach((el) => delete el.dataset.named)"
USABLE = """(selector) => [...(document.querySelector('dialog[open]') ?? document).querySelectorAll(selector)]
    .filter((el) => el.checkVisibility({ visibilityProperty: true }) && el.type !== 'hidden')
    .filter((el) => el.tabIndex >= 0 || el.matches('button, input, select, textarea'))
    .map((el, at) => { el.dataset.named = at; return el.dataset.named; })"""


def nameless(page: Page) -> list[str]:
    """What has no name, as HTML. Looked at again if something of the living page went meanwhile."""
    for _ in range(5):
        try:
            return list(_nameless(page))
        except Error as error:
            if "Could not find node" not in str(error):
                raise
    raise AssertionError("The page never stood still.")


def _nameless(page: Page) -> Iterator[str]:
    tools = page.context.new_cdp_session(page)
    tools.send("DOM.enable")
    tools.send("Accessibility.enable")
    page.evaluate(FORGET)
    assert page.evaluate(USABLE, SELECTOR), "the page is there"
    root = tools.send("DOM.getDocument", {"depth": 0})["root"]["nodeId"]
    found = tools.send("DOM.querySelectorAll", {"nodeId": root, "selector": "[data-named]"})["nodeIds"]
    for node in found:
        told = tools.send("Accessibility.getPartialAXTree", {"nodeId": node, "fetchRelatives": False})
        (seen,) = told["nodes"]
        if seen.get("ignored") or not seen.get("name", {}).get("value", "").strip():
            yield tools.send("DOM.getOuterHTML", {"nodeId": node})["outerHTML"][:200]
    tools.detach()


def check(page: Page, state: str) -> None:
    assert nameless(page) == [], state


def test_everything_that_can_be_used_has_a_name(page: Page, shared_studio: Server, tmp_path: Path) -> None:
    open_studio(page, shared_studio)  # the example film, which is drawn
    page.locator(".tl-card").nth(1).click()
    page.wait_for_function("() => stage.details()")
    check(page, "a film is open")
    page.fill("#shot-description", "The fisherman waves at a dragon")
    page.locator("#shot-description").blur()
    expect(page.locator("#stale-list")).to_be_visible()
    menus = ("#projects", "#history", "#settings", "#profile", "#jobs", "#film-button", "#stale-list")
    for button in menus:
        page.click(button)
        page.wait_for_timeout(300)  # what a menu asks for
        check(page, button)
        page.keyboard.press("Escape")
    for summary in page.locator("#studio details > summary:visible").all():
        summary.click()
    check(page, "every fold is open")
    page.locator(".tl-strip").focus()
    page.keyboard.press("Control+a")
    check(page, "several are selected")
    page.keyboard.press("Delete")
    page.click("#trash")
    check(page, "the trash")
    page.keyboard.press("Escape")
    check(page, "no shots")
    page.locator(".tl-strip").focus()
    page.keyboard.press("Control+z")
    page.wait_for_function("() => stage.state.order.length > 1")
    for view in ("cut", "clip", "animatic"):
        page.click(f"#view-{view}")
        check(page, view)
    page.set_input_files("#sound-file", tone(tmp_path / "tone.wav"))
    page.wait_for_function("() => stage.state.head.sound")
    check(page, "a sound")
    page.click("#view-pair")
    page.locator(".tl-card").first.click()
    page.keyboard.press("?")
    check(page, "the sheet of keys")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="More about take").first.click()
    check(page, "a take")
    page.keyboard.press("Escape")
    page.locator(".tl-strip").focus()
    page.keyboard.press("Enter")
    check(page, "a title is written in place")
    page.keyboard.press("Escape")
    page.click("#agents-open")
    check(page, "the models")


def test_what_has_no_name_is_found(page: Page, shared_studio: Server) -> None:
    open_studio(page, shared_studio)
    page.evaluate("""() => document.querySelector('#studio').append(
        stage.h('button', { type: 'button', id: 'mute' }), stage.h('div', { tabindex: 0, id: 'nobody' }))""")
    found = nameless(page)
    assert len(found) == 2
    assert "mute" in found[0]
