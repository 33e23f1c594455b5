"""Films and exports that are deleted for good: what goes, what another film keeps, and a kill between."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlmodel import Session, SQLModel, select

from engine.errors import BadInput
from engine.step2.cached_frames import frame_folder
from studio.exchange.zips import ZipKind
from studio.jobs import queue
from studio.service import clearing
from studio.service.studio import Studio
from studio.store.errors import NotFound
from studio.store.home import LEFT_OVER_SECONDS
from studio.store.states import Subject
from studio.store.tables import Project
from tests.studio.helpers import (
    ME,
    PAINTER,
    PICTURE,
    YOU,
    blob_files,
    draw_all_here,
    draw_here,
    export_here,
    new_film,
    render_here,
)
from tests.studio.test_sound import tone

ROOT = Path(__file__).resolve().parents[2]
KILLED = """
import os, signal, sys
from pathlib import Path
from studio.service.studio import Studio
from studio.store.blobs import Blobs
Blobs.remove = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)
Studio(Path(sys.argv[1])).purge_project("anon-me", sys.argv[2])
"""


def rows_of(studio: Studio, project: str) -> dict[str, int]:
    """How many rows each table has of a film."""
    tables = [table for table in SQLModel.metadata.sorted_tables if "project_id" in table.c]
    with studio.home.database.read() as session:
        ask = session.connection().execute
        found = {t.name: len(ask(t.select().where(t.c.project_id == project)).all()) for t in tables}
    return {name: count for name, count in found.items() if count}


def full_film(studio: Studio, tmp_path: Path) -> str:
    """A film of nearly everything that a film can have."""
    project, ids = new_film(studio, 2)
    list(studio.direct(ME, project, "Anna finds a lantern at the harbour", shots=2, seed=1))
    draw_all_here(studio, project)
    ids = [shot.id for shot in studio.project(ME, project).shots]
    draw_here(studio, project, ids[0], seed=5)
    render_here(studio, ids[0])
    studio.add_reference(ME, project, Subject.LOOK, "", PICTURE)
    studio.set_sound(ME, project, tone(tmp_path / "tone.wav"))
    studio.remove_sound(ME, project)
    export_here(studio, project)
    (job,) = studio.draw(ME, [ids[1]])
    studio.cancel(ME, job.id)
    return project


def test_a_film_goes_with_all_that_is_its_own(studio: Studio, home: Path, tmp_path: Path) -> None:
    other, _ = new_film(studio, 1)
    draw_all_here(studio, other)
    before, theirs = blob_files(home), rows_of(studio, other)
    project = full_film(studio, tmp_path)
    frame = studio.takes(ME, studio.project(ME, project).shots[0].id)[0].start_sha256
    latents = frame_folder(home / "cache", frame)
    latents.mkdir(parents=True)
    ours = [ZipKind.FILM.path(studio.home, export.id) for export in studio.exports(ME, project)]
    ours += [ZipKind.PREFERENCES.path(studio.home, id) for id in (project, "of a purge that was killed")]
    stays = ZipKind.PREFERENCES.path(studio.home, other)
    for zipped in (*ours, stays):
        zipped.touch()
    studio.delete_project(ME, project)
    plan = studio.purge_project_plan(ME, project)
    assert plan.goes == ("4 shots", "3 takes", "1 clip", "1 uploaded picture", "1 exported film")
    assert plan.refusal == ""
    size = sum(path.stat().st_size for path in blob_files(home))
    assert studio.purge_project(ME, project) == plan
    assert rows_of(studio, project) == {}
    assert blob_files(home) == before
    assert size - sum(path.stat().st_size for path in before) == plan.frees
    assert not latents.exists()
    assert list(studio.home.cache.glob("*.zip")) == [stays]
    assert rows_of(studio, other) == theirs
    assert [card.id for card in studio.all_projects(ME)] == [other]
    for gone in (studio.project, studio.restore_project, studio.purge_project):
        with pytest.raises(NotFound):
            gone(ME, project)


def test_what_another_film_shows_stays(studio: Studio, home: Path, tmp_path: Path) -> None:
    project = full_film(studio, tmp_path)
    studio.undo(ME, project)  # the sound is under the film again
    copy = studio.duplicate_project(ME, project).head.id
    studio.delete_project(ME, project)
    exported = studio.home.blobs.path(studio.exports(ME, project)[0].url[7:71], "mp4")
    plan = studio.purge_project_plan(ME, project)
    assert plan.frees == exported.stat().st_size, "exports are not copied, all else is shared"
    kept = [path for path in blob_files(home) if path != exported]
    seen = studio.project(ME, copy)
    studio.purge_project(ME, project)
    assert sorted(blob_files(home)) == sorted(kept)
    assert studio.project(ME, copy) == seen
    studio.delete_project(ME, copy)
    studio.purge_project(ME, copy)
    assert blob_files(home) == []


def test_no_old_file_of_another_film_is_taken_for_a_leftover(
    studio: Studio, home: Path, tmp_path: Path
) -> None:
    full_film(studio, tmp_path)
    long_ago = time.time() - LEFT_OVER_SECONDS - 10
    files = sorted(blob_files(home))
    for path in files:
        os.utime(path, (long_ago, long_ago))
    empty, _ = new_film(studio, 1)
    studio.delete_project(ME, empty)
    studio.purge_project(ME, empty)
    assert sorted(blob_files(home)) == files


def test_what_somebody_brings_while_it_is_deleted_stays(
    studio: Studio, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two visitors have one film: one stores its pictures, whose rows are still to come, one deletes it."""
    project, _ = new_film(studio, 1)
    draw_all_here(studio, project)
    pictures = {path: path.read_bytes() for path in blob_files(home)}
    studio.delete_project(ME, project)
    delete = clearing.delete_film

    def meanwhile(session: Session, project_id: str) -> None:
        delete(session, project_id)
        for data in pictures.values():
            studio.home.blobs.put(data, "png")

    monkeypatch.setattr(clearing, "delete_film", meanwhile)
    studio.purge_project(ME, project)
    assert set(blob_files(home)) == set(pictures)


def test_only_what_is_in_the_trash_and_at_rest(studio: Studio) -> None:
    project, ids = new_film(studio, 1)
    with pytest.raises(BadInput, match="Only a film in the trash"):
        studio.purge_project(ME, project)
    studio.draw(ME, ids)
    job = queue.claim(studio.home.database, "me")
    assert job is not None
    studio.delete_project(ME, project)
    assert studio.purge_project_plan(ME, project).refusal.startswith("Work on this film still runs")
    with pytest.raises(BadInput, match="still runs: wait"):
        studio.purge_project(ME, project)
    queue.hand_back(studio.home.database, job.id, "me")
    with pytest.raises(NotFound):
        studio.purge_project(YOU, project)
    studio.purge_project(ME, project)
    with studio.home.database.read() as session:
        assert session.exec(select(Project)).all() == []


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL")
def test_a_purge_that_is_killed_before_its_files_go_is_finished_by_the_next(
    studio: Studio, home: Path, tmp_path: Path
) -> None:
    project, other = full_film(studio, tmp_path), new_film(studio, 1)[0]
    draw_all_here(studio, other)
    frames = set(blob_files(home))
    studio.delete_project(ME, project)
    killed = subprocess.run([sys.executable, "-c", KILLED, str(home), project], cwd=ROOT, timeout=60)
    assert killed.returncode == -signal.SIGKILL
    assert set(blob_files(home)) == frames, "no file went"
    with Studio(home, PAINTER) as again:
        assert rows_of(again, project) == {}, "and no row is left"
        assert [card.id for card in again.all_projects(ME)] == [other]
        third, _ = new_film(again, 1)
        again.delete_project(ME, third)
        again.purge_project(ME, third)
        assert set(blob_files(home)) == frames, "of a young file the row may be still to come"
        long_ago = time.time() - LEFT_OVER_SECONDS - 10
        for path in frames:
            os.utime(path, (long_ago, long_ago))
        again.home.blobs.put(PICTURE, "png")  # somebody brings a picture that lies about
        export = export_here(again, other)
        again.delete_export(ME, export)
        left = {path.name for path in blob_files(home)}
    take = studio.takes(ME, studio.project(ME, other).shots[0].id)[0]
    picture = studio.home.blobs.put(PICTURE, "png")
    assert left == {f"{name}.png" for name in (take.start_sha256, take.end_sha256, picture)}


def test_an_export_is_deleted_and_the_one_before_is_the_newest(studio: Studio, home: Path) -> None:
    project, _ = new_film(studio, 1)
    first, second = (export_here(studio, project, content) for content in (b"first", b"second"))
    assert [export.id for export in studio.exports(ME, project)] == [second, first]
    assert [export.bytes for export in studio.exports(ME, project)] == [6, 5]
    seen = studio.project(ME, project)
    with pytest.raises(NotFound):
        studio.delete_export(YOU, second)
    studio.delete_export(ME, second)
    head = studio.changes(ME, project, seen.revision).head
    assert head is not None
    assert head.film is not None
    assert studio.film_path(ME, project).read_bytes() == b"first"
    assert len(blob_files(home)) == 1
    again = export_here(studio, project, b"first")
    studio.delete_export(ME, first)
    assert studio.film_path(ME, project).read_bytes() == b"first", "another export is the same film"
    studio.delete_export(ME, again)
    assert studio.film(ME, project) is None
    assert blob_files(home) == []
