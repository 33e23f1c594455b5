"""Which way the arrows point, and that the page's process stays light."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HEAVY = (
    "torch",
    "diffusers",
    "transformers",
    "cv2",
    "open_clip",
    "moviepy",
    "pydantic_ai",
    "openai",
    "outlines",
)
LAYERS = {
    "engine": ("studio", "gradio", "sqlmodel", "sqlalchemy"),
    "studio/store": ("studio.project", "studio.jobs", "studio.exchange", "studio.service", "studio.ui"),
    "studio/project": ("studio.jobs", "studio.exchange", "studio.service", "studio.ui"),
    "studio/exchange": ("studio.service", "studio.ui"),
    "studio/jobs": ("studio.service", "studio.ui", "gradio"),
    "studio/service": ("studio.ui", "gradio"),
    "studio/ui": ("studio.store", "studio.project", "studio.jobs", "studio.exchange", "sqlmodel"),
}


def imported(path: Path) -> set[str]:
    """Every module that a file names in an import, wherever it stands."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return names


@pytest.mark.parametrize("folder", LAYERS)
def test_arrows_point_one_way(folder: str) -> None:
    files = list((ROOT / folder).rglob("*.py"))
    assert files
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in files
        for name in imported(path)
        for banned in LAYERS[folder]
        if name == banned or name.startswith(f"{banned}.")
    ]
    assert wrong == []


@pytest.mark.slow
@pytest.mark.parametrize(
    "module",
    [
        "studio",
        "studio.service.studio",
        "studio.jobs.worker",
        "engine.agents",
        "engine.director",
        "engine.refiner",
    ],
)
def test_import_is_cheap(module: str) -> None:
    code = f"import sys, {module}; print(*sorted(set({HEAVY!r}) & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


@pytest.mark.slow
def test_a_whole_service_round_loads_no_torch(home: Path) -> None:
    """Not only the import: making, directing, editing and looking at a film stay light too."""
    code = f"""
import sys
from pathlib import Path
from studio.service.studio import Studio
with Studio(Path({str(home)!r})) as studio:
    project = studio.create_project("me").head.id
    list(studio.direct("me", project, "An old fisherman finds a lost child at night", shots=3, seed=1))
    view = studio.project("me", project)
    studio.edit_shot("me", view.shots[0].id, scale="close-up")
    studio.draw_all_stale("me", project)
    assert len(studio.project("me", project).shots) == 3
print(*sorted(set({HEAVY!r}) & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
