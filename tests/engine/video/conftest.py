"""A paid service on the loopback, in the place of the real one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.video.framing import Framing
from tests.engine.video.pairs import saved, scenery, seen
from tests.engine.video.scene import KINDS, SIZE, VARIABLES, Scene
from tests.engine.video.services import KEY, serving, video_file


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The clip that services send: the pair between bars, dissolving."""
    put = [Framing.of((256, 128), SIZE).put(seen(scenery(i))) for i in (1, 2)]
    return video_file(tmp_path_factory.mktemp("service"), *put)


@pytest.fixture(params=KINDS)
def scene(
    request: pytest.FixtureRequest, films: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Scene]:
    with serving(KINDS[request.param](films)) as service:
        url, key = VARIABLES[request.param]
        monkeypatch.setenv(url, service.url)
        monkeypatch.setenv(key, KEY)
        start, end = (saved(tmp_path, f"{i}.png", seen(scenery(i))) for i in (1, 2))
        yield Scene(request.param, service, tmp_path, start, end)
