"""The workflow end to end, with a painter that draws flat frames: order, memory, pins, files, cancelling."""

from __future__ import annotations

import gc
import hashlib
import json
import weakref
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest

from engine import workflow
from engine.director.stages import Logline, ShotList, Stage
from engine.errors import BadInput, Cancelled, StageError
from engine.manifest import FilmManifest, read_manifest
from engine.profiles import Profile
from engine.refiner import PlainRefiner
from engine.step2.conditions import PackedFrame, PairConditions, PairRecipe, PairTake
from engine.story import (
    CastMember,
    CinematicAttributes,
    FrameRate,
    FrameSide,
    Movement,
    Place,
    Shot,
    Storyboard,
    slate_letters,
)
from engine.video.animatic import AnimaticRenderer
from engine.workflow import Pin, shoot, shot_seed
from tests.engine.video.pairs import decoded, png

pytestmark = pytest.mark.slow

T = TypeVar("T")
PROFILE = Profile("flat", "Flat", "", 64, 32, 3, 1.0, True, "flat colours")
LENGTHS = (3, 5, 2)


class FlatPainter:
    """Draws a pair of one colour that moves a white bar; it remembers what it was given."""

    profile = PROFILE
    weights = "w" * 8

    def __init__(self) -> None:
        self.asked: list[PairConditions] = []

    def draw(
        self,
        conditions: PairConditions,
        seeds: Sequence[int],
        *,
        steps: int | None = None,
        guidance: float | None = None,
        memory_guidance: float | None = None,
        on_step: Callable[[int, int], None] | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> list[PairTake]:
        self.asked.append(conditions)
        for i in range(3):
            if cancelled is not None and cancelled():
                raise Cancelled("stopped")
            if on_step is not None:
                on_step(i + 1, 3)
        recipe = PairRecipe(
            "flat", self.weights, seeds[0], 3, 1.0, 64, 32, 1, "float32", "cpu", {"paint": "1.0"}
        )
        return [PairTake(bar(seeds[0], 10), bar(seeds[0], 40), recipe, self.pack(conditions))]

    def pack(self, conditions: PairConditions) -> tuple[PackedFrame, ...]:
        ranked = sorted(conditions.memory, key=lambda m: not m.pinned)
        return tuple(
            PackedFrame(m.key, m.frame.sha256, i, 0.5**i, None, m.pinned, (0, 0, 1, 1))
            for i, m in enumerate(ranked, 1)
        )


def bar(seed: int, x: int) -> bytes:
    frame = np.full((32, 64, 3), seed % 200, np.uint8)
    frame[:, x : x + 8] = 255
    return png(frame)


class ThreeShots:
    """A director whose storyboard is always the same."""

    def direct(
        self, theme: str, *, shots: int, profile: Profile, seed: int = 0, seconds: float | None = None
    ) -> Iterator[Stage]:
        yield Logline("Three", theme)
        yield ShotList(storyboard())


def storyboard() -> Storyboard:
    shots = [
        Shot(
            description=f"Ann walks, part {i}",
            attributes=CinematicAttributes(length=n, movement=Movement.TRUCK_LEFT, cast=["Ann"]),
            scene=2,
            slate=slate_letters(i - 1),
        )
        for i, n in enumerate(LENGTHS, 1)
    ]
    rate = FrameRate(numerator=24000, denominator=1001)
    return Storyboard(
        title="Three",
        theme="t",
        logline="Ann walks.",
        look="soft light",
        rate=rate,
        cast=[CastMember(name="Ann", look="a red coat")],
        places=[Place(name="the quay", look="wet stones")],
        shots=shots,
    )


def shooting(
    out: Path, painter: FlatPainter | None = None, board: Storyboard | None = None, **kwargs: object
) -> Generator[workflow.Event, None, None]:
    return shoot(
        board or storyboard(),
        out,
        painter=lambda: nullcontext(painter or FlatPainter()),
        refiner=lambda: nullcontext(PlainRefiner()),
        renderer=lambda: nullcontext(AnimaticRenderer()),
        **kwargs,
    )


def filmed(out: Path, painter: FlatPainter | None = None, **kwargs: object) -> list[workflow.Event]:
    return list(shooting(out, painter, **kwargs))


def test_events_come_in_the_order_of_the_method(tmp_path: Path) -> None:
    events = filmed(tmp_path / "film.mp4")
    kinds = [type(e).__name__ for e in events]
    once = [k for i, k in enumerate(kinds) if i == 0 or k != kinds[i - 1]]
    pair, clip = ["ShotStarted", "Step", "PairDrawn"], ["Rendering", "ClipRendered"]
    assert once == pair * 3 + ["Refined"] + clip * 3 + ["FilmDone"]
    assert [e.shot for e in events if isinstance(e, workflow.Refined)] == [1, 2, 3]
    assert [e for e in events if isinstance(e, workflow.Step)][:3] == [
        workflow.Step(1, i, 3) for i in (1, 2, 3)
    ]
    rendering = [e for e in events if isinstance(e, workflow.Rendering) and e.shot == 2]
    assert rendering == [workflow.Rendering(2, i, 5) for i in range(1, 6)]


def test_the_film_has_the_sum_of_the_shots_frames(tmp_path: Path) -> None:
    filmed(tmp_path / "film.mp4")
    assert len(decoded(tmp_path / "film.mp4")) == sum(LENGTHS)


def test_memory_is_every_earlier_frame_as_stored(tmp_path: Path) -> None:
    painter = FlatPainter()
    drawn = [e for e in filmed(tmp_path / "film.mp4", painter) if isinstance(e, workflow.PairDrawn)]
    first, second, third = painter.asked
    assert first.memory == ()
    assert first.previous_end is None
    assert [m.key for m in second.memory] == ["1S", "1E"]
    assert [m.key for m in third.memory] == ["1S", "1E", "2S", "2E"]
    assert second.previous_end is not None
    assert second.previous_end.path == drawn[0].end
    assert third.previous_end == third.memory[3].frame
    for m in third.memory:
        assert hashlib.sha256(m.frame.path.read_bytes()).hexdigest() == m.frame.sha256
    assert third.prompt.startswith("Ann walks, part 3. Shot: ")
    assert "Cast: Ann, a red coat." in third.prompt
    assert third.description == "Ann walks, part 3"


def test_pins_mark_the_frame_for_every_later_shot(tmp_path: Path) -> None:
    painter = FlatPainter()
    filmed(tmp_path / "film.mp4", painter, pins=[Pin.parse("1:end")])
    pinned = [[m.key for m in asked.memory if m.pinned] for asked in painter.asked]
    assert pinned == [[], ["1E"], ["1E"]]
    shots = json.loads((tmp_path / "film.json").read_text())["shots"]
    assert shots[2]["lineage"]["memory"][0]["frame"] == "1E"
    assert shots[2]["lineage"]["memory"][0]["pinned"] is True


@pytest.mark.parametrize("text", ["", "1", "end", "1:middle", "x:end", "1:", "one:start", "1.5:end"])
def test_a_pin_that_cannot_be_read(text: str) -> None:
    with pytest.raises(BadInput, match="SHOT:start or SHOT:end"):
        Pin.parse(text)


@pytest.mark.parametrize("text", ["0:end", "3:start", "-1:end", "99:end"])
def test_a_pin_that_no_later_shot_sees(tmp_path: Path, text: str) -> None:
    painter = FlatPainter()
    with pytest.raises(BadInput, match="pins nothing: the film has 3 shots"):
        filmed(tmp_path / "film.mp4", painter, pins=[Pin.parse(text)])
    assert painter.asked == []


def test_the_manifest_has_every_field(tmp_path: Path) -> None:
    filmed(tmp_path / "my film.mp4", seed=9)
    film = json.loads((tmp_path / "my film.json").read_text())
    assert (film["title"], film["theme"], film["rate"]) == ("Three", "t", "24000/1001")
    assert (film["logline"], film["look"]) == ("Ann walks.", "soft light")
    assert film["cast"] == [{"name": "Ann", "look": "a red coat"}]
    assert film["places"] == [{"name": "the quay", "look": "wet stones", "interior": "EXT"}]
    assert film["fps"] == pytest.approx(23.976, abs=1e-3)
    assert len(film["shots"]) == 3
    for i, (shot, frames) in enumerate(zip(film["shots"], LENGTHS, strict=True), 1):
        assert set(shot) == {
            "description", "scene", "slate", "title", "locked", "words",
            "marks", "attributes", "refined", "by_hand", "start", "end", "lineage",
        }  # fmt: skip
        assert (shot["scene"], shot["slate"]) == (2, slate_letters(i - 1))
        assert shot["attributes"]["length"] == {
            "seconds": pytest.approx(frames * 1001 / 24000, abs=1e-6),
            "frames": frames,
        }
        assert shot["attributes"]["movement"] == "truck left"
        assert shot["refined"]
        assert (tmp_path / shot["start"]).read_bytes() == bar(shot_seed(9, i), 10)
        assert (tmp_path / shot["end"]).read_bytes() == bar(shot_seed(9, i), 40)
        lineage = shot["lineage"]
        assert (lineage["seed"], lineage["steps"]) == (shot_seed(9, i), 3)
        assert (lineage["profile"], lineage["mode"], lineage["weights"]) == ("flat", None, "w" * 8)
        assert (lineage["batch"], lineage["dtype"], lineage["device"]) == (1, "float32", "cpu")
        assert lineage["versions"] == {"paint": "1.0"}
    memory = film["shots"][1]["lineage"]["memory"]
    assert memory[0] == {
        "frame": "1S", "rank": 1, "share": 0.5, "similarity": None, "pinned": False, "box": [0, 0, 1, 1],
        "sha256": hashlib.sha256(bar(shot_seed(9, 1), 10)).hexdigest(), "later": False,
    }  # fmt: skip
    assert film["shots"][1]["marks"] is None, "only the studio has them: its packs tell what was pinned"


def test_the_manifest_gives_the_storyboard_back(tmp_path: Path) -> None:
    filmed(tmp_path / "film.mp4")
    read = read_manifest(tmp_path / "film.json")
    told = storyboard()
    assert read == FilmManifest.of(told, read.shots)
    assert [record.shot() for record in read.shots] == told.shots
    assert read.frame_rate() == told.rate
    recipe = PairRecipe(
        "flat", "w" * 8, shot_seed(0, 2), 3, 1.0, 64, 32, 1, "float32", "cpu", {"paint": "1.0"}
    )
    assert read.shots[1].lineage.recipe(64, 32) == recipe


def test_a_manifest_of_an_earlier_version_is_read(tmp_path: Path) -> None:
    filmed(tmp_path / "film.mp4")
    path = tmp_path / "film.json"
    film = json.loads(path.read_text())
    for name in ("logline", "look", "cast", "places"):
        del film[name]
    for shot in film["shots"]:
        del shot["scene"], shot["slate"], shot["marks"], shot["by_hand"], shot["lineage"]["lost"]
        for name in ("batch", "dtype", "device", "versions", "mode"):
            del shot["lineage"][name]
        for frame in shot["lineage"]["memory"]:
            del frame["box"], frame["sha256"], frame["later"]
    path.write_text(json.dumps(film))
    read = read_manifest(path)
    assert (read.look, read.cast, read.places) == ("", (), ())
    assert (read.shots[2].scene, read.shots[2].slate, read.shots[2].lineage.batch) == (1, "", 1)
    assert [m.box for m in read.shots[2].lineage.memory] == [None] * 4


@pytest.mark.parametrize("text", ["", "[]", "{", '{"title": "x"}', "\xff"])
def test_a_manifest_that_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "film.json").write_text(text, encoding="latin-1")
    with pytest.raises(BadInput, match="not a film that this program can read"):
        read_manifest(tmp_path / "film.json")


def test_seeds_differ_between_shots_and_films() -> None:
    seeds = [shot_seed(film, shot) for film in range(20) for shot in range(1, 20)]
    assert len(set(seeds)) == len(seeds)
    assert all(0 <= s < 2**31 for s in seeds)
    assert shot_seed(7, 3) == shot_seed(7, 3)


def test_a_second_film_of_that_name_replaces_the_first_whole(tmp_path: Path) -> None:
    (tmp_path / "film.frames").mkdir()
    mine = tmp_path / "film.frames" / "notes.png"
    mine.write_text("put here by somebody")
    out = tmp_path / "film.mp4"
    filmed(out, seed=1)
    first = {p.name for p in (tmp_path / "film.frames").iterdir()}
    filmed(out, seed=2)
    second = {p.name for p in (tmp_path / "film.frames").iterdir()}
    assert len(first) == len(second) == 7
    assert first & second == {"notes.png"}


def test_a_film_that_fails_leaves_the_earlier_one_and_the_drawn_frames(tmp_path: Path) -> None:
    out = tmp_path / "film.mp4"
    filmed(out, seed=1)
    film, manifest = out.read_bytes(), (tmp_path / "film.json").read_bytes()

    class FailingPainter(FlatPainter):
        def draw(self, conditions: PairConditions, seeds: Sequence[int], **kwargs: object) -> list[PairTake]:
            if len(self.asked) == 2:
                raise StageError("no more colours")
            return super().draw(conditions, seeds, **kwargs)

    with pytest.raises(StageError, match="no more colours"):
        filmed(out, FailingPainter(), seed=2)
    assert out.read_bytes() == film
    assert (tmp_path / "film.json").read_bytes() == manifest
    assert len(list((tmp_path / "film.frames").glob("*.png"))) == 6 + 4


def test_a_model_is_gone_before_the_next_is_opened(tmp_path: Path) -> None:
    """Two large models do not fit a card together: with reference cycles, as modules and hooks have them."""
    open_now: list[str] = []
    alive: list[weakref.ref[object]] = []

    def opener(name: str, make: Callable[[], T]) -> workflow.Opener[T]:
        @contextmanager
        def opened() -> Iterator[T]:
            gc.collect()
            assert [ref() for ref in alive if ref() is not None] == [], f"before {name}"
            model = make()
            model.itself = model
            alive.append(weakref.ref(model))
            open_now.append(name)
            yield model

        return opened

    events = shoot(
        storyboard(),
        tmp_path / "film.mp4",
        painter=opener("painter", FlatPainter),
        refiner=opener("refiner", PlainRefiner),
        renderer=opener("renderer", AnimaticRenderer),
    )
    assert isinstance(list(events)[-1], workflow.FilmDone)
    assert open_now == ["painter", "refiner", "renderer"]


@pytest.mark.parametrize(
    "kind", [workflow.Step, workflow.PairDrawn, workflow.Rendering, workflow.ClipRendered]
)
def test_cancelling_stops_within_a_step(tmp_path: Path, kind: type[workflow.Event]) -> None:
    seen: list[workflow.Event] = []
    events = shooting(tmp_path / "film.mp4", cancelled=lambda: any(isinstance(e, kind) for e in seen))
    with pytest.raises(Cancelled):
        seen.extend(events)  # `cancelled` watches the list as it grows
    assert not (tmp_path / "film.mp4").exists()
    assert max(e.shot for e in seen if isinstance(e, kind)) == 1


def test_closing_the_generator_ends_the_work(tmp_path: Path) -> None:
    renderer = AnimaticRenderer()
    working = [False]

    def render(*args: object, **kwargs: object) -> None:
        working[0] = True
        try:
            AnimaticRenderer.render(renderer, *args, **kwargs)
        finally:
            working[0] = False

    renderer.render = render
    events = shoot(
        storyboard(),
        tmp_path / "film.mp4",
        painter=lambda: nullcontext(FlatPainter()),
        refiner=lambda: nullcontext(PlainRefiner()),
        renderer=lambda: nullcontext(renderer),
    )
    while not isinstance(next(events), workflow.Rendering):
        pass
    events.close()
    assert working == [False]
    assert not (tmp_path / "film.mp4").exists()


def test_a_storyboard_without_shots(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="at least one shot"):
        list(shooting(tmp_path / "f.mp4", board=Storyboard()))


def test_an_output_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StageError, match="cannot be written"):
        filmed(tmp_path / "file" / "film.mp4")


def test_directing_shows_every_stage_and_ends_with_the_storyboard() -> None:
    events = list(workflow.direct(ThreeShots(), "a theme", shots=3, profile=PROFILE))
    assert events[0] == workflow.Thought(Logline("Three", "a theme"))
    assert events[-1] == workflow.Directed(storyboard())


def test_the_side_of_a_key() -> None:
    assert Pin(12, FrameSide.START).key == "12S"
