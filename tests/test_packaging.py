"""What the repository promises from outside: its packages, its top level, the length of its files."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # pytest brings it

ROOT = Path(__file__).resolve().parents[1]
TOP = {"studio", "engine", "assets", "tests", "app.py", "pyproject.toml"}
USUAL = {
    "README.md",
    "CONTRIBUTING.md",
    "LICENSE",
    "Makefile",
    "requirements.txt",
    ".gitignore",
    ".gitattributes",
}
CI_FOLDERS = {".ci", ".github"}
MOST_LINES = 400


def tracked() -> list[Path]:
    """Files of the repository, relative to its root; skips where this is no checkout."""
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip("needs a git checkout")
    return [Path(name) for name in done.stdout.split("\0") if name]


def dependencies() -> dict[str, Requirement]:
    """The runtime packages of pyproject.toml, by name."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    found = [Requirement(line) for line in project["dependencies"]]
    return {requirement.name: requirement for requirement in found}


def test_a_space_installs_what_the_project_needs() -> None:
    """Spaces bring gradio themselves, in the version that the card of README.md names."""
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    listed = [Requirement(line) for line in lines if line.strip() and not line.startswith("#")]
    assert len({r.name for r in listed}) == len(listed)
    wanted = {name: str(requirement) for name, requirement in dependencies().items() if name != "gradio"}
    assert {r.name: str(r) for r in listed} == wanted


def test_the_space_s_gradio_is_one_that_the_project_runs_on() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    card = readme.split("---")[1]
    found = re.search(r"^sdk_version: *(\S+)$", card, re.MULTILINE)
    assert found is not None, "the front matter of README.md names no sdk_version"
    assert Version(found[1]) in dependencies()["gradio"].specifier


def test_the_top_level_stays_small() -> None:
    found = {path.parts[0] for path in tracked()}
    assert found - TOP - USUAL - CI_FOLDERS == set()
    assert found >= TOP


def test_no_file_is_too_long_to_read() -> None:
    lengths = {
        path.as_posix(): len((ROOT / path).read_text(encoding="utf-8").splitlines())
        for path in tracked()
        if path.suffix == ".py" and (ROOT / path).exists()
    }
    assert lengths
    assert {name: lines for name, lines in lengths.items() if lines > MOST_LINES} == {}
