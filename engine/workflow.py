"""The whole of STAGE as one generator of typed events: theme -> storyboard -> pairs -> clips -> film.

    S = {(D_i, C_i)} = G_dire(T_desc)                    eq. 7   engine.director
    (F^S_i, F^E_i) = STEP2(D_i, C_i, history)            eq. 8   engine.step2
    R_i = G_refiner(D_i, C_i, F^S_i, F^E_i)              eq. 9   engine.refiner
    V_i = G_video(R_i, F^S_i, F^E_i)                     eq. 10  engine.video
    film = V_1 + V_2 + ...                                       engine.video.film

Needs no torch of its own: the painter that is handed in brings it.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from engine.errors import BadInput
from engine.manifest import FilmManifest, LineageRecord, ShotRecord, abandoned_frames, write_manifest
from engine.step2.conditions import MemoryFrame, PairConditions, PairTake
from engine.step2.painter import settle
from engine.step2.prompt import compose
from engine.stored_pairs import PairStore, StoredPair, drawing_of, frames_folder, refining_of
from engine.story import FrameRate, FrameSide, Shot, Storyboard
from engine.video.film import assemble
from engine.watched import IsCancelled, watched

T = TypeVar("T")
Opener = Callable[[], AbstractContextManager[T]]
"""Opens a model for as long as it is needed, and lets it go."""

if TYPE_CHECKING:
    from engine.director.stages import Director, Stage
    from engine.profiles import Profile
    from engine.refiner import Refiner
    from engine.step2.painter import PairPainter
    from engine.video.renderer import ClipRenderer


@dataclass(frozen=True)
class Thought:
    """The director finished a stage of its thinking."""

    stage: Stage


@dataclass(frozen=True)
class Directed:
    """The storyboard is there."""

    storyboard: Storyboard


@dataclass(frozen=True)
class ShotStarted:
    """Shots count from 1."""

    shot: int


@dataclass(frozen=True)
class Step:
    """`done` of `total` denoising steps of a pair."""

    shot: int
    done: int
    total: int


@dataclass(frozen=True)
class PairDrawn:
    """The pair is drawn, and both frames are stored; `before`: by an earlier run, which was stopped."""

    shot: int
    take: PairTake
    start: Path
    end: Path
    before: bool = False


@dataclass(frozen=True)
class Refined:
    """The text R_i that tells the video model what moves; `before`: written by an earlier run."""

    shot: int
    text: str
    before: bool = False


@dataclass(frozen=True)
class Rendering:
    """`done` of `total` frames of a clip."""

    shot: int
    done: int
    total: int


@dataclass(frozen=True)
class ClipRendered:
    """The clip of a shot; the file lives until the film is done."""

    shot: int
    path: Path


@dataclass(frozen=True)
class FilmDone:
    """The film, and the manifest that is written beside it."""

    path: Path
    manifest: Path


Event = Thought | Directed | ShotStarted | Step | PairDrawn | Refined | Rendering | ClipRendered | FilmDone


@dataclass(frozen=True)
class Pin:
    """A frame that goes first into the memory of every later shot."""

    shot: int
    side: FrameSide

    @property
    def key(self) -> str:
        return frame_key(self.shot, self.side)

    @classmethod
    def parse(cls, text: str) -> Pin:
        """`2:end` -> Pin(2, end).

        Raises:
            BadInput: the text has another form.
        """
        number, _, side = text.partition(":")
        try:
            return cls(int(number), FrameSide(side.strip().lower()))
        except ValueError as error:
            raise BadInput(f'"{text}" is no pin: write SHOT:start or SHOT:end, for example 1:end.') from error


def frame_key(shot: int, side: FrameSide) -> str:
    """What people read for a frame: the end of shot 2 is `2E`."""
    return f"{shot}{side.value[0].upper()}"


def shot_seed(film_seed: int, shot: int) -> int:
    """The seed of a shot (from 1) of a film: the first 31 bits of SHA-256 of `film_seed:shot`.

    Neighbouring film seeds share no shot's noise, and a shot keeps its seed when others are added after it.
    """
    digest = hashlib.sha256(f"{film_seed}:{shot}".encode()).digest()
    return int.from_bytes(digest[:4], "big") >> 1


def direct(
    director: Director,
    theme: str,
    *,
    shots: int,
    profile: Profile,
    seed: int = 0,
    seconds: float | None = None,
) -> Iterator[Thought | Directed]:
    """Equation 7 as events: the director's stages, then the storyboard. `seconds` fixes the film's length.

    Raises:
        BadInput: the theme cannot be read, so many shots cannot last so long, or the director gave none.
    """
    from engine.director.stages import ShotList

    storyboard: Storyboard | None = None
    for stage in director.direct(theme, shots=shots, profile=profile, seed=seed, seconds=seconds):
        yield Thought(stage)
        if isinstance(stage, ShotList):
            storyboard = stage.storyboard
    if storyboard is None or not storyboard.shots:
        raise BadInput("The director made no shots of this theme: try other words.")
    yield Directed(storyboard)


def shoot(
    storyboard: Storyboard,
    out: Path,
    *,
    painter: Opener[PairPainter],
    refiner: Opener[Refiner],
    renderer: Opener[ClipRenderer],
    seed: int = 0,
    pins: Sequence[Pin] = (),
    cancelled: IsCancelled | None = None,
) -> Generator[Event, None, None]:
    """Equations 8 to 10, one after the other for all shots of a storyboard, then the film.

    Each model is opened when its turn comes and closed before the next: large ones need not fit together.
    The pairs' PNG files stay in the folder `<film>.frames` beside the film whatever happens, and a film that
    was stopped goes on from them; the film and its manifest `<film>.json` appear when they are whole, and
    replace earlier ones only then.

    Raises:
        BadInput: no shots, or a pin that no later shot could see.
        Cancelled: `cancelled` returned True.
        StageError: anything else that the user can do something about.
    """
    check(storyboard, pins)
    store = PairStore(frames_folder(out))
    pairs = yield from draw_pairs(storyboard, store, painter, seed, pins, cancelled)
    texts = yield from refine_texts(storyboard, store, pairs, refiner)
    with tempfile.TemporaryDirectory(prefix="stage-clips-") as folder:
        clips = yield from render_clips(storyboard, pairs, texts, Path(folder), renderer, seed, cancelled)
        assemble(clips, out, storyboard.rate, cancelled)
    records = [
        ShotRecord.of(
            shot,
            storyboard.rate,
            text,
            pair.start.path.relative_to(out.parent).as_posix(),
            pair.end.path.relative_to(out.parent).as_posix(),
            LineageRecord.of(pair.take.recipe, pair.take.memory),
        )
        for shot, pair, text in zip(storyboard.shots, pairs, texts, strict=True)
    ]
    manifest = out.with_suffix(".json")
    unused = abandoned_frames(manifest, records)
    write_manifest(manifest, FilmManifest.of(storyboard, records))
    for path in unused:
        path.unlink(missing_ok=True)
    store.finish(pairs)
    yield FilmDone(out, manifest)


def draw_pairs(
    storyboard: Storyboard,
    store: PairStore,
    opener: Opener[PairPainter],
    seed: int,
    pins: Sequence[Pin],
    cancelled: IsCancelled | None,
) -> Generator[Event, None, list[StoredPair]]:
    """Equation 8. The memory bank of shot i is every frame of every earlier shot; its previous end is the end
    of shot i-1. Both are the PNG files as they are stored.
    """
    pinned = {pin.key for pin in pins}
    bank: list[MemoryFrame] = []
    pairs: list[StoredPair] = []
    with opener() as painter:
        for i, shot in enumerate(storyboard.shots, 1):
            yield ShotStarted(i)
            conditions = PairConditions(
                prompt=compose(shot, storyboard.cast, storyboard.places, storyboard.look),
                description=shot.description,
                previous_end=pairs[-1].end if pairs else None,
                memory=tuple(bank),
            )
            noise = shot_seed(seed, i)
            drawing = drawing_of(painter, conditions, noise)
            before = store.find(drawing)
            pair = before
            if pair is None:
                pair = store.keep(drawing, i, (yield from _draw(painter, conditions, i, noise, cancelled)))
                settle(painter)
            pairs.append(pair)
            yield PairDrawn(i, pair.take, pair.start.path, pair.end.path, before=before is not None)
            for side, frame in ((FrameSide.START, pair.start), (FrameSide.END, pair.end)):
                key = frame_key(i, side)
                bank.append(MemoryFrame(key, frame, pinned=key in pinned))
    return pairs


def refine_texts(
    storyboard: Storyboard, store: PairStore, pairs: Sequence[StoredPair], opener: Opener[Refiner]
) -> Generator[Event, None, list[str]]:
    """Equation 9: what moves in every shot, read off its pair; a text that an earlier run had stays."""
    texts: list[str] = []
    with opener() as refiner:
        for i, (shot, pair) in enumerate(zip(storyboard.shots, pairs, strict=True), 1):
            refining = refining_of(refiner.name, shot, storyboard, pair)
            before = store.refined(refining)
            text = before
            if text is None:
                text = refiner.refine(shot, storyboard.cast, pair.start.path, pair.end.path)
                store.keep_refined(refining, text)
            texts.append(text)
            yield Refined(i, text, before=before is not None)
    return texts


def render_clips(
    storyboard: Storyboard,
    pairs: Sequence[StoredPair],
    texts: Sequence[str],
    folder: Path,
    opener: Opener[ClipRenderer],
    seed: int,
    cancelled: IsCancelled | None,
) -> Generator[Event, None, list[Path]]:
    """Equation 10: a clip of every pair, as files in `folder`."""
    clips: list[Path] = []
    with opener() as renderer:
        for i, (shot, pair, text) in enumerate(zip(storyboard.shots, pairs, texts, strict=True), 1):
            clip = folder / f"{i:03d}.mp4"
            ends = (pair.start.path, pair.end.path)
            noise = shot_seed(seed, i)
            yield from _render(renderer, shot, storyboard.rate, text, ends, clip, i, noise, cancelled)
            clips.append(clip)
            yield ClipRendered(i, clip)
    return clips


def _draw(
    painter: PairPainter, conditions: PairConditions, shot: int, seed: int, cancelled: IsCancelled | None
) -> Generator[Event, None, PairTake]:
    takes = yield from watched(
        lambda report, stop: painter.draw(conditions, [seed], on_step=report, cancelled=stop),
        lambda done, total: Step(shot, done, total),
        cancelled,
    )
    return takes[0]


def _render(
    renderer: ClipRenderer,
    shot: Shot,
    rate: FrameRate,
    text: str,
    pair: tuple[Path, Path],
    clip: Path,
    number: int,
    seed: int,
    cancelled: IsCancelled | None,
) -> Generator[Event, None, None]:
    attributes = shot.attributes
    yield from watched(
        lambda report, stop: renderer.render(
            text,
            *pair,
            movement=attributes.movement,
            frames=attributes.length,
            rate=rate,
            out=clip,
            seed=seed,
            on_frame=report,
            cancelled=stop,
        ),
        lambda done, total: Rendering(number, done, total),
        cancelled,
    )


def check(storyboard: Storyboard, pins: Sequence[Pin]) -> None:
    """Refuse a storyboard or pins that cannot be shot: cheap, to be asked before a model is loaded.

    Raises:
        BadInput: no shots, or a pin that no later shot could see.
    """
    count = len(storyboard.shots)
    if not count:
        raise BadInput("A film needs at least one shot.")
    for pin in pins:
        if not 1 <= pin.shot < count:
            raise BadInput(
                f"{pin.shot}:{pin.side.value} pins nothing: the film has {count} shots, and a pin must leave "
                "a later shot to be remembered in."
            )
