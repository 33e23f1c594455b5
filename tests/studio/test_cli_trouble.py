"""`stage …` where something is in the way: one sentence before any work, and what was paid for is kept."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from engine.errors import BadInput
from studio.film_command import film_name
from tests.engine.agents import film as told
from tests.engine.agents.fake_server import Answer, Fail, FakeServer, Hang, Json, from_schema
from tests.studio.helpers import wait_until
from tests.studio.test_cli import EXAMPLE, one_sentence, stage

pytestmark = pytest.mark.slow

QUESTIONS = 1 + 5 + 1 + 4
"""About the example film: it has five shots."""


@pytest.mark.parametrize("name", ["", ".", "/", "..", "a/.."])
def test_a_film_needs_a_name(name: str) -> None:
    with pytest.raises(BadInput, match="is a folder: name the film in it"):
        film_name(Path(name))


def test_a_place_that_cannot_be_written_is_told_before_the_director_reads(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("I was here first.")
    (tmp_path / "folder.mp4").mkdir()
    with FakeServer() as server:
        director = ("--director", "server", "--llm-url", server.url, "--llm-model", "m")
        for place, sentence in (
            (str(tmp_path / "file" / "film.mp4"), "cannot be written"),
            (str(tmp_path / "folder.mp4"), "is a folder"),
            (str(tmp_path / ("x" * 300) / "film.mp4"), "cannot be written"),
            ("", "is a folder"),
        ):
            assert sentence in one_sentence(stage("film", "A girl waits", "-o", place, *director))
        assert server.requests == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder.mp4"]


def test_a_film_that_is_not_there_cannot_be_judged(tmp_path: Path) -> None:
    (tmp_path / "alone.mp4").write_bytes(b"")
    named = ("--llm-url", "http://127.0.0.1:9/v1", "--llm-model", "vlm")
    for film, sentence in (
        (".", "is a folder: name the film in it"),
        ("/", "is a folder: name the film in it"),
        (str(tmp_path / "missing.mp4"), f"There is no film {tmp_path / 'missing.mp4'}: name one"),
        (str(tmp_path / "missing.json"), "There is no film"),
        (str(tmp_path / "alone.mp4"), "There is no alone.json beside"),
        ("x" * 300, "cannot be read"),
    ):
        assert sentence in one_sentence(stage("judge", film, *named))


def test_what_was_answered_before_trouble_is_kept(tmp_path: Path) -> None:
    out = tmp_path / "judged.json"

    def all_but_the_last(request: Json) -> Answer:
        return from_schema(request) if len(server.requests) < QUESTIONS else Fail(401)

    with FakeServer(then=all_but_the_last) as server:
        done = stage("judge", str(EXAMPLE), "--llm-url", server.url, "--llm-model", "vlm", "--json", str(out))
    assert one_sentence(done)
    told = json.loads(out.read_text())
    assert told["complete"] is False
    assert len(told["verdicts"]) == QUESTIONS - 1


def test_a_whole_judgement_says_so(tmp_path: Path) -> None:
    out = tmp_path / "new" / "judged.json"
    with FakeServer() as server:
        done = stage("judge", str(EXAMPLE), "--llm-url", server.url, "--llm-model", "vlm", "--json", str(out))
        assert done.returncode == 0, done.stderr
        before = out.read_bytes()
        assert json.loads(before)["complete"] is True
    # Nothing was answered, so nothing takes its place.
    with FakeServer([Fail(401)]) as server:
        stage("judge", str(EXAMPLE), "--llm-url", server.url, "--llm-model", "vlm", "--json", str(out))
    assert out.read_bytes() == before


@pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals")
def test_what_was_answered_before_it_was_stopped_is_kept(tmp_path: Path) -> None:
    out = tmp_path / "judged.json"

    def two(request: Json) -> Answer:
        return from_schema(request) if len(server.requests) < 3 else Hang(30)

    with FakeServer(then=two) as server:
        command = [sys.executable, "-m", "studio.cli", "judge", str(EXAMPLE), "--json", str(out)]
        command += ["--llm-url", server.url, "--llm-model", "vlm"]
        # What a shell runs in the background is born with SIGINT ignored, and so would be its children.
        heard = signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            run = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
        finally:
            signal.signal(signal.SIGINT, heard)
        wait_until(lambda: len(server.requests) == 3)
        run.send_signal(signal.SIGINT)
        _, said = run.communicate(timeout=60)
    assert (run.returncode, said.strip().splitlines()[-1]) == (130, "Stopped.")
    told = json.loads(out.read_text())
    assert (told["complete"], len(told["verdicts"])) == (False, 2)


def test_verdicts_that_cannot_be_written_are_not_asked_for(tmp_path: Path) -> None:
    with FakeServer() as server:
        named = ("--llm-url", server.url, "--llm-model", "vlm")
        done = stage("judge", str(EXAMPLE), *named, "--json", str(tmp_path))
        assert "is a folder" in one_sentence(done)
        assert server.requests == []


def test_a_film_that_was_stopped_is_not_directed_again_by_its_model(tmp_path: Path) -> None:
    """The drawing cannot begin: its checkpoint is missing. What the model wrote is used by the next run."""
    out = tmp_path / "f.mp4"
    with FakeServer(then=told.stage) as server:
        options = ("--shots", "3", "--director", "server", "--llm-url", server.url, "--llm-model", "m")
        missing = {"STAGE_MINI_CHECKPOINT": str(tmp_path / "none")}

        def run() -> subprocess.CompletedProcess[str]:
            done = stage("film", "A girl waits", "-o", str(out), *options, **missing)
            assert "checkpoint" in one_sentence(done)
            return done

        assert "goes on from it" in run().stderr
        asked = len(server.requests)
        again = run()
        assert len(server.requests) == asked
        assert "Directed by m at 127.0.0.1" in again.stderr
        assert "The Lamp" in again.stderr
