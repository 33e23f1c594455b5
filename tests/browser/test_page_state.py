"""What the page remembers, and what it must forget: another film, another version, work that ends."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import pytest
from playwright.sync_api import Page, expect

from studio.service.studio import Studio
from studio.store.tables import Job, Project
from tests.browser.conftest import SETTLED, Server, new_film, open_studio
from tests.browser.test_timeline import fill_film

THEME = "A girl with a red coat waits in a snowy forest until her father comes"
DRAWN = "() => stage.shots().length && stage.shots().every((shot) => shot.status === 'drawn')"


def direct(page: Page, shots: int) -> None:
    before = page.evaluate("() => stage.state.head.version")
    page.fill("#theme", THEME)
    page.fill("#shot-count", str(shots))
    page.click("#direct")
    page.wait_for_function("(before) => stage.state.head.version !== before", arg=before)
    page.wait_for_function(SETTLED)


def test_a_new_film_starts_with_nothing_of_the_one_before(page: Page, shared_studio: Server) -> None:
    open_studio(page, shared_studio)
    page.fill("#director-seed", "7")
    page.fill("#film-seconds", "20")
    page.fill("#shot-count", "9")
    page.click("#view-animatic")
    page.evaluate("() => stage.player.seek(stage.player.total() - 1)")
    page.evaluate("() => { document.querySelector('#left').scrollTop = 400; }")
    new_film(page)
    expect(page.locator("#theme")).to_be_focused()
    expect(page.locator("#timecode")).to_have_text("00:00:00:00")
    expect(page.locator("#director-seed")).to_have_value("0")
    expect(page.locator("#film-seconds")).to_have_value("")
    expect(page.locator("#shot-count")).to_have_value("5")
    assert page.evaluate("() => document.querySelector('#left').scrollTop") == 0


def test_the_playhead_never_stands_where_the_film_is_no_more(page: Page, shared_studio: Server) -> None:
    open_studio(page, shared_studio)
    page.evaluate("() => { stage.playhead.on = true; stage.player.seek(stage.player.total() - 1); }")
    page.wait_for_function("() => stage.state.cursor === stage.state.order.at(-1)")
    page.keyboard.press("Delete")
    page.wait_for_function("() => stage.state.order.length === 4")
    assert page.evaluate("() => stage.playhead.frame <= stage.player.total() - 1")
    assert page.evaluate("() => stage.state.shots.has(stage.playhead.shot)")
    direct(page, 2)
    expect(page.locator("#timecode")).to_have_text("00:00:00:00")
    assert page.evaluate("() => stage.playhead.on") is False


def test_a_deleted_shot_is_told_and_brought_back(page: Page, shared_studio: Server) -> None:
    """The way back is the undo of that command, also after another edit; nothing in the bar moves."""
    open_studio(page, shared_studio)
    order = page.evaluate("() => stage.state.order")
    place = page.locator("#insert-shot").bounding_box()
    page.locator(".tl-card").nth(2).click()
    page.keyboard.press("Delete")
    notice = page.locator(".s-notice", has_text="Shot 3 is in the trash.")
    expect(notice).to_be_visible()
    expect(page.locator("#trash")).to_be_visible()
    assert page.locator("#insert-shot").bounding_box() == place
    page.evaluate("() => stage.edit({ [stage.state.order[0]]: { title: 'Later' } }, () => true)")
    page.wait_for_function("() => stage.shots()[0].title === 'Later'")
    notice.get_by_role("button", name="Bring it back").click()
    page.wait_for_function("(order) => stage.state.order.join() === order.join()", arg=order)
    assert page.evaluate("() => stage.shots()[0].title") == "Later"
    expect(page.locator("#trash")).to_be_hidden()


def test_shots_that_are_back_are_not_told_to_be_gone(page: Page, shared_studio: Server) -> None:
    open_studio(page, shared_studio)
    page.locator(".tl-card").nth(2).click()
    page.keyboard.press("Delete")
    notice = page.locator(".s-notice", has_text="Shot 3 is in the trash.")
    expect(notice).to_be_visible()
    page.evaluate("() => stage.command.undo()")
    page.wait_for_function("() => stage.state.order.length === 5")
    assert notice.count() == 0


def test_who_is_brought_back_stands_where_they_stood(page: Page, shared_studio: Server) -> None:
    open_studio(page, shared_studio)
    names = "() => [...document.querySelectorAll('.pe-card[data-cast] .pe-name')].map((el) => el.value)"
    before = page.evaluate(names)
    assert len(before) > 1
    page.locator(".pe-card[data-cast]").first.get_by_role("button", name="Take off the cast list").click()
    expect(page.locator(".pe-card[data-cast]")).to_have_count(len(before) - 1)
    page.click("#undo")
    expect(page.locator(".pe-card[data-cast]")).to_have_count(len(before))
    assert page.evaluate(names) == before


def test_work_is_seen_and_the_list_of_thoughts_stays(page: Page, unhurried: Server) -> None:
    open_studio(page, unhurried)
    new_film(page)
    direct(page, 3)
    page.evaluate("() => { window.thoughts = [...document.querySelectorAll('.st-stages li')]; }")
    assert page.evaluate("() => window.thoughts.length") >= 3
    expect(page.locator("#draw-all")).to_have_text("Draw all 3")
    page.click("#versions")
    page.locator("label:has(> input[name=takes][value='2'])").click()
    page.evaluate("() => { document.querySelector('#draw-fold').open = true; }")
    page.fill("#draw-seed", "7.5")
    page.click("#draw-all")
    expect(page.locator(".s-notice[data-kind=error]")).to_contain_text("The seed is a whole number.")
    page.fill("#draw-seed", "7")
    page.click("#draw-all")
    page.wait_for_function("() => document.querySelector('.vw-bar:not([hidden])')", polling=20)
    page.wait_for_function(
        "() => /^Draw shot \\d.* · \\d+ % · \\+\\d$/.test(document.querySelector('.hd-words').textContent)",
        polling=20,
    )
    page.wait_for_function(DRAWN)
    assert page.evaluate("() => stage.shots().map((shot) => shot.takes)") == [2, 2, 2]
    page.wait_for_function("() => stage.details()?.takes?.length === 2")
    assert page.evaluate("() => stage.details().takes.map((take) => take.lineage.seed).sort()") == [7, 8]
    page.click("#draw-reset")
    same = "() => [...document.querySelectorAll('.st-stages li')].every((el, i) => el === thoughts[i])"
    assert page.evaluate(same)
    expect(page.locator(".ve-row")).to_contain_text("3 drawn")
    # Each button has its own time: one shot, and two that are stale.
    page.evaluate(
        "() => stage.edit(Object.fromEntries(stage.state.order.slice(0, 2)"
        ".map((id) => [id, { description: 'The girl waves.' }])), () => true)"
    )
    expect(page.locator("#draw-all")).to_contain_text("Draw the rest: ")
    page.locator("label:has(> input[name=takes][value='1'])").click()
    page.wait_for_function("() => stage.details()?.estimate")
    times = [page.locator(f"{name} .dr-time").inner_text() for name in ("#draw-this", "#draw-all")]
    alone, rest = (float(time.strip(" ·s")) for time in times)
    count = page.evaluate("() => stage.state.head.stale_shots.length")
    assert rest == pytest.approx(alone * count, abs=count)


def test_what_can_be_tried_again_stays_in_reach(page: Page, shared_studio: Server) -> None:
    """A cancelled job stands before a dozen that were done after it; not where it was begun again."""
    open_studio(page, shared_studio)
    new_film(page)
    film = str(page.evaluate("() => stage.state.head.id"))
    with Studio(shared_studio.home) as studio, studio.home.database.write() as session:
        told = {
            "owner": session.get_one(Project, film).owner,
            "project_id": film,
            "profile": "none",
            "order": {},
        }
        states = [("cancelled", "draw"), ("failed", "export"), *[("done", "export")] * 12]
        for number, (state, kind) in enumerate(states, start=1):
            about = {"state": state, "kind": kind, "sequence": number, "title": f"Job {number}"}
            session.add(Job(**told, **about, created=1000 * number, finished=1000 * number))
    page.reload()
    page.wait_for_function("() => window.stage?.state.jobs.size === 14")
    page.click("#jobs")
    rows = page.locator(".hd-job")
    expect(rows).to_have_count(12)
    expect(rows.first).to_contain_text("Job 1")
    expect(rows.get_by_role("button", name="Try again")).to_have_count(1)
    expect(rows.nth(1)).to_contain_text("Job 14")


def test_what_is_paused_says_so(page: Page, unhurried: Server) -> None:
    open_studio(page, unhurried)
    new_film(page)
    for count in (1, 2):
        page.click("#insert-shot")
        expect(page.locator(".tl-card")).to_have_count(count)
    page.click("#jobs")
    page.evaluate("() => document.querySelector('#draw-all').click()")  # a press outside would close the jobs
    expect(page.locator("#draw-all")).to_have_text("2 in the queue")
    page.get_by_role("button", name="Pause all").click()
    page.wait_for_function(
        "() => stage.activeJobs().length === 2 && stage.activeJobs().every((job) => job.state === 'paused')"
    )
    expect(page.locator("#draw-all")).to_have_text("2 paused")
    expect(page.locator(".tl-badge")).to_have_text(["paused", "paused"])
    expect(page.locator(".vw-frame").first).to_contain_text("Paused")


def test_nothing_counts_steps_yet(page: Page, shared_studio: Server) -> None:
    """While the painter is loaded, the page says so instead of 0 %."""
    open_studio(page, shared_studio)
    said = page.evaluate(
        "() => [stage.say.progress({ progress: 0, message: 'loading the painter' }),"
        " stage.say.progress({ progress: 0, message: '' }), stage.say.progress({ progress: 0.5 })]"
    )
    assert said == ["loading the painter", "starting", "50 %"]
    bar = (
        "() => { const bar = stage.h('div.s-bar', {}, stage.h('div')); stage.bar(bar, 0);"
        " const first = bar.hasAttribute('data-unknown'); stage.bar(bar, 0.5);"
        " return [first, bar.hasAttribute('data-unknown'), bar.firstChild.style.width]; }"
    )
    assert page.evaluate(bar) == [True, False, "50%"]


def test_a_film_that_is_ready_is_told(page: Page, shared_studio: Server) -> None:
    """While its popover is closed; the notice opens it, and goes where it was opened without. Then nothing
    is left to join.
    """
    open_studio(page, shared_studio)
    page.click("#film-button")
    make_film(page, 6)
    notice = page.locator(".s-notice", has_text="The film is ready.")
    expect(notice).to_be_visible(timeout=240_000)
    notice.get_by_role("button", name="Show it").click()
    expect(page.locator("#film-video")).to_be_visible()
    page.wait_for_function("() => stage.state.told.filmQuote?.shots === 0")
    expect(page.locator("#render-quote")).to_have_text("")
    make_film(page, 7)
    expect(notice).to_be_visible(timeout=240_000)
    page.evaluate("() => document.querySelector('#film-button').click()")
    assert notice.count() == 0


def make_film(page: Page, length: int) -> None:
    """Renders all shots anew, so many frames each, and closes the drawer meanwhile."""
    page.evaluate(
        "(length) => stage.edit(Object.fromEntries(stage.state.order.map("
        "(id) => [id, { dialogue: '', length }])), () => true)",
        length,
    )
    page.wait_for_function(
        "(length) => stage.shots().every((shot) => shot.attributes.length === length)", arg=length
    )
    expect(page.locator("#subtitles-srt")).to_be_hidden()
    page.click("#export")
    page.wait_for_function("() => stage.activeJobs().some((job) => job.kind === 'export')", polling=20)
    page.keyboard.press("Escape")


def test_words_that_cannot_be_drawn_are_one_line(page: Page, shared_studio: Server) -> None:
    open_studio(page, shared_studio)
    new_film(page)
    page.fill("#theme", "A lighthouse keeper and her dog wait for a ship until the lamp breaks")
    page.click("#direct")
    page.wait_for_function("() => stage.state.order.length && !stage.state.director?.working")
    expect(page.locator(".pe-warnings li").first).to_contain_text("Mini (CPU) cannot draw: ")
    expect(page.locator(".pe-warnings li", has_text="cannot draw")).to_have_count(1)


def test_what_is_shown_in_signs_is_said_in_words(page: Page, shared_studio: Server) -> None:
    """Tiles of the memory, and the buttons that looked alike or were cut."""
    open_studio(page, shared_studio)
    page.locator(".tl-card").nth(1).click()
    expect(page.locator(".me-tile").first).to_have_attribute("title", re.compile(r"of shot 1 · \d+ %$"))
    expect(page.locator(".me-table tbody th").first).to_have_attribute("title", re.compile("of shot 1$"))
    icon = "(id) => document.querySelector(`${id} path`).getAttribute('d')"
    for one, other in (("#projects", "#film-button"), ("#agents-open", ".st-who .s-tool")):
        assert page.evaluate(icon, one) != page.evaluate(icon, other)
    expect(page.locator("#film-button")).to_have_text("Export")
    expect(page.locator("#settings")).to_contain_text("Settings")
    title = page.locator("#project-title")
    assert title.evaluate("(el) => el.scrollWidth <= el.clientWidth"), "there is room for the whole title"


def test_storage_that_is_full_or_damaged_stops_nothing(page: Page, shared_studio: Server) -> None:
    """What the browser remembers only for comfort: zoom, theme, and how one draws."""
    open_studio(page, shared_studio)
    page.evaluate("""() => {
        localStorage.setItem('stage-draw', '{"seed": "7", damaged');
        localStorage.setItem('stage-zoom', 'length');
    }""")
    page.reload()
    page.wait_for_function("() => window.stage && stage.state.head")
    expect(page.locator("#draw-this")).to_be_visible()
    expect(page.locator("#draw-seed")).to_have_value("")
    page.evaluate("""() => {
        for (let size = 2 ** 20; size; size = Math.floor(size / 2)) {
            try {
                for (let i = 0; ; i++) localStorage.setItem(`fill-${size}-${i}`, 'x'.repeat(size));
            } catch {}
        }
    }""")
    dark = "() => document.body.classList.contains('dark')"
    before = page.evaluate(dark)
    page.click("#theme-switch")
    assert page.evaluate(dark) != before
    width = page.evaluate("() => document.querySelector('.tl-scroll').dataset.scale")
    for _ in range(3):
        page.click("#zoom-out")
    assert page.evaluate("() => document.querySelector('.tl-scroll').dataset.scale") != width
    page.locator("#draw-fold summary").click()
    page.fill("#draw-steps", "4")
    expect(page.locator("#draw-reset")).to_be_enabled()


def test_an_edit_of_another_day_says_which(page: Page, shared_studio: Server) -> None:
    fill_film(page, shared_studio, 1)
    page.fill("#shot-notes", "today")
    page.locator("#shot-notes").blur()
    page.wait_for_function("() => stage.savedState() === 'saved'")
    page.click("#history")
    time = page.locator(".hi-step small").first
    expect(time).to_have_text(re.compile(r"^\d\d:\d\d$"))
    page.keyboard.press("Escape")
    page.clock.set_system_time(datetime.now() + timedelta(days=2))
    page.click("#history")
    expect(time).to_have_text(re.compile(r"[A-Z][a-z]{2}.*\d\d:\d\d$"))
