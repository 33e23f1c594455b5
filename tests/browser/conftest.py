"""Real Chromium against a real studio, which is a process with a home folder and a port of its own."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.studio.fake_painter import STEP_SECONDS

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM_VARIABLE = "STAGE_CHROMIUM"
SHOTS_VARIABLE = "STAGE_SHOTS"
# the headless shell is the same browser without windows, and opens a page in half the time
NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
FAKE_PAINTER = "tests.studio.fake_painter:load"
SETTLED = "() => stage.savedState() === 'saved' && !stage.state.director?.working"
START_SECONDS = 240.0
PATIENCE = 60_000  # ms; a machine that is busy with other work is slow, not wrong
STUDIO = """
import sys
from pathlib import Path
from studio.service.studio import Studio
from studio.ui.launch import build, serve
home, port, painter = sys.argv[1:4]
with Studio(Path(home), painter or None) as studio:
    serve(studio, build(studio), int(port))
"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder walks the real page."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Server:
    """A studio in its own process. `painter` names a stand-in ("module:function"); empty: the real one."""

    home: Path
    painter: str = ""
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def start(self) -> Server:
        self.home.mkdir(parents=True, exist_ok=True)
        log = (self.home.parent / f"{self.home.name}.log").open("ab")
        command = [sys.executable, "-c", STUDIO, str(self.home), str(self.port), self.painter]
        self.process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log, env={**os.environ})
        log.close()
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            assert self.process.poll() is None, f"the studio ended: {self.log()}"
            try:
                urllib.request.urlopen(self.url, timeout=30).close()
                return self
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                time.sleep(0.2)
        raise AssertionError(f"the studio did not start: {self.log()}")

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """Ends it as an operator would (SIGTERM), or as a crash does (SIGKILL)."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(how)
            self.process.wait(30)

    def log(self) -> str:
        return (self.home.parent / f"{self.home.name}.log").read_text(errors="replace")[-3000:]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests. Missing: a reason to skip on a user's machine, a failure in CI."""
    named = os.environ.get(CHROMIUM_VARIABLE)
    path = named or next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        reason = f"no Chromium found: install it (apt-get install chromium) or set {CHROMIUM_VARIABLE}"
        if os.environ.get("CI", "").lower() in ("1", "true"):
            pytest.fail(reason)
        pytest.skip(reason)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Starts studios with the real painter; all are ended after the test."""
    servers: list[Server] = []

    def start(home: Path | None = None) -> Server:
        server = Server(home or tmp_path / "home")
        servers.append(server)
        return server.start()

    yield start
    for server in servers:
        server.stop()


@pytest.fixture
def unhurried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A studio that takes its time to draw, so that jobs are seen waiting and at work."""
    monkeypatch.setenv(STEP_SECONDS, "0.25")
    server = Server(tmp_path / "home", FAKE_PAINTER).start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def shared_studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One studio with stand-in pictures for tests that only edit; each test has a browser of its own."""
    server = Server(tmp_path_factory.mktemp("shared") / "home", FAKE_PAINTER).start()
    yield server
    server.stop()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A browser of a new user."""
    made = browser.new_context(viewport={"width": 1280, "height": 800}, accept_downloads=True)
    yield made
    made.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A tab that fails the test on any error of the page's own scripts."""
    tab = context.new_page()
    errors: list[str] = []
    tab.on("pageerror", lambda error: errors.append(str(error)))
    expect.set_options(timeout=PATIENCE)
    tab.set_default_timeout(PATIENCE)
    yield tab
    assert errors == []


def open_studio(page: Page, server: Server) -> None:
    """Goes to the studio and waits until a project is on the page."""
    page.goto(server.url)
    page.wait_for_function("() => window.stage && window.stage.state.head")


def new_film(page: Page) -> None:
    """Starts an empty film, and waits until it is the one on the page."""
    before = page.evaluate("() => stage.state.head.id")
    page.click("#projects")
    page.click("#new-project")
    page.wait_for_function("(before) => stage.state.head.id !== before", arg=before)


def snapshot(page: Page, name: str) -> None:
    """Keeps a picture of the page for README, when STAGE_SHOTS names a folder."""
    folder = os.environ.get(SHOTS_VARIABLE)
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
        page.wait_for_timeout(400)
        page.screenshot(path=Path(folder) / f"{name}.png")
