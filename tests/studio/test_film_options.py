"""`stage film` makes a film of the length and the shape that were asked for."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from engine.manifest import read_manifest
from engine.profiles import KEY_VARIABLES, MODELS_VARIABLE
from engine.step2.hosted import BASE_VARIABLE
from studio.cli import film
from tests.engine.agents import film as told
from tests.engine.agents.fake_server import FakeServer
from tests.engine.step2.image_service import image_service
from tests.engine.step2.tiny import tiny_ranker
from tests.studio.test_cli import one_sentence, stage

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("aspect", "size"), [("", (1536, 864)), ("9:16", (864, 1536)), ("2.39:1", (1776, 752))]
)
def test_a_film_has_the_length_and_the_shape_that_were_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, aspect: str, size: tuple[int, int]
) -> None:
    out = tmp_path / "film.mp4"
    tiny_ranker().save_pretrained(tmp_path / "ranker")
    with image_service() as service:
        monkeypatch.setenv(KEY_VARIABLES[0], "sk-very-secret-0123456789")
        monkeypatch.setenv(BASE_VARIABLE, service.url)
        monkeypatch.setenv(MODELS_VARIABLE, str(tmp_path))
        film("A girl waits", out, shots=2, seconds=1.5, aspect=aspect, profile="hosted-edit",
             renderer="dissolve")  # fmt: skip
    made = read_manifest(tmp_path / "film.json")
    assert [Image.open(tmp_path / shot.start).size for shot in made.shots] == [size] * 2
    board = made.storyboard()
    assert board.length == board.rate.frames(1.5)


def test_a_model_directs_to_the_length_and_is_asked_anew_for_another(tmp_path: Path) -> None:
    """The drawing cannot begin: its checkpoint is missing."""
    with FakeServer(then=told.stage) as server:
        command = ("film", "A girl waits", "-o", str(tmp_path / "f.mp4"), "--shots", "3",
                   "--director", "server", "--llm-url", server.url, "--llm-model", "m")  # fmt: skip
        asked = [0]
        for length in (("--seconds", "6"), ("--seconds", "6"), ()):
            done = stage(*command, *length, STAGE_MINI_CHECKPOINT=str(tmp_path / "none"))
            assert "checkpoint" in one_sentence(done)
            asked.append(len(server.requests))
    assert asked[0] < asked[1] == asked[2] < asked[3]
    assert any("exactly 144" in text for text in server.texts[: asked[1]])
    assert not any("exactly 144" in text for text in server.texts[asked[1] :])
