"""`make` in a folder of its own: a virtual environment is whole, or it is not there."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

MAKEFILE = Path(__file__).resolve().parents[1] / "Makefile"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("make") is None, reason="needs make"),
]
HALF = """#!/bin/sh
[ "$1" = -m ] || exec {python} "$@"
mkdir -p .venv/bin && ln -s {python} .venv/bin/python
echo "ensurepip is not available" >&2
exit 1
"""


def make(folder: Path, python: str) -> subprocess.CompletedProcess[str]:
    command = ["make", "-f", str(MAKEFILE), ".venv/bin/python", f"PYTHON={python}"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=120)


def test_a_virtual_environment_that_failed_leaves_nothing(tmp_path: Path) -> None:
    half = tmp_path / "python-without-venv"
    half.write_text(HALF.format(python=sys.executable))
    half.chmod(0o755)
    for _ in range(2):  # the second time must not take the half one for whole
        done = make(tmp_path, str(half))
        assert done.returncode != 0
        assert "install python3-venv" in done.stderr
        assert not (tmp_path / ".venv").exists()


def test_a_virtual_environment_whose_python_is_gone_is_made_anew(tmp_path: Path) -> None:
    folder = tmp_path / ".venv" / "bin"
    folder.mkdir(parents=True)
    (folder / "python").symlink_to(tmp_path / "gone")
    (tmp_path / ".venv" / ".installed").touch()
    done = make(tmp_path, sys.executable)
    assert done.returncode == 0, done.stderr
    assert subprocess.run([folder / "python", "-m", "pip", "--version"], check=False).returncode == 0
    assert not (tmp_path / ".venv" / ".installed").exists(), "its packages are gone"
