"""Studios for tests: real SQLite, real files, and where pictures are needed a painter of flat colours."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from studio.service.studio import Studio
from tests.studio.fake_painter import STEP_SECONDS
from tests.studio.helpers import PAINTER


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whatever waits for a process that works is left out of `make check`."""
    for item in items:
        if "working" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.slow)


@pytest.fixture
def studio(home: Path) -> Iterator[Studio]:
    """A studio without a running worker."""
    with Studio(home, painter=PAINTER) as opened:
        yield opened


@pytest.fixture
def working(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> Studio:
    """A studio whose worker process runs and draws at once."""
    monkeypatch.setenv(STEP_SECONDS, "0")
    studio.start_worker()
    return studio
