"""Studios for tests: real SQLite, real files, and where pictures are needed a painter of flat colours."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from studio.service.studio import Studio
from studio.store.home import Home
from tests.studio.fake_painter import STEP_SECONDS
from tests.studio.helpers import PAINTER


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whatever waits for a process that works is left out of `make check`."""
    for item in items:
        if "working" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with every migration and nothing else: they take longer than most tests."""
    home = Home(tmp_path_factory.mktemp("migrated"))
    home.close()
    return home.database.path


@pytest.fixture
def studio(home: Path, migrated: Path) -> Iterator[Studio]:
    """A studio without a running worker."""
    home.mkdir(exist_ok=True)
    shutil.copy(migrated, home)
    with Studio(home, painter=PAINTER) as opened:
        yield opened


@pytest.fixture
def working(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> Studio:
    """A studio whose worker process runs and draws at once."""
    monkeypatch.setenv(STEP_SECONDS, "0")
    studio.start_worker()
    return studio
