"""What the page costs: one changed card among 200, the first load, and tabs that nobody touches.

    python -m tests.benchmarks.bench_page [--shots 200] [--rounds 8] [--idle 20] [--json]

Prints milliseconds, bytes and ratios and never fails by time. Goals: a changed card's round trip (from the
edit in the browser until the page shows what the database holds) <= 50 ms and <= 1 KB; first load / a Gradio
hello world <= 1.3. Beside the round trip stand the ways that Gradio offers for a list of cards: `gr.render`,
and a whole list as one value. Each runs in a process of its own, is asked by the same browser, and the
fastest round counts. Bytes are those of the bodies that the browser is sent for it, of ours and of theirs.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from shutil import which

import psutil
from playwright.sync_api import Browser, Page, StorageState, sync_playwright

from studio.service.studio import Studio
from studio.store.tables import Project
from tests.browser.conftest import CHROMIUM_VARIABLE, FAKE_PAINTER, FLAGS, NAMES, Server, free_port, new_film
from tests.studio.helpers import many_shots

GOAL_TRIP, GOAL_BYTES = 50.0, 1024
CARD = "<div class='card'><b>{0}</b> An old man walks along the harbour, moment {0}. 3.0 s, draft. {1}</div>"
HELLO = """
import sys, gradio as gr
with gr.Blocks() as page:
    gr.Markdown("hello, moment 150")
    number = gr.Number(0, visible=False)
    button = gr.Button("edit", elem_id="edit")
    told = gr.Markdown("nothing yet")
    quick = {"queue": False, "show_progress": "hidden"}
    button.click(lambda n: (n + 1, f"edit {n + 1:.0f}"), number, [number, told], **quick)
"""
WHOLE = """
import sys, gradio as gr
card = {card!r}
def whole(n):
    return "".join(card.format(i, f"edit {{n}}" if i == 100 else "") for i in range({shots}))
with gr.Blocks() as page:
    number = gr.Number(0, visible=False)
    button = gr.Button("edit", elem_id="edit")
    html = gr.HTML(whole(0))
    button.click(lambda n: (n + 1, whole(n + 1)), number, [number, html], queue=False, show_progress="hidden")
"""
RENDER = """
import sys, gradio as gr
card = {card!r}
with gr.Blocks() as page:
    number = gr.Number(0, visible=False)
    button = gr.Button("edit", elem_id="edit")
    button.click(lambda n: n + 1, number, number, queue=False, show_progress="hidden")
    @gr.render(inputs=number, queue=False, show_progress="hidden")
    def cards(n):
        for i in range({shots}):
            gr.HTML(card.format(i, f"edit {{n:.0f}}" if i == 100 else ""))
"""
SERVE = "page.launch(server_port=int(sys.argv[1]), quiet=True, ssr_mode=False, footer_links=[])\n"
TRIP = """() => new Promise((done) => {
  const began = performance.now();
  const edits = { [stage.state.order[100]]: { title: `edit ${began}` } };
  stage.edit(edits, () => { done(performance.now() - began); return true; });
})"""
CLICK = """(wanted) => new Promise((done) => {
  const began = performance.now();
  const there = () => document.body.textContent.includes(wanted)
    ? done(performance.now() - began) : requestAnimationFrame(there);
  document.querySelector("#edit").click();
  there();
})"""


@dataclass(frozen=True)
class Trip:
    """One changed card: milliseconds, and bytes that the answer took on the way."""

    milliseconds: float
    bytes: int


@contextmanager
def gradio_app(source: str) -> Iterator[str]:
    """A Gradio program in a process of its own; its address."""
    port = free_port()
    command = [sys.executable, "-c", source + SERVE, str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}/"
    try:
        for _ in range(600):
            try:
                urllib.request.urlopen(url, timeout=30).close()
                break
            except (urllib.error.URLError, ConnectionError):
                time.sleep(0.2)
        yield url
    finally:
        process.terminate()
        process.wait(30)


def bytes_of(page: Page, act: Callable[[], float]) -> Trip:
    """What an act takes, and how many bytes of bodies come back meanwhile."""
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    received: list[int] = []
    session.on("Network.dataReceived", lambda event: received.append(int(event["dataLength"])))
    milliseconds = act()
    page.wait_for_timeout(50)
    session.detach()
    return Trip(milliseconds, sum(received))


def best(trips: list[Trip]) -> Trip:
    return Trip(min(trip.milliseconds for trip in trips), min(trip.bytes for trip in trips))


def our_trip(page: Page, rounds: int) -> Trip:
    return best([bytes_of(page, lambda: float(page.evaluate(TRIP))) for _ in range(rounds)])


def busy_trip(browser: Browser, home: Path, shots: int, rounds: int) -> tuple[float, float]:
    """(fastest, median) milliseconds of a changed card while the mini checkpoint draws."""
    server = Server(home).start()
    try:
        page = open_film(browser, server, shots)
        film = str(page.evaluate("() => stage.state.head.id"))
        with Studio(server.home) as studio:
            with studio.home.database.read() as session:
                owner = session.get_one(Project, film).owner
            studio.draw(owner, page.evaluate("() => stage.state.order.slice(0, 40)"), takes=4)
            while not any(job.step > 1 for job in studio.jobs(owner, film)):
                time.sleep(0.2)
            times = []
            for _ in range(rounds):
                times.append(float(page.evaluate(TRIP)))
                page.wait_for_timeout(150)
            assert any(job.active for job in studio.jobs(owner, film)), "it was idle in the end"
        page.close()
    finally:
        server.stop()
    return min(times), statistics.median(times)


def their_trip(browser: Browser, source: str, rounds: int) -> Trip:
    with gradio_app(source) as url:
        page = browser.new_page()
        page.goto(url)
        page.wait_for_selector("#edit", timeout=120_000)
        page.wait_for_function("() => document.body.textContent.includes('moment 150')", timeout=120_000)
        trips = [
            bytes_of(page, lambda n=n: float(page.evaluate(CLICK, f"edit {n}")))  # type: ignore[misc]
            for n in range(1, rounds + 1)
        ]
        page.close()
    return best(trips)


def load_time(browser: Browser, url: str, ready: str, known: StorageState | None = None) -> float:
    """Milliseconds until a browser with an empty cache shows what is asked; `known` is a former visit."""
    context = browser.new_context(storage_state=known)
    page = context.new_page()
    began = time.perf_counter()
    page.goto(url, wait_until="commit")
    page.wait_for_function(ready, timeout=120_000, polling=10)
    spent = (time.perf_counter() - began) * 1000
    context.close()
    return spent


def idle(browser: Browser, server: Server, tabs: int, seconds: float) -> tuple[float, float]:
    """Shares of one core that the studio's page process, and its drawing process, take while so many tabs
    are open and left alone.
    """
    assert server.process is not None
    contexts = [browser.new_context() for _ in range(tabs)]
    for context in contexts:
        page = context.new_page()
        page.goto(server.url)
        page.wait_for_function("() => window.stage && window.stage.state.head", timeout=120_000)
    time.sleep(3)
    serving = psutil.Process(server.process.pid)
    processes = [serving, *serving.children(recursive=True)]
    before = [spent(process) for process in processes]
    time.sleep(seconds)
    pages, *drawing = ((spent(p) - b) / seconds for p, b in zip(processes, before, strict=True))
    for context in contexts:
        context.close()
    return pages, sum(drawing)


def spent(process: psutil.Process) -> float:
    """Seconds of a core that a process took so far."""
    times = process.cpu_times()
    return float(times.user + times.system)


def open_film(browser: Browser, server: Server, shots: int) -> Page:
    """A film of so many shots on a page."""
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.goto(server.url)
    page.wait_for_function("() => window.stage && window.stage.state.head", timeout=120_000)
    new_film(page)
    project = str(page.evaluate("() => stage.state.head.id"))
    with Studio(server.home) as studio:
        with studio.home.database.read() as session:
            owner = session.get_one(Project, project).owner
        many_shots(studio, owner, project, shots)
    page.wait_for_function("(shots) => stage.state.order.length === shots", arg=shots)
    return page


def main() -> None:
    """Print the benchmark."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--shots", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--idle", type=float, default=20.0, help="seconds to watch six idle tabs")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    chromium = os.environ.get(CHROMIUM_VARIABLE) or next(filter(None, map(which, NAMES)))
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        server = Server(Path(folder) / "home", FAKE_PAINTER).start()
        try:
            page = open_film(browser, server, options.shots)
            ours = our_trip(page, options.rounds)
            known = page.context.storage_state()
            page.close()
            stands, opened = (
                [
                    load_time(browser, server.url, f"() => document.querySelector('{what}')", known)
                    for _ in range(3)
                ]
                for what in (".tl-bar h2", ".tl-card")
            )
            pages, drawing = idle(browser, server, 6, options.idle)
        finally:
            server.stop()
        busy, usual = busy_trip(browser, Path(folder) / "drawing", options.shots, 4 * options.rounds)
        filled = {"card": CARD, "shots": options.shots}
        whole = their_trip(browser, WHOLE.format(**filled), options.rounds)
        render = their_trip(browser, RENDER.format(**filled), min(3, options.rounds))
        event = their_trip(browser, HELLO, options.rounds)
        shown = "() => document.body.textContent.includes('hello,')"
        with gradio_app(HELLO) as url:
            hello = [load_time(browser, url, shown) for _ in range(3)]
        browser.close()
    figures = {
        "round trip, ms": ours.milliseconds,
        "round trip, bytes": ours.bytes,
        "round trip while it draws, ms": busy,
        "the median of those, ms": usual,
        "whole list, ms": whole.milliseconds,
        "whole list, bytes": whole.bytes,
        "gr.render, ms": render.milliseconds,
        "gr.render, bytes": render.bytes,
        "an event that does nothing, ms": event.milliseconds,
        "first load: the page, ms": min(stands),
        f"first load: a film of {options.shots} shots, ms": min(opened),
        "hello world, ms": min(hello),
        "six idle tabs: page process, part of a core": pages,
        "six idle tabs: drawing process, too": drawing,
    }
    ratios = {
        "round trip / goal": ours.milliseconds / GOAL_TRIP,
        "round trip while it draws / goal": busy / GOAL_TRIP,
        "the median of those / goal": usual / GOAL_TRIP,
        "bytes / goal": ours.bytes / GOAL_BYTES,
        "whole list / round trip": whole.milliseconds / ours.milliseconds,
        "gr.render / round trip": render.milliseconds / ours.milliseconds,
        "round trip / an event that does nothing": ours.milliseconds / event.milliseconds,
        "first load: the page / hello world (goal 1.3)": min(stands) / min(hello),
        "first load: the film / hello world": min(opened) / min(hello),
    }
    if options.json:
        print(json.dumps({"figures": figures, "ratios": ratios}, indent=2))
        return
    for title, table in (("figures", figures), ("ratios", ratios)):
        print(title)
        for what, value in table.items():
            print(f"  {what:<48}{value:10.2f}")


if __name__ == "__main__":
    main()
