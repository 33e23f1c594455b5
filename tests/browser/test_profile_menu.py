"""The menu of profiles: what runs here and why not, chosen by mouse and keyboard, undone like any edit."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.browser.conftest import Server, new_film, open_studio, snapshot


def test_a_filmmaker_chooses_what_draws(page: Page, shared_studio: Server) -> None:
    open_studio(page, shared_studio)
    new_film(page)
    button = page.locator("#profile")
    expect(button).to_have_attribute("aria-label", re.compile(r"^Profile: Mini \(CPU\) · 256×128$"))
    button.click()
    menu = page.get_by_role("dialog", name="Profile")
    families = menu.locator(".pf-family")
    expect(families).to_have_count(5)
    mini = menu.get_by_role("button", name=re.compile("^Mini"))
    expect(mini).to_have_attribute("aria-pressed", "true")
    expect(mini).to_contain_text("Runs here, on the processor")
    expect(menu.get_by_role("button", name=re.compile("^Qwen-Image 1664"))).to_contain_text("no STEP² LoRA")
    edit = menu.get_by_role("button", name=re.compile("^Qwen-Image-Edit"))
    expect(edit).to_contain_text(re.compile(r"Not here\. It needs a GPU|Runs here"))
    hosted = menu.get_by_role("button", name=re.compile("^Hosted image editing"))
    expect(hosted).to_contain_text(re.compile(r"STAGE_IMAGE_API_KEY is not set|API_KEY is set"))
    snapshot(page, "profiles")

    edit.focus()
    page.keyboard.press("Enter")
    expect(button).to_have_attribute("aria-label", re.compile("Qwen-Image-Edit 2509"))
    expect(edit).to_have_attribute("aria-pressed", "true")
    variant = menu.get_by_role("combobox", name="Variant of Qwen-Image-Edit 2509")
    variant.select_option("qwen-image-edit+8step+nf4")
    expect(button).to_have_attribute("aria-label", re.compile("8 steps · 4-bit weights · 1664×928"))
    assert page.evaluate("() => Object.keys(stage.state.vocabulary).length") == 0, "it reads any words"
    every = menu.get_by_label("Memory may hold frames that other profiles drew")
    every.check()
    page.wait_for_function("() => stage.state.head.all_profiles")
    page.keyboard.press("Escape")
    expect(menu).to_be_hidden()
    page.keyboard.press("Control+z")
    page.wait_for_function("() => !stage.state.head.all_profiles")
    page.keyboard.press("Control+z")
    expect(button).to_have_attribute("aria-label", re.compile("Qwen-Image-Edit 2509 · 1664×928"))
    page.keyboard.press("Control+z")
    expect(button).to_have_attribute("aria-label", re.compile(r"Mini \(CPU\)"))
    page.wait_for_function("() => Object.keys(stage.state.vocabulary).length > 0")
