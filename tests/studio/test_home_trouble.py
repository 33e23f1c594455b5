"""What can be wrong with a home folder, or be done to it meanwhile: a sentence each, and drawing goes on."""

from __future__ import annotations

import os
import signal
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from sqlmodel import select

from studio.jobs import worker
from studio.service.studio import Studio
from studio.store.blobs import Blobs
from studio.store.errors import StoreError, Unwritable
from studio.store.home import Home
from studio.store.tables import Worker
from tests.studio.helpers import ME, PAINTER, blob_files, new_film, wait_until

pytestmark = pytest.mark.slow

Trouble = Callable[[Path], AbstractContextManager[None]]


@contextmanager
def locked(home: Path) -> Iterator[None]:
    """Another program holds the database."""
    other = sqlite3.connect(home / "studio.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.execute("ROLLBACK")
        other.close()


@contextmanager
def without_a_table(home: Path) -> Iterator[None]:
    """Something that no sentence was written for."""
    with sqlite3.connect(home / "studio.db") as other:
        other.execute("ALTER TABLE worker RENAME TO worker_away")
    try:
        yield
    finally:
        with sqlite3.connect(home / "studio.db") as other:
            other.execute("ALTER TABLE worker_away RENAME TO worker")
        other.close()


TROUBLES = pytest.mark.parametrize("trouble", [locked, without_a_table])


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever waits for the database gives up soon."""
    monkeypatch.setattr("studio.store.database.BUSY_MILLISECONDS", 100)


@pytest.mark.usefixtures("impatient")
def test_a_locked_database_is_a_sentence_and_changes_nothing(home: Path) -> None:
    with Studio(home, painter=PAINTER) as studio:
        project, (shot,) = new_film(studio, 1)
        with locked(home), pytest.raises(StoreError, match="Another program holds the database in"):
            studio.edit_shot(ME, shot, title="Not now")
        assert studio.project(ME, project).shots[0].title == ""
        studio.edit_shot(ME, shot, title="Now")
    with locked(home), pytest.raises(StoreError, match="close it"):
        Studio(home, painter=PAINTER)


@TROUBLES
@pytest.mark.usefixtures("impatient")
def test_the_worker_is_started_again_after_trouble_with_the_database(home: Path, trouble: Trouble) -> None:
    with Studio(home, painter=PAINTER) as studio:
        studio.start_worker()
        wait_until(lambda: studio.worker().alive)
        first = studio.supervisor.pid
        assert first is not None
        with trouble(home):
            os.kill(first, signal.SIGTERM if os.name != "posix" else signal.SIGKILL)
            wait_until(lambda: studio.supervisor.pid != first)
            time.sleep(1.0)  # the supervisor cannot clear away what the dead worker left
        wait_until(lambda: _beating(studio.home, unlike=first))


@TROUBLES
@pytest.mark.usefixtures("impatient")
def test_the_heart_beats_on_after_trouble_with_the_database(
    home: Path, trouble: Trouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "HEARTBEAT_SECONDS", 0.05)
    opened = Home(home)
    mine = worker.Worker(opened, "mine")
    thread = threading.Thread(target=mine.run)
    thread.start()
    try:
        wait_until(lambda: bool(_heartbeats(opened)))
        with trouble(home):
            time.sleep(0.5)
        after = _heartbeats(opened)
        wait_until(lambda: _heartbeats(opened) > after)
    finally:
        mine.stop()
        thread.join()
        opened.close()


def _heartbeats(home: Home) -> list[int]:
    with home.database.read() as session:
        return list(session.exec(select(Worker.heartbeat)).all())


def _beating(home: Home, unlike: int) -> bool:
    with home.database.read() as session:
        return any(row.pid != unlike for row in session.exec(select(Worker)).all())


@pytest.mark.parametrize("name", ["what?", "100%", "%20x", "?mode=memory", "a#b", "Größe ä", "a b"])
def test_the_database_lies_in_the_home_whatever_its_name(tmp_path: Path, name: str) -> None:
    home = tmp_path / name / "home"
    with Studio(home, painter=PAINTER) as studio:
        studio.create_project(ME, "Kept")
    assert (home / "studio.db").is_file()
    assert [path.name for path in tmp_path.iterdir()] == [name]
    with Studio(home, painter=PAINTER) as studio:
        assert [card.title for card in studio.projects(ME)] == ["Kept"]


def test_a_name_that_is_too_long(tmp_path: Path) -> None:
    with pytest.raises(Unwritable, match="cannot be a folder: choose another one") as told:
        Home(tmp_path / ("x" * 300))
    assert len(str(told.value)) < 200


@pytest.mark.skipif(os.name != "posix", reason="needs links")
@pytest.mark.parametrize("target", ["home", "nowhere"])
def test_a_link_that_leads_nowhere(tmp_path: Path, target: str) -> None:
    (tmp_path / "home").symlink_to(tmp_path / target)
    with pytest.raises(Unwritable, match="choose"):
        Home(tmp_path / "home")


@pytest.mark.parametrize("damaged", [b"z" * 64, b"", b"\xff\xfe" * 32, b"abcd"])
def test_a_damaged_key(home: Path, damaged: bytes) -> None:
    home.mkdir()
    (home / "secret").write_bytes(damaged)
    with pytest.raises(StoreError, match="delete the file to get a new one"):
        Home(home)
    (home / "secret").unlink()
    Home(home).close()


def test_an_old_folder_among_temporary_files_stays(home: Path) -> None:
    folder = home / "blobs" / "partial" / "folder"
    folder.mkdir(parents=True)
    os.utime(folder, (time.time() - 7200, time.time() - 7200))
    Blobs(home / "blobs").prepare()
    assert folder.is_dir()
    assert blob_files(home) == []


def test_a_database_of_another_program(home: Path) -> None:
    home.mkdir()
    with sqlite3.connect(home / "studio.db") as other:
        other.execute("CREATE TABLE project (id TEXT)")
    other.close()
    with pytest.raises(StoreError, match="is not one of STAGE Studio: move it aside"):
        Home(home)
