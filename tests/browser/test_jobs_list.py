"""The list of jobs says what it leaves out."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from studio.service.studio import Studio
from studio.store.tables import Job, Project
from tests.browser.conftest import Server, new_film, open_studio


def test_finished_jobs_that_are_not_shown_are_told(page: Page, shared_studio: Server) -> None:
    open_studio(page, shared_studio)
    new_film(page)
    film = str(page.evaluate("() => stage.state.head.id"))
    with Studio(shared_studio.home) as studio, studio.home.database.write() as session:
        owner = session.get_one(Project, film).owner
        for number in range(1, 26):
            about = {"state": "done", "sequence": number, "title": f"Job {number}", "order": {}}
            when = {"created": 1000 * number, "finished": 1000 * number}
            session.add(Job(owner=owner, project_id=film, profile="none", **about, **when))
    page.reload()
    page.wait_for_function("() => window.stage?.state.jobs.size === 20")
    page.click("#jobs")
    rows, told = page.locator(".hd-job"), page.get_by_text("the last 20 finished jobs")
    expect(rows).to_have_count(12)
    expect(told).to_be_hidden()
    page.get_by_role("button", name="Show 8 more").click()
    expect(rows).to_have_count(20)
    expect(rows.last).to_contain_text("Job 6")
    expect(told).to_be_visible()
    expect(page.get_by_role("button", name="more")).to_be_hidden()


def test_trying_again_says_its_price_before_it_is_paid(page: Page, shared_studio: Server) -> None:
    open_studio(page, shared_studio)
    new_film(page)
    film = str(page.evaluate("() => stage.state.head.id"))
    with Studio(shared_studio.home) as studio, studio.home.database.write() as session:
        owner = session.get_one(Project, film).owner
        for number, (kind, renderer) in enumerate((("export", "animatic"), ("render", "fal-veo-3.1")), 1):
            shot = {"clip": {"renderer": renderer, "frames": 96, "rate": "24"}, "ready": None}
            order = {"shots": [shot]} if kind == "export" else {"shot": shot}
            about = {"kind": kind, "state": "failed", "sequence": number, "title": f"A job by {renderer}"}
            row = Job(owner=owner, project_id=film, profile="none", order=order, **about)
            row.created = row.finished = 1000 * number
            session.add(row)
    page.reload()
    page.wait_for_function("() => window.stage?.state.jobs.size === 2")
    page.click("#jobs")
    again = page.locator(".hd-job [data-act=again]")
    expect(again.filter(has_text="$")).to_have_count(1)
    expect(page.get_by_role("button", name="Try again, about $0.80: A job by fal-veo-3.1")).to_be_visible()
    expect(page.get_by_role("button", name="Try again: A job by animatic")).to_be_visible()
