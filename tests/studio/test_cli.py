"""`stage …` as people run it: a process, its exit code and what it says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest


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


def test_doctor_for_people() -> None:
    done = stage("doctor")
    assert done.returncode == 0, done.stderr
    assert "ffmpeg" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["An old fisherman", "--profile", "veo"], 'There is no profile "veo"'),
        (["An old fisherman", "--pin", "2"], "write SHOT:start or SHOT:end"),
        (["An old fisherman", "--pin", "9:end"], "9:end pins nothing: the film has 5 shots"),
        (["An old fisherman", "-o", "film.avi"], 'give "film.mp4" instead of "film.avi"'),
        (["An old fisherman", "--screenplay", "x.txt"], "not both"),
        (["--screenplay", "there is none.fountain"], "cannot be read (No such file or directory)"),
    ],
)
def test_bad_input_is_one_sentence(tmp_path: Path, arguments: list[str], sentence: str) -> None:
    if "-o" not in arguments:
        arguments = [*arguments, "-o", str(tmp_path / "film.mp4")]
    assert sentence in one_sentence(stage("film", *arguments))
    assert list(tmp_path.iterdir()) == []


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
