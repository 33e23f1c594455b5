"""`stage …` as people run it: a process, its exit code and what it says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from engine.errors import StageError
from engine.story import CinematicAttributes, Shot, Storyboard
from engine.video.renderers import RENDERERS
from studio.cli import _agents as agents_of_options
from studio.film_command import price
from tests.engine.agents.fake_server import Fail, FakeServer

pytestmark = pytest.mark.slow


def stage(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `stage` in a terminal of 200 columns."""
    env = os.environ | {"COLUMNS": "200", "NO_COLOR": "1"} | environment
    command = [sys.executable, "-m", "studio.cli", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=env, check=False, timeout=120)


def one_sentence(done: subprocess.CompletedProcess[str]) -> str:
    """The last line of stderr of a run that failed as it should."""
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr.strip().splitlines()[-1]


def test_help_names_the_commands_and_loads_nothing_heavy() -> None:
    code = (
        "import sys, studio.cli\n"
        "try:\n    studio.cli.app(['--help'])\nexcept SystemExit:\n    pass\n"
        "heavy = {'torch', 'diffusers', 'transformers', 'cv2', 'gradio', 'sqlmodel', 'numpy'}\n"
        "heavy &= set(sys.modules)\n"
        "sys.exit(f'loaded {heavy}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for command in ("film", "doctor", "studio"):
        assert command in done.stdout


def test_doctor_for_programs() -> None:
    done = stage("doctor", "--json")
    assert done.returncode == 0, done.stderr
    findings = json.loads(done.stdout)
    assert {"subject", "verdict", "sentence"} == set(findings[0])
    assert {"ok"} <= {f["verdict"] for f in findings} <= {"ok", "note", "trouble"}


def test_doctor_shows_the_table_of_machines_and_adds_up_large_profiles_only() -> None:
    done = stage("doctor", "--table")
    assert "| 24 GB card | `qwen-image-edit+int8+offload` |" in done.stdout
    assert "has no large models to add up" in one_sentence(stage("doctor", "--dry-run", "mini"))


def test_doctor_for_people() -> None:
    key = "sk-very-secret-0123456789"
    done = stage("doctor", FAL_KEY=key)
    assert done.returncode == 0, done.stderr
    assert "ffmpeg" in done.stdout
    lines = {line.split()[2]: line for line in done.stdout.splitlines() if " renderer " in line}
    assert "FAL_KEY is set." in done.stdout
    assert lines["fal-veo-3.1"].startswith("ok")
    assert lines["veo-3.1"].startswith("note")
    assert "Google no longer offers Veo in the Gemini API" in done.stdout
    assert key not in done.stdout + done.stderr


def test_a_film_by_a_paid_service_says_its_price_and_needs_its_key(tmp_path: Path) -> None:
    done = stage("film", "A girl walks", "-o", str(tmp_path / "f.mp4"), "--renderer", "fal-veo-3.1",
                 FAL_KEY="")  # fmt: skip
    assert "set FAL_KEY" in one_sentence(done)
    lengths = [CinematicAttributes(length=length) for length in (48, 240)]
    board = Storyboard(shots=[Shot(description="A girl walks.", attributes=each) for each in lengths])
    told = price(RENDERERS["fal-veo-3.1"], board)
    assert "2 clips by Veo 3.1 (fal) cost about $2.40" in told
    assert price(RENDERERS["animatic"], board) == ""


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["An old fisherman", "--profile", "veo"], 'There is no profile "veo"'),
        (["An old fisherman", "--pin", "2"], "write SHOT:start or SHOT:end"),
        (["An old fisherman", "--pin", "9:end"], "9:end pins nothing: the film has 5 shots"),
        (["An old fisherman", "-o", "film.avi"], 'give "film.mp4" instead of "film.avi"'),
        (["An old fisherman", "--screenplay", "x.txt"], "not both"),
        (["An old fisherman", "--step2-lora", "nowhere"], "There is no STEP² LoRA at nowhere"),
        (["An old fisherman", "--step2-lora", "you/lora"], "The profile mini draws without a STEP² LoRA"),
        (["An old fisherman", "--profile", "qwen-image"], "no STEP² LoRA for it is published"),
        (["An old fisherman", "--seconds", "0"], "must be a number of seconds above zero"),
        (["An old fisherman", "--seconds", "nan"], "must be a number of seconds above zero"),
        (["An old fisherman", "--seconds", "2"], "5 shots do not fit into 2 seconds: allow 2.5 or more"),
        (["An old fisherman", "--seconds", "99999"], "can last between 2.5 and 3000 seconds"),
        (["An old fisherman", "--aspect", "9:16"], "does not draw in 9:16: it offers 256x128 pixels only"),
        (["An old fisherman", "--profile", "hosted-edit", "--aspect", "3:2"], "4:3, 1:1, 9:16."),
        (["An old fisherman", "--renderer", "sora"], 'There is no renderer "sora"'),
        (["An old fisherman", "--renderer", "wan2.2-ti2v-5b"], "ignores the last frame"),
        (["--screenplay", "there is none.fountain"], "cannot be read (No such file or directory)"),
    ],
)
def test_bad_input_is_one_sentence(tmp_path: Path, arguments: list[str], sentence: str) -> None:
    if "-o" not in arguments:
        arguments = [*arguments, "-o", str(tmp_path / "film.mp4")]
    assert sentence in one_sentence(stage("film", *arguments))
    assert list(tmp_path.iterdir()) == []


def test_a_foreign_file_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "package.json").write_text('{"name": "mine"}')
    done = stage("film", "An old fisherman", "-o", str(tmp_path / "package.mp4"))
    assert "package.json is there and is not a film's" in one_sentence(done)
    assert (tmp_path / "package.json").read_text() == '{"name": "mine"}'


def test_no_theme_at_all(tmp_path: Path) -> None:
    assert one_sentence(stage("film", "", "-o", str(tmp_path / "film.mp4")))


def test_a_screenplay_that_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "s.txt").write_bytes(b"\xff\xfe\x00\x80")
    assert "not a text file" in one_sentence(stage("film", "--screenplay", str(tmp_path / "s.txt")))


def test_a_missing_checkpoint_is_one_sentence(tmp_path: Path) -> None:
    done = stage(
        "film", "A girl walks", "-o", str(tmp_path / "f.mp4"), STAGE_MINI_CHECKPOINT=str(tmp_path / "none")
    )
    assert "checkpoint" in one_sentence(done)
    assert not (tmp_path / "f.mp4").exists()


def test_a_usage_error_is_typer_s_own() -> None:
    done = stage("film", "x", "--shots", "0")
    assert done.returncode == 2
    assert "--shots" in done.stderr


# ------------------------------------------------------------------------------------------------ agents

EXAMPLE = Path(__file__).resolve().parents[2] / "assets" / "examples" / "fisherman" / "film.json"


def test_a_film_is_directed_by_a_model_that_was_named(tmp_path: Path) -> None:
    """The built-in director is no fallback: without its model there is no film, and one sentence why."""
    arguments = ["film", "A girl waits", "--director", "server", "-o", str(tmp_path / "f.mp4")]
    nothing = {"STAGE_LLM_URL": "", "STAGE_LLM_MODEL": ""}
    assert "No model server is named" in one_sentence(stage(*arguments, **nothing))
    with FakeServer([Fail(401)]) as server:
        done = stage(
            *arguments, "--llm-url", server.url, "--llm-model", "m", STAGE_LLM_KEY="sk-4711", **nothing
        )
    assert "wants a key" in one_sentence(done)
    assert "sk-4711" not in done.stderr + done.stdout
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"director": "me"}, '"me" is no director'),
        ({"director": "server", "url": "https://a:b@x/v1"}, "The address of --llm-url cannot be used"),
    ],
)
def test_agents_that_cannot_be(fields: dict[str, str], sentence: str) -> None:
    with pytest.raises(StageError) as trouble:
        agents_of_options(**fields)
    assert sentence in str(trouble.value)
    assert "a:b" not in str(trouble.value)


def test_a_film_is_judged(tmp_path: Path) -> None:
    out = tmp_path / "judged.json"
    with FakeServer() as server:
        done = stage("judge", str(EXAMPLE), "--llm-url", server.url, "--llm-model", "vlm", "--json", str(out))
    assert done.returncode == 0, done.stderr
    assert "OVQ" in done.stdout
    told = json.loads(out.read_text())
    assert set(told["scores"]) == {"OVQ", "VTC", "ISC", "STS"}
    assert len(told["verdicts"]) == len(server.requests) == 1 + 5 + 1 + 4
