"""What goes wrong around the studio ends as one clear sentence, and nothing that was made is lost."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.errors import BadInput, UnsupportedError
from studio.exchange import drawn_film
from studio.exchange.drawn_film import read_film
from studio.service.studio import Studio
from studio.service.views import JobState
from studio.store.blobs import Blobs
from tests.studio.helpers import ME, blob_files, draw_all_here, draw_here, new_film, shots_of, wait_for_jobs
from tests.studio.test_cli import one_sentence, stage
from tests.studio.test_exchange import a_film_from_the_command_line

ROOT = Path(__file__).resolve().parents[2]


def clear(sentence: str) -> bool:
    """One sentence that says what to do, without a trace of the program's inside."""
    return sentence.endswith(".") and sentence.count(". ") == 0 and "Error" not in sentence


# The checkpoint


def without_index(folder: Path) -> None:
    (folder / "step2.json").write_text('{"pairs": true}')


def broken_index(folder: Path) -> None:
    without_index(folder)
    (folder / "model_index.json").write_text("{")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (shutil.rmtree, "no checkpoint folder"),
        (without_index, "no model_index.json"),
        (broken_index, "model_index.json cannot be read"),
    ],
)
def test_a_missing_or_corrupt_checkpoint_fails_the_drawing_only(
    home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    damage: Callable[[Path], None],
    says: str,
) -> None:
    folder = tmp_path / "checkpoint"
    folder.mkdir()
    damage(folder)
    monkeypatch.setenv("STAGE_MINI_CHECKPOINT", str(folder))
    with Studio(home) as studio:
        project, ids = new_film(studio, 2)
        draw_here(studio, project, ids[0])
        studio.draw(ME, ids)
        studio.start_worker()
        jobs = wait_for_jobs(studio, project)
        assert [job.state for job in jobs] == [JobState.FAILED] * 2
        assert all(says in job.error and clear(job.error) for job in jobs), jobs[0].error
        assert studio.supervisor.pid is not None, "the worker lives"
        assert len(studio.takes(ME, ids[0])) == 1
        studio.edit_shot(ME, ids[1], description="It goes on.")


def test_a_checkpoint_whose_card_is_corrupt_leaves_films_open(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "step2.json").write_text("{")
    with Studio(home) as studio:
        project, ids = new_film(studio, 2)
        draw_all_here(studio, project)
        monkeypatch.setenv("STAGE_MINI_CHECKPOINT", str(tmp_path))
        with pytest.raises(UnsupportedError, match=r"step2\.json cannot be read") as refused:
            studio.draw(ME, ids)
        assert clear(str(refused.value))
        studio.edit_shot(ME, ids[0], description="It goes on.")
        assert [shot.take_id is not None for shot in shots_of(studio, project)] == [True, True]


@pytest.mark.slow
def test_the_command_line_with_a_corrupt_checkpoint(tmp_path: Path) -> None:
    folder = tmp_path / "checkpoint"
    folder.mkdir()
    (folder / "step2.json").write_text("not json")
    film = tmp_path / "film.mp4"
    film.write_bytes(b"an earlier film")
    done = stage("film", "A girl walks", "-o", str(film), STAGE_MINI_CHECKPOINT=str(folder))
    assert "step2.json cannot be read" in one_sentence(done)
    assert film.read_bytes() == b"an earlier film"


# The home folder


@pytest.mark.slow
def test_a_home_that_cannot_be_written(tmp_path: Path) -> None:
    """A file in the way stops root, too."""
    (tmp_path / "file").write_text("I was here first.")
    for home, says in ((tmp_path / "file", "is a file"), (tmp_path / "file" / "home", "Cannot write to")):
        said = one_sentence(stage("studio", "--no-browser", "--home", str(home)))
        assert says in said
        assert "--home" in said
        assert clear(said)
    assert (tmp_path / "file").read_text() == "I was here first."


_ON_A_FULL_DISK = """
import os, sys
from pathlib import Path
from studio.service.studio import Studio
from studio.store.errors import DiskFull
from tests.studio.helpers import ME, blob_files, draw_all_here, draw_here, new_film, shots_of
home = Path(sys.argv[1]) / "home"

def refused(action):
    try:
        action()
    except DiskFull as error:
        assert "free some space" in str(error), error
        return
    raise AssertionError("the full disk was not noticed")

with Studio(home) as studio:
    project, ids = new_film(studio, 2)
    draw_all_here(studio, project)
    before, files = studio.project(ME, project), blob_files(home)
    with (home.parent / "filler").open("wb", buffering=0) as filler:
        try:
            while filler.write(b"x" * 4096):
                pass
        except OSError:
            pass
    refused(lambda: draw_here(studio, project, ids[0], seed=5))
    refused(lambda: studio.edit_project(ME, project, theme="words " * 20000))
    assert studio.project(ME, project).shots == before.shots
    assert blob_files(home) == files and not list((home / "blobs" / "partial").iterdir())
    (home.parent / "filler").unlink()
    draw_here(studio, project, ids[0], seed=5)
    studio.edit_project(ME, project, theme="words")
    assert len(studio.takes(ME, ids[0])) == 2
try:
    (home.parent / "filler").write_bytes(b"x" * (1 << 26))
except OSError:
    pass
refused(lambda: Studio(home.parent / "another"))
print("nothing was lost")
"""


@pytest.mark.slow
def test_a_full_disk(tmp_path: Path) -> None:
    """A real one: 4 MB of memory, mounted where only this test's process sees it."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = f"mount -t tmpfs -o size=4m none {disk}"
    own = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c"]
    if shutil.which("unshare") is None or subprocess.run([*own, mount], capture_output=True).returncode:
        pytest.skip("this system lets no test mount a disk of its own")
    command = [*own, f'{mount} && exec "$0" "$@"', sys.executable, "-c", _ON_A_FULL_DISK, str(disk)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=200, check=False)
    assert done.stdout.strip() == "nothing was lost", done.stderr


# Pictures


@pytest.mark.parametrize("content", [b"", b"this is no picture", b"\x89PNG\r\n\x1a\n and then nothing"])
def test_a_film_with_a_picture_that_is_none(tmp_path: Path, content: bytes) -> None:
    folder = a_film_from_the_command_line(tmp_path / "film")
    (folder / "film.frames" / "002-end.png").write_bytes(content)
    blobs = Blobs(tmp_path / "blobs")
    blobs.prepare()
    with pytest.raises(BadInput, match=r"002-end\.png of film is not a whole PNG picture") as refused:
        read_film(folder, blobs)
    assert clear(str(refused.value))
    assert blob_files(tmp_path) == [], "a film comes in whole or not at all"


def test_a_broken_example_does_not_close_the_door(
    studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from studio.ui.desk import Desk, Event
    from studio.ui.page import arrive

    folder = a_film_from_the_command_line(tmp_path / "examples" / "harbour")
    (folder / "film.json").write_text(json.dumps({"title": "no film"}))
    monkeypatch.setattr(drawn_film, "EXAMPLES", tmp_path / "examples")
    desk = Desk(studio)
    news = arrive(desk, ME, Event())
    assert "not a film that this program can read" in news["notice"]["text"]
    assert news["open"]["head"]["title"] == "Untitled"
    assert "notice" not in arrive(desk, ME, Event())


@pytest.mark.slow
def test_a_stored_frame_that_was_damaged(working: Studio) -> None:
    """The film says which picture; drawing its shot again puts the file right."""
    project, ids = new_film(working, 2)
    for id in ids:
        working.edit_shot(ME, id, length=4)
    draw_all_here(working, project)
    take = working.takes(ME, ids[0])[0]
    frame = working.home.frame(take.start_sha256)
    whole = frame.read_bytes()
    frame.write_bytes(whole[: len(whole) // 2])
    working.export(ME, project)
    (job,) = wait_for_jobs(working, project)
    assert job.state is JobState.FAILED
    assert job.error == (
        "The start frame of shot 1 is not a picture that can be read: draw that shot again or choose another "
        "take of it."
    )
    assert clear(job.error)
    draw_here(working, project, ids[0])
    assert frame.read_bytes() == whole
    again = working.retry(ME, job.id)
    assert {j.id: j.state for j in wait_for_jobs(working, project)}[again.id] is JobState.DONE
    assert working.film(ME, project) is not None


@pytest.mark.slow
def test_a_damaged_frame_in_the_memory_fails_that_drawing_only(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.engine.step2.tiny import tiny_pipeline

    tiny_pipeline().save_pretrained(tmp_path / "tiny")
    monkeypatch.setenv("STAGE_MINI_CHECKPOINT", str(tmp_path / "tiny"))
    with Studio(home) as studio:
        project, ids = new_film(studio, 2)
        draw_here(studio, project, ids[0])
        frame = studio.home.frame(studio.takes(ME, ids[0])[0].end_sha256)
        frame.write_bytes(b"this is no picture")
        studio.draw(ME, [ids[1]], steps=1)
        studio.start_worker()
        (job,) = wait_for_jobs(studio, project, 200)
        assert job.state is JobState.FAILED
        assert "The end frame of shot 1 is not a picture that can be read: draw that shot" in job.error
        assert clear(job.error)
        studio.draw(ME, [ids[0]], steps=1)
        jobs = wait_for_jobs(studio, project, 200)
        assert JobState.DONE in {job.state for job in jobs}, "the worker lives"
