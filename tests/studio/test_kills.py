"""SIGKILL at random moments, to the page or to the drawing process, while edits and drawings go on.

Nothing that was said to be saved is lost: no acknowledged edit and no finished frame; the database is whole,
and no stored file is half written. Ten kills here; `make soak` makes it two hundred (STAGE_KILLS).
"""

from __future__ import annotations

import hashlib
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest

from studio.service.studio import Studio
from studio.store.tables import now
from tests.studio.fake_painter import STEP_SECONDS
from tests.studio.helpers import ME, PAINTER, blob_files, new_film, wait_until

KILLS = int(os.environ.get("STAGE_KILLS", "10"))
ROOT = Path(__file__).resolve().parents[2]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(120 + 20 * KILLS),
    pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL"),
]
# Edits as fast as they are answered, and drawings all the while; each answer is told on stdout.
PAGE = """
import itertools, sys
from pathlib import Path
from studio.service.studio import Studio
home, painter, project, first = sys.argv[1:5]
with Studio(Path(home), painter) as studio:
    studio.start_worker()
    ids = [shot.id for shot in studio.project("anon-me", project).shots]
    print("open", flush=True)
    for number in itertools.count(int(first)):
        shot = ids[number % len(ids)]
        studio.edit_shot("anon-me", shot, notes=str(number))
        print(shot, number, flush=True)
        if number % 5 == 0:
            studio.draw("anon-me", [shot], takes=1 + number % 2)
"""


PLAN = (("page", "any"), ("worker", "any"), ("page", "draws"), ("worker", "draws"))
"""Who is killed, and when: at any moment (a worker lives by then), or while a shot is being drawn."""
PATIENCE = 90.0  # seconds for a worker to start, or to draw


@dataclass
class Page:
    """The page's process, and what it said was saved: the newest number of each shot."""

    began: int
    process: subprocess.Popen[str]
    told: dict[str, int] = field(default_factory=dict)
    open: threading.Event = field(default_factory=threading.Event)
    reader: threading.Thread | None = None

    def listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            shot, _, number = line.strip().partition(" ")
            if number:
                self.told[shot] = int(number)
            self.open.set()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        assert self.reader is not None
        self.reader.join(20)
        assert self.process.stdout is not None
        self.process.stdout.close()


def start(home: Path, project: str, first: int) -> Page:
    command = [sys.executable, "-c", PAGE, str(home), PAINTER, project, str(first)]
    page = Page(now(), subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True))
    page.reader = threading.Thread(target=page.listen, daemon=True)
    page.reader.start()
    assert page.open.wait(90), "the page did not start"
    return page


@contextmanager
def database(home: Path) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(f"file:{home / 'studio.db'}?mode=ro", uri=True, timeout=30)
    yield connection
    connection.close()


def worker_of(home: Path, page: Page, dead: set[str], *, drawing: bool) -> tuple[str, int] | None:
    """The id and the process of the worker that this page started, once its heart beats, or it draws."""
    busy = (
        "AND id IN (SELECT lease_owner FROM job WHERE state = 'running' AND kind = 'draw')" if drawing else ""
    )
    with database(home) as connection:
        rows = connection.execute(f"SELECT id, pid FROM worker WHERE created >= ? {busy}", [page.began])
        return next(((str(id), int(pid)) for id, pid in rows if id not in dead), None)


def lives(home: Path, page: Page, dead: set[str], *, drawing: bool) -> bool:
    return worker_of(home, page, dead, drawing=drawing) is not None


def kill_worker(home: Path, page: Page, dead: set[str], *, drawing: bool) -> None:
    """Kills the page's worker: returns once a kill was delivered to one that lived."""

    def killed() -> bool:
        found = worker_of(home, page, dead, drawing=drawing)
        if found is None:
            return False
        try:
            os.kill(found[1], signal.SIGKILL)
        except ProcessLookupError:
            return False  # it was between two lives
        dead.add(found[0])
        return True

    wait_until(killed, PATIENCE)


def drawn(home: Path) -> int:
    with database(home) as connection:
        return int(connection.execute("SELECT count(*) FROM take").fetchone()[0])


def look(home: Path, saved: dict[str, int], takes: set[tuple[str, ...]]) -> None:
    """What must be true after any kill; adds the takes that are finished now to those that must stay."""
    with database(home) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        notes = dict(connection.execute("SELECT id, notes FROM shot").fetchall())
        found = set(connection.execute("SELECT id, start_sha256, end_sha256 FROM take").fetchall())
    for shot, number in saved.items():
        assert int(notes[shot]) >= number, "an edit that was said to be saved is lost"
    assert takes <= found, "a finished frame is lost"
    takes |= found
    files = {path.stem: path for path in blob_files(home)}
    for _, *frames in found:
        assert set(frames) <= files.keys()
    for name, path in files.items():
        assert hashlib.sha256(path.read_bytes()).hexdigest() == name, "a stored file is half written"


def test_killed_again_and_again(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(STEP_SECONDS, "0.01")
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    rng = random.Random(seed)
    with Studio(home) as studio:
        project, ids = new_film(studio, 3)
    saved: dict[str, int] = {}
    takes: set[tuple[str, ...]] = set()
    dead: set[str] = set()
    page = start(home, project, 0)
    killed: list[str] = []
    try:
        for kill in range(KILLS):
            victim, moment = PLAN[kill % len(PLAN)]
            drawing = moment == "draws"
            if drawing:
                wait_until(lambda: drawn(home) > len(takes), PATIENCE)  # since the last kill
            if drawing or victim == "worker":
                wait_until(partial(lives, home, page, dead, drawing=drawing), PATIENCE)
            time.sleep(rng.uniform(0.0, 0.1) if drawing else rng.uniform(0.02, 0.8))
            if victim == "worker":
                kill_worker(home, page, dead, drawing=drawing)
                look(home, dict(page.told), takes)
            else:
                page.kill()
                saved |= page.told
                look(home, saved, takes)
                page = start(home, project, max(saved.values(), default=0) + 1)
            killed.append(victim)
    finally:
        page.kill()
    saved |= page.told
    look(home, saved, takes)
    assert killed.count("page") >= KILLS // 3
    assert killed.count("worker") >= KILLS // 3
    assert sum(saved.values()) > 0
    between = len(takes)
    print(
        f"killed: {killed.count('page')} pages, {killed.count('worker')} workers; {between} takes meanwhile"
    )
    assert between or len(PLAN) > KILLS, "something was drawn between the kills"
    with Studio(home, painter=PAINTER) as studio:
        studio.start_worker()
        studio.every_job(ME, project, "cancel")
        studio.draw(ME, ids[:1], takes=1)
        wait_until(lambda: not any(job.active for job in studio.jobs(ME, project)), 90)
        look(home, saved, takes)
    assert len(takes) > between, "it draws after all that"
