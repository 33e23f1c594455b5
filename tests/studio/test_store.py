"""The home folder: migrations, blobs, and a clear sentence for each thing that can be wrong with it."""

from __future__ import annotations

import hashlib
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlmodel import SQLModel

from studio.store.blobs import Blobs
from studio.store.errors import DiskFull, NewerDatabase, NotFound, StoreError, Unwritable, clear_errors
from studio.store.home import Home
from studio.store.migrate import HEAD, SCRIPTS
from studio.store.tables import Project
from tests.studio.helpers import blob_files

ROOT = Path(__file__).resolve().parents[2]


def test_migrations_from_nothing_give_the_tables(home: Path) -> None:
    opened = Home(home)
    with opened.database.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), SQLModel.metadata) == []
    opened.close()


def test_the_newest_migration_is_the_one_that_the_program_expects() -> None:
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    assert ScriptDirectory.from_config(config).get_current_head() == HEAD


def test_pragmas(home: Path) -> None:
    opened = Home(home)
    with opened.database.engine.connect() as connection:
        read = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    opened.close()
    assert read == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 15000}


def test_a_newer_database_is_refused_and_left_alone(home: Path) -> None:
    Home(home).close()
    with sqlite3.connect(home / "studio.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(NewerDatabase, match="update the program"):
        Home(home)
    with sqlite3.connect(home / "studio.db") as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchone() == ("9999",)


def test_a_file_in_the_place_of_the_home(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("I was here first.")
    with pytest.raises(Unwritable, match="choose a folder"):
        Home(tmp_path / "home")
    with pytest.raises(Unwritable, match="choose another folder"):
        Home(tmp_path / "home" / "below")


@pytest.mark.skipif(os.name != "posix", reason="needs POSIX permissions")
def test_a_home_without_write_permission(tmp_path: Path) -> None:
    folder = tmp_path / "read-only"
    folder.mkdir(mode=0o555)
    if os.geteuid() == 0:  # root may write everywhere but where nobody can
        folder = Path("/proc/self")
    with pytest.raises(StoreError, match=r"permission|another folder"):
        Home(folder / "home")


def test_a_damaged_database(home: Path) -> None:
    home.mkdir()
    (home / "studio.db").write_bytes(b"this is not SQLite" * 100)
    with pytest.raises(StoreError, match="damaged"):
        Home(home)


def test_a_full_disk_loses_nothing(home: Path) -> None:
    opened = Home(home)
    with opened.database.write() as session:
        session.add(Project(owner="me", title="kept"))
    with opened.database.engine.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
        connection.commit()
    with pytest.raises(DiskFull, match="free some space"), opened.database.write() as session:
        session.add(Project(owner="me", title="too much", theme="x" * 100_000))
    opened.close()
    again = Home(home)
    with again.database.read() as session:
        assert [p.title for p in session.query(Project).all()] == ["kept"]
    again.close()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_under_a_file(tmp_path: Path) -> None:
    with pytest.raises(DiskFull), clear_errors(tmp_path):
        Path("/dev/full").write_bytes(b"x")


def test_blobs_are_named_by_their_content(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path / "blobs")
    blobs.prepare()
    name = blobs.put(b"a picture", "png")
    assert name == hashlib.sha256(b"a picture").hexdigest()
    assert blobs.put(b"a picture", "png") == name
    assert blobs.existing(name, "png").read_bytes() == b"a picture"
    assert blobs.existing(name, "png").relative_to(blobs.root).parts[:2] == (name[:2], name[2:4])
    made = blobs.scratch(".mp4")
    made.write_bytes(b"a film")
    film = blobs.adopt(made, "mp4")
    assert blobs.existing(film, "mp4").read_bytes() == b"a film"
    assert not made.exists()
    assert list((tmp_path / "blobs" / "partial").iterdir()) == []


@pytest.mark.parametrize("name", ["../../etc/passwd", "ab", "Z" * 64, "", "a" * 63 + "/"])
def test_no_name_leads_out_of_the_store(tmp_path: Path, name: str) -> None:
    with pytest.raises(NotFound):
        Blobs(tmp_path).existing(name, "png")
    with pytest.raises(NotFound):
        Blobs(tmp_path).existing("a" * 64, "html")


def test_old_temporary_files_are_swept(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path / "blobs")
    blobs.prepare()
    old, new = blobs.scratch(".mp4"), blobs.scratch(".mp4")
    for path in (old, new):
        path.write_bytes(b"half")
    os.utime(old, (time.time() - 7200, time.time() - 7200))
    blobs.prepare()
    assert not old.exists()
    assert new.exists(), "another process may be writing it"


_WRITER = """
import sys
from pathlib import Path
from studio.store.blobs import Blobs
blobs = Blobs(Path(sys.argv[1]))
blobs.prepare()
print("ready", flush=True)
for number in range(100000):
    blobs.put(number.to_bytes(4, "big") * 50_000, "png")
"""


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL")
def test_a_killed_writer_leaves_no_half_file(home: Path) -> None:
    blobs = home / "blobs"
    for delay in (0.05, 0.1, 0.15, 0.25):
        command = [sys.executable, "-c", _WRITER, str(blobs)]
        writer = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)
        assert writer.stdout is not None
        writer.stdout.readline()
        time.sleep(delay)
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        writer.stdout.close()
    files = blob_files(home)
    assert files
    for path in files:
        assert hashlib.sha256(path.read_bytes()).hexdigest() == path.stem
