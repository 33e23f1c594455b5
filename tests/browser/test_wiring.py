"""Buttons, keys and signs that no other story passes by: each is used, and what it does is seen."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.browser.conftest import Server, new_film, open_studio
from tests.browser.test_timeline import becomes, fill_film

SHOTS = 6  # a cut stands out among four others
REASONS = "() => stage.shots().map((shot) => shot.staleness.reasons.join('; '))"
MARKS = "() => stage.shots()[0].frames_marked"


def test_every_sign_and_button_does_its_work(page: Page, shared_studio: Server) -> None:
    fill_film(page, shared_studio, SHOTS)
    draw_each_from_the_one_before(page)
    see_the_cut_that_stands_out(page)
    change_the_view_by_keys(page)
    keep_one_frame_of_the_pair(page)
    protect_a_take_from_purging(page)
    ban_a_frame_and_allow_it_again(page)
    remember_all_shots_or_earlier_ones(page)
    keep_a_clip_that_is_stale(page)


def test_a_film_has_the_shape_that_was_chosen(page: Page, shared_studio: Server) -> None:
    open_studio(page, shared_studio)
    new_film(page)
    page.click("#insert-shot")
    page.click("#settings")
    expect(page.locator("#setting-aspect")).to_be_hidden()  # mini has one
    page.keyboard.press("Escape")
    page.click("#profile")
    page.get_by_role("button", name=re.compile("^Qwen-Image-Edit")).click()
    page.keyboard.press("Escape")
    page.click("#settings")
    page.select_option("#setting-aspect", "1:1")
    becomes(
        page, "() => [stage.state.head.aspect, stage.state.head.width - stage.state.head.height]", ["1:1", 0]
    )
    page.keyboard.press("Escape")
    screen = page.locator("#viewer .vw-frame .vw-screen").first
    width, height = screen.evaluate("(el) => [el.offsetWidth, el.offsetHeight]")
    assert abs(width - height) <= 1
    page.click("#undo")
    becomes(page, "() => stage.state.head.aspect", "")


def select(page: Page, number: int) -> None:
    page.locator(".tl-card").nth(number - 1).click()
    expect(page.locator("#inspector h2")).to_have_text(f"Shot {number}")
    page.wait_for_function("() => stage.details()")


def draw(page: Page, given: str, seed: int) -> None:
    """Draws the selected shots with a given frame; the seed makes the flat colours the same in every run."""
    takes = page.evaluate("() => stage.shot().takes")
    page.select_option("#draw-given", given)
    page.fill("#draw-seed", str(seed))
    page.click("#draw-this")
    page.wait_for_function("(takes) => stage.details()?.takes.length === takes + 1", arg=takes)
    page.wait_for_function("() => stage.activeJobs().length === 0")


def draw_each_from_the_one_before(page: Page) -> None:
    page.evaluate("() => stage.edit(Object.fromEntries(stage.state.order.map((id) => [id, { length: 12 }])))")
    page.wait_for_function("() => stage.shots().every((shot) => shot.attributes.length === 12)")
    page.locator("#draw-fold summary").click()
    select(page, 1)
    draw(page, "", 7)
    select(page, 2)
    page.locator(".tl-card").nth(SHOTS - 1).click(modifiers=["Shift"])
    draw(page, "previous", 7)
    becomes(page, REASONS, [""] * SHOTS)


def see_the_cut_that_stands_out(page: Page) -> None:
    """Five cuts without a change, until the last shot begins with another picture."""
    page.wait_for_function("() => stage.shots().slice(0, -1).every((shot) => shot.cut)")
    expect(page.locator(".tl-cut:visible")).to_have_count(0)
    select(page, SHOTS)
    draw(page, "", 7)
    sign = page.locator(".tl-card").nth(SHOTS - 2).locator(".tl-cut")
    expect(sign).to_be_visible()
    expect(sign).to_have_attribute("title", re.compile(f"^The cut to shot {SHOTS} stands out: "))
    expect(page.locator(".tl-cut:visible")).to_have_count(1)
    select(page, SHOTS - 1)
    page.keyboard.press("2")
    expect(page.locator(".vw-odd")).to_contain_text("Stands out: ")
    select(page, 1)
    expect(page.locator("#cut-figures")).to_be_visible()
    expect(page.locator(".vw-odd")).to_have_count(0)


def change_the_view_by_keys(page: Page) -> None:
    for key, view in (("3", "clip"), ("1", "pair"), ("2", "cut"), ("1", "pair")):
        page.keyboard.press(key)
        expect(page.locator(f"#view-{view}")).to_have_attribute("aria-selected", "true")
    page.keyboard.press("c")
    expect(page.locator(".s-notice").last).to_contain_text("There is only one take")
    select(page, SHOTS)
    page.keyboard.press("c")
    expect(page.get_by_role("dialog", name="Compare two takes")).to_be_visible()
    page.keyboard.press("Escape")


def keep_one_frame_of_the_pair(page: Page) -> None:
    frames = "() => [stage.shot().start_url, stage.shot().end_url]"
    start, end = page.evaluate(frames)
    draw(page, "start", 8)
    kept, other = page.evaluate(frames)
    assert kept == start
    assert other != end
    draw(page, "end", 9)
    new, kept = page.evaluate(frames)
    assert kept == other
    assert new != start


def protect_a_take_from_purging(page: Page) -> None:
    page.get_by_role("button", name="More about take 1").click()
    lock, asked = page.locator("#take-lock"), page.locator(".tk-purge")
    lock.click()
    expect(lock).to_have_text("Allow purging")
    page.click("#take-purge")
    expect(asked).to_contain_text("protected")
    expect(page.locator("#take-purge-now")).to_have_count(0)
    expect(page.locator(".tk-lock:visible")).to_have_count(1)
    lock.click()
    expect(lock).to_have_text("Protect from purge")
    page.click("#take-purge")
    expect(page.locator("#take-purge-now")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator(".tk-lock:visible")).to_have_count(0)


def ban_a_frame_and_allow_it_again(page: Page) -> None:
    """By the shot's own button, in another shot's pack, from the list of marks; the badge says why."""
    select(page, 1)
    ban, badge = page.locator("#ban-end"), page.locator(".tl-card").nth(1).locator(".tl-badge")
    expect(badge).to_have_attribute("title", "drawn")
    ban.click()
    expect(ban).to_have_attribute("aria-pressed", "true")
    becomes(page, MARKS, {"end": False})
    expect(badge).to_have_attribute("title", re.compile("^(stale|may drift): .*frame 1E was banned"))
    ban.click()
    becomes(page, MARKS, {})
    expect(badge).to_have_attribute("title", "drawn")
    select(page, 2)
    page.get_by_role("button", name="Ban the end of shot 1", exact=True).click()
    becomes(page, MARKS, {"end": False})
    page.get_by_role("button", name="Allow the end of shot 1 again", exact=True).click()
    becomes(page, MARKS, {})
    page.get_by_role("button", name="Ban the end of shot 1", exact=True).click()
    page.get_by_role("button", name="Allow again end of shot 1", exact=True).click()
    becomes(page, MARKS, {})


def remember_all_shots_or_earlier_ones(page: Page) -> None:
    select(page, 1)
    table, empty = page.locator("#memory .me-table"), page.locator("#memory .s-empty")
    expect(empty).to_have_text("The first shot has nothing to remember.")
    page.locator("input[name=memory-scope][value=all]").check()
    becomes(page, "() => stage.state.head.memory_scope", "all")
    page.click("#compare-frames")
    expect(table).to_contain_text("later")
    page.locator("input[name=memory-scope][value=earlier]").check()
    becomes(page, "() => stage.state.head.memory_scope", "earlier")
    expect(table).to_be_hidden()
    expect(empty).to_have_text("The first shot has nothing to remember.")


def keep_a_clip_that_is_stale(page: Page) -> None:
    page.keyboard.press("3")
    page.click("#render-this")
    page.wait_for_function("() => stage.shot().clip_url && !stage.shot().clip_job")
    keep, sign = page.locator("#keep-clip"), page.locator(".tl-card").first.locator(".tl-clip")
    expect(keep).to_be_hidden()
    page.fill("#refined", "The boat sinks.")
    page.locator("#refined").blur()
    expect(sign).to_have_attribute("data-kind", "stale")
    keep.click()
    becomes(page, "() => stage.shot().clip_staleness.freshness", "kept")
    expect(keep).to_be_hidden()
    expect(sign).to_have_attribute("data-kind", "drawn")
    expect(page.locator(".cl-why")).to_have_text("kept, though the text R changed")
