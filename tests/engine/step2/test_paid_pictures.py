"""Pictures that are paid: what came before a drawing ended is not paid again."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.errors import BadInput, Cancelled, StageError
from engine.profiles import KEY_VARIABLES, MODELS_VARIABLE, get_profile
from engine.step2.conditions import PairConditions
from engine.step2.hosted import BASE_VARIABLE, MODEL_VARIABLE
from engine.step2.paid_pictures import KEPT_SECONDS
from engine.step2.painter import PairPainter, load_painter, settle
from tests.engine.step2.image_service import ImageService, image_service
from tests.engine.step2.tiny import tiny_ranker

SHOT = PairConditions("A forest.", "A forest.")


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[ImageService]:
    with image_service() as running:
        monkeypatch.setenv(KEY_VARIABLES[0], "sk-very-secret-0123456789")
        monkeypatch.setenv(BASE_VARIABLE, running.url)
        monkeypatch.setenv(MODEL_VARIABLE, "painter-1")
        monkeypatch.setenv(MODELS_VARIABLE, str(tmp_path))
        tiny_ranker().save_pretrained(tmp_path / "ranker")
        yield running


def painter(tmp_path: Path) -> PairPainter:
    return load_painter(get_profile("hosted-edit"), tmp_path / "cache")


def paid(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "cache" / "paid").glob("*"))


def refused(service: ImageService, after: int) -> None:
    """The service draws so many pictures, and refuses the next."""
    for _ in range(after):
        service.next(200)
    service.next(400, {"code": "moderation_blocked", "message": "rejected"})


@pytest.mark.parametrize("seeds", [(7, 8), (17, 18), (6, 7)], ids=["tried again", "drawn anew", "in part"])
def test_a_late_failure_loses_no_paid_picture(
    service: ImageService, tmp_path: Path, seeds: tuple[int, ...]
) -> None:
    refused(service, after=3)
    with pytest.raises(BadInput, match="content rules"):
        painter(tmp_path).draw(SHOT, [7, 8])
    steps: list[int] = []
    one = painter(tmp_path)
    takes = one.draw(SHOT, seeds, on_step=lambda done, total: steps.append(done))
    assert len(service.asked) == 5, "three are there, the fourth was refused, and is asked for again"
    assert steps[-1] == len(steps), "what is there counts as drawn"
    assert len({take.start for take in takes} | {take.end for take in takes}) == 4, "none is used twice"
    settle(one)
    assert paid(tmp_path) == []


def test_what_is_stored_is_drawn_anew(service: ImageService, tmp_path: Path) -> None:
    """The service takes no seed: the same one is to give another picture."""
    one = painter(tmp_path)
    (first,) = one.draw(SHOT, [7])
    settle(one)
    (second,) = one.draw(SHOT, [7])
    assert (len(service.asked), first.start == second.start) == (4, False)


def test_takes_that_were_not_stored_are_there_for_the_next_drawing(
    service: ImageService, tmp_path: Path
) -> None:
    one = painter(tmp_path)
    (first,) = one.draw(SHOT, [7])
    one.draw(PairConditions("A beach.", "A beach."), [7])
    settle(one)
    (again,) = one.draw(SHOT, [9])
    assert (len(service.asked), again.start, again.end) == (4, first.start, first.end)


def test_a_stop_keeps_the_picture_that_came(service: ImageService, tmp_path: Path) -> None:
    with pytest.raises(Cancelled):
        painter(tmp_path).draw(SHOT, [7], cancelled=lambda: len(service.asked) == 1)
    painter(tmp_path).draw(SHOT, [7])
    assert len(service.asked) == 2


def test_other_words_are_another_order(service: ImageService, tmp_path: Path) -> None:
    painter(tmp_path).draw(SHOT, [7])
    painter(tmp_path).draw(PairConditions("A beach.", "A forest."), [7])
    assert len(service.asked) == 4


KILLED = """
import sys
from pathlib import Path
from engine.profiles import get_profile
from engine.step2.conditions import PairConditions
from engine.step2.painter import load_painter
painter = load_painter(get_profile("hosted-edit"), Path(sys.argv[1]))
painter.draw(PairConditions("A forest.", "A forest."), [7])
"""


def test_who_is_killed_while_a_picture_is_ordered_does_not_pay_twice_unasked(
    service: ImageService, tmp_path: Path
) -> None:
    service.next("slow")
    command = [sys.executable, "-c", KILLED, str(tmp_path / "cache")]
    with subprocess.Popen(command, env=os.environ | {"HF_HUB_OFFLINE": "1"}) as killed:
        deadline = time.monotonic() + 60
        while not service.asked and time.monotonic() < deadline:
            time.sleep(0.01)
        killed.kill()
    assert len(service.asked) == 1
    one = painter(tmp_path)
    with pytest.raises(StageError, match=r"before the program ended .* look into your account .* draw again"):
        one.draw(SHOT, [7])
    assert len(service.asked) == 1
    one.draw(SHOT, [7])
    assert len(service.asked) == 3, "told once, it is ordered"


def test_a_refused_order_is_placed_again_when_it_is_asked_for(service: ImageService, tmp_path: Path) -> None:
    one = painter(tmp_path)
    for _ in range(2):
        refused(service, after=0)
        with pytest.raises(BadInput, match="content rules"):
            one.draw(SHOT, [7])
    assert (len(service.asked), paid(tmp_path)) == (2, [])


def test_a_damaged_picture_is_ordered_anew_and_an_old_one_goes(service: ImageService, tmp_path: Path) -> None:
    painter(tmp_path).draw(SHOT, [7])
    for path in paid(tmp_path):
        path.write_bytes(path.read_bytes()[:50])
    painter(tmp_path).draw(SHOT, [7])
    assert len(service.asked) == 4
    old = time.time() - KEPT_SECONDS - 60
    for path in paid(tmp_path):
        os.utime(path, (old, old))
    painter(tmp_path)
    assert paid(tmp_path) == []
