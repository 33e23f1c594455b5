"""A film that was stopped goes on from the pairs that it drew."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest

from engine import workflow
from engine.agents.choice import server_target
from engine.errors import StageError
from engine.manifest import read_manifest
from engine.profiles import get_profile
from engine.refiner import PlainRefiner
from engine.stored_pairs import PairStore, directing_of, frames_folder, is_unfinished
from engine.story import CastMember, Shot
from engine.video.animatic import AnimaticRenderer
from engine.workflow import Pin, shoot, shot_seed
from tests.engine.test_workflow import PROFILE, FlatPainter, bar, filmed, storyboard

pytestmark = pytest.mark.slow


class BrokenRenderer(AnimaticRenderer):
    def render(self, *args: object, **kwargs: object) -> None:
        raise StageError("no more film")


def stopped(out: Path, painter: FlatPainter, **kwargs: object) -> None:
    """A film whose clips fail: its pairs are drawn."""
    events = shoot(
        kwargs.pop("board", None) or storyboard(),
        out,
        painter=lambda: nullcontext(painter),
        refiner=lambda: nullcontext(PlainRefiner()),
        renderer=lambda: nullcontext(BrokenRenderer()),
        **kwargs,
    )
    with pytest.raises(StageError, match="no more film"):
        list(events)


def test_a_film_that_was_stopped_goes_on_from_its_pairs(tmp_path: Path) -> None:
    out = tmp_path / "film.mp4"
    first, second = FlatPainter(), FlatPainter()
    stopped(out, first, seed=2)
    assert is_unfinished(out)
    events = filmed(out, second, seed=2)
    assert not is_unfinished(out)
    assert (len(first.asked), len(second.asked)) == (3, 0)
    assert [e.before for e in events if isinstance(e, workflow.PairDrawn)] == [True] * 3
    went_on = read_manifest(tmp_path / "film.json")
    filmed(tmp_path / "other" / "film.mp4", seed=2)
    assert went_on == read_manifest(tmp_path / "other" / "film.json")


def test_what_stopped_runs_drew_otherwise_goes_with_the_film_that_is_done(tmp_path: Path) -> None:
    out = tmp_path / "film.mp4"
    stopped(out, FlatPainter(), seed=2)
    stopped(out, FlatPainter(), seed=3)
    assert len(list((tmp_path / "film.frames").glob("*.png"))) == 12
    filmed(out, seed=2)
    named = {p for shot in read_manifest(tmp_path / "film.json").shots for p in (shot.start, shot.end)}
    assert {f"film.frames/{p.name}" for p in (tmp_path / "film.frames").iterdir()} == named


def test_a_film_that_is_done_is_drawn_anew(tmp_path: Path) -> None:
    painter = FlatPainter()
    for _ in range(2):
        events = filmed(tmp_path / "film.mp4", painter)
        assert not any(e.before for e in events if isinstance(e, workflow.PairDrawn))
    assert len(painter.asked) == 6


@pytest.mark.parametrize("other", ["seed", "words", "weights", "steps", "pin"])
def test_a_pair_of_other_conditions_is_drawn(tmp_path: Path, other: str) -> None:
    out, painter, board = tmp_path / "film.mp4", FlatPainter(), storyboard()
    stopped(out, FlatPainter(), seed=2)
    seed, pins = 2, []
    if other == "seed":
        seed = 3
    elif other == "words":
        board.shots[1] = board.shots[1].model_copy(update={"description": "Ann runs"})
    elif other == "weights":
        painter.weights = "v" * 8
    elif other == "steps":
        painter.profile = replace(PROFILE, steps=4)
    else:
        pins = [Pin.parse("1:end")]
    events = filmed(out, painter, board=board, seed=seed, pins=pins)
    before = [e.before for e in events if isinstance(e, workflow.PairDrawn)]
    # This painter's pictures do not depend on words, so what follows the changed shot has the same memory.
    assert before == {"words": [True, False, True], "pin": [True, False, False]}.get(other, [False] * 3)


@pytest.mark.parametrize("damage", ["changed", "gone", "notes"])
def test_a_stored_pair_that_is_damaged_is_drawn_again(tmp_path: Path, damage: str) -> None:
    out, painter = tmp_path / "film.mp4", FlatPainter()
    stopped(out, FlatPainter(), seed=2)
    frames = tmp_path / "film.frames"
    end = next(frames.glob("002-end-*.png"))
    if damage == "changed":
        end.write_bytes(end.read_bytes()[:-9])
    elif damage == "gone":
        end.unlink()
    else:
        (frames / "unfinished.json").write_text('{"x": 1}')
    events = filmed(out, painter, seed=2)
    before = [e.before for e in events if isinstance(e, workflow.PairDrawn)]
    assert before == ([False] * 3 if damage == "notes" else [True, False, True])
    assert not (frames / "unfinished.json").exists()
    assert end.read_bytes() == bar(shot_seed(2, 2), 40)


def test_the_storyboard_of_a_model_is_kept_until_its_film_is_done(tmp_path: Path) -> None:
    out, board, mini = tmp_path / "film.mp4", storyboard(), get_profile("mini")
    model = server_target("http://127.0.0.1:9/v1", "m")
    name = directing_of(model, "A girl waits", 3, mini, 2)
    PairStore(frames_folder(out)).keep_directed(name, board)
    assert is_unfinished(out)
    stopped(out, FlatPainter(), seed=2)
    kept = PairStore(frames_folder(out))
    assert kept.directed(name) == board
    for other in (
        directing_of(model, "A boy waits", 3, mini, 2),
        directing_of(model, "A girl waits", 4, mini, 2),
        directing_of(model, "A girl waits", 3, get_profile("qwen-image"), 2),
        directing_of(model, "A girl waits", 3, mini, 3),
        directing_of(model, "A girl waits", 3, mini, 2, seconds=9.0),
        directing_of(server_target("http://127.0.0.1:9/v1", "n"), "A girl waits", 3, mini, 2),
    ):
        assert kept.directed(other) is None
    painter = FlatPainter()
    filmed(out, painter, seed=2)
    assert painter.asked == [], "the pairs are found beside the storyboard"
    assert not is_unfinished(out)


class Moody(PlainRefiner):
    """Writes another text each time, as a language model does."""

    def __init__(self, name: str = "moody") -> None:
        self.name = name
        self.asked = 0

    def refine(self, shot: Shot, cast: Sequence[CastMember], start: Path, end: Path) -> str:
        self.asked += 1
        return f"{self.name}, mood {id(self)}-{self.asked}"


class Listening(AnimaticRenderer):
    """Notes the texts that it gets, and fails at the second clip where it is told to."""

    def __init__(self, fails: bool) -> None:
        super().__init__()
        self.fails = fails
        self.heard: list[str] = []

    def render(self, refined: str, *args: object, **kwargs: object) -> None:
        self.heard.append(refined)
        if self.fails and len(self.heard) == 2:
            raise StageError("no more film")
        super().render(refined, *args, **kwargs)


def texts_of(out: Path, refiner: Moody, fails: bool = False, **kwargs: object) -> list[str]:
    """The texts that the renderer got in a run."""
    renderer = Listening(fails)
    events = shoot(
        kwargs.pop("board", None) or storyboard(),
        out,
        painter=lambda: nullcontext(FlatPainter()),
        refiner=lambda: nullcontext(refiner),
        renderer=lambda: nullcontext(renderer),
        seed=2,
        **kwargs,
    )
    if fails:
        with pytest.raises(StageError, match="no more film"):
            list(events)
    else:
        list(events)
    return renderer.heard


def test_a_film_that_was_stopped_has_the_texts_that_it_ordered_clips_with(tmp_path: Path) -> None:
    """A service knows an order again by its text: with another one the clip was paid twice."""
    out = tmp_path / "film.mp4"
    first, second = Moody(), Moody()
    ordered = texts_of(out, first, fails=True)
    again = texts_of(out, second)
    assert (len(ordered), again[:2]) == (2, ordered)
    assert (first.asked, second.asked) == (3, 0)
    assert [shot.refined for shot in read_manifest(tmp_path / "film.json").shots] == again
    assert texts_of(out, second)[:2] != ordered, "a film that is done is made anew"


@pytest.mark.parametrize("other", ["refiner", "words"])
def test_a_text_of_other_conditions_is_written(tmp_path: Path, other: str) -> None:
    out, board = tmp_path / "film.mp4", storyboard()
    texts_of(out, Moody(), fails=True)
    if other == "words":
        board.shots[1] = board.shots[1].model_copy(update={"description": "Ann runs"})
    second = Moody("another" if other == "refiner" else "moody")
    texts_of(out, second, board=board)
    assert second.asked == (3 if other == "refiner" else 1)
