"""Text that looks like code, in what is written beside the shots: versions, clips, takes, places, files."""

from __future__ import annotations

import zipfile
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser.conftest import SETTLED, Server, new_film, open_studio
from tests.browser.test_inspector import NASTY
from tests.studio.helpers import picture

NASTY_FILE = "<img src=x onerror=window.owned=1>${window.owned=2}{{owned}}"


def test_text_is_never_run_beside_the_shots(page: Page, shared_studio: Server, tmp_path: Path) -> None:
    open_studio(page, shared_studio)
    new_film(page)
    page.fill("#theme", f"A girl waits in a snowy forest. {NASTY}")
    page.fill("#shot-count", "2")
    page.click("#direct")
    page.wait_for_function("() => stage.state.order.length === 2")
    page.wait_for_function(SETTLED)
    name_the_version(page)
    page.locator(".tl-card").first.click()
    draw_note_and_refine(page)
    rewrite(page)
    keep_a_place_with_a_picture(page, tmp_path)
    open_a_film_of_such_a_name(page, tmp_path)
    assert page.evaluate("() => window.owned") is None
    assert page.locator("img[src='x']").count() == 0


def name_the_version(page: Page) -> None:
    page.click("#versions")
    page.locator(".ve-label").first.fill(NASTY)
    page.locator(".ve-label").first.blur()
    page.wait_for_function(SETTLED)
    page.keyboard.press("Escape")
    page.click("#versions")
    expect(page.locator(".ve-label").first).to_have_value(NASTY)
    page.keyboard.press("Escape")
    page.click("#history")
    expect(page.locator(".hi-step").first).to_contain_text("Name version 1")
    page.keyboard.press("Escape")


def draw_note_and_refine(page: Page) -> None:
    page.click("#draw-this")
    page.wait_for_function("() => stage.shot().status === 'drawn'")
    page.get_by_role("button", name="More about take 1").click()
    page.fill("#take-note", NASTY)
    page.locator("#take-note").blur()
    page.wait_for_function(SETTLED)
    page.keyboard.press("Escape")
    expect(page.locator(".tk-said").first).to_have_text(NASTY)
    page.locator(".tl-card").first.focus()
    page.keyboard.press("Shift+R")
    page.fill("#refined", NASTY)
    page.locator("#refined").blur()
    page.wait_for_function("(text) => stage.shot().refined === text", arg=NASTY)
    expect(page.locator("#refined")).to_have_value(NASTY)
    page.click("#view-pair")


def rewrite(page: Page) -> None:
    page.click("#rewrite-open")
    page.fill("#rewrite-note", f"{NASTY}; she waves")
    page.click("#rewrite")
    expect(page.locator(".rw-diff")).to_be_visible()
    assert page.locator(".rw-diff img, .rw-diff b").count() == 0


def keep_a_place_with_a_picture(page: Page, folder: Path) -> None:
    card = page.locator(".pe-card[data-place]").first
    name = card.locator(".pe-name")
    name.fill(NASTY)
    name.blur()
    page.wait_for_function(SETTLED)
    file = folder / f"{NASTY_FILE}.png"
    file.write_bytes(picture("maroon"))
    card.locator("input[type=file]").set_input_files(file)
    expect(card.get_by_alt_text(f"Picture of {NASTY}")).to_be_visible()


def open_a_film_of_such_a_name(page: Page, folder: Path) -> None:
    """What is no film is refused by its name, and the name is only shown."""
    file = folder / f"{NASTY_FILE}.zip"
    with zipfile.ZipFile(file, "w") as bundle:
        bundle.writestr(f"{NASTY_FILE}.json", "{}")
    page.click("#projects")
    page.locator("#film-file").set_input_files(file)
    expect(page.locator(".s-notice[data-kind=error]").last).to_be_visible()
    page.keyboard.press("Escape")
