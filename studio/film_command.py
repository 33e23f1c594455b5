"""`stage film`: the workflow's events as progress on a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from engine import workflow
from engine.agents.choice import Agents, Role
from engine.catalogue import MINI, check_aspect, resized
from engine.director.choose import choose_director
from engine.director.stages import Logline, Warnings, Working
from engine.doctor import look_at_machine, refusal
from engine.errors import BadInput, StageError, UnsupportedError
from engine.freeing import free_memory
from engine.manifest import check_manifest_place
from engine.profile import Mode
from engine.profiles import Profile, get_profile
from engine.stored_pairs import UNFINISHED, PairStore, directing_of, frames_folder, is_unfinished
from engine.story import Storyboard
from engine.video.load import check_renderer
from engine.video.renderers import DEFAULT_RENDERER, Renderer, get_renderer, hindrance, quote
from engine.watched import at_work
from studio.output import check_place

if TYPE_CHECKING:
    from engine.step2.painter import PairPainter
    from engine.video.remote.ledger import Ledger
    from engine.video.renderer import ClipRenderer

T = TypeVar("T")
MAX_SCREENPLAY = 1_000_000  # bytes: longer than any screenplay, short of a mistaken file


def make_film(
    theme: str,
    out: Path,
    *,
    shots: int,
    seed: int,
    profile: str,
    pins: Sequence[str],
    screenplay: Path | None,
    agents: Agents | None = None,
    renderer: str = DEFAULT_RENDERER,
    seconds: float | None = None,
    aspect: str = "",
) -> None:
    """Direct, draw, refine, render and join, and say on the terminal how it goes. `seconds` is the film's
    length, else the director's choice; `aspect` its shape, else the profile's own.

    Raises:
        StageError: in one sentence.
    """
    out = film_name(out)
    chosen = get_profile(profile)
    check_aspect(chosen, aspect)
    chosen = resized(chosen, aspect)
    if chosen.family != MINI.family and (why_not := refusal(chosen, look_at_machine())):
        raise UnsupportedError(why_not)
    filmed_by = usable_renderer(renderer)
    parsed = [workflow.Pin.parse(pin) for pin in pins]
    console = Console(stderr=True)
    agents = agents or Agents()
    agents.target(Role.REFINER)  # what is missing is better said before hours of drawing
    check_place(out)
    check_manifest_place(out.with_suffix(".json"))
    story = _story(theme, screenplay)
    storyboard = _storyboard(agents, story, shots, seconds, chosen, seed, out, console)
    workflow.check(storyboard, parsed)
    if cost := price(filmed_by, storyboard):
        console.print(f"[yellow]{escape(cost)}[/]")
    from engine.refiner.model_refiner import open_refiner
    from engine.video.remote.ledger import FileLedger

    # Beside the film, so that the same command pays nothing twice after it was stopped.
    ledger = FileLedger(out.with_name(f"{out.stem}.operations.json"))
    with _progress(console) as progress:
        events = workflow.shoot(
            storyboard,
            out,
            painter=lambda: _opened(progress, chosen.title, lambda: _painter(chosen, out)),
            refiner=lambda: open_refiner(agents, storyboard.rate),
            renderer=lambda: _opened(progress, filmed_by.title, lambda: _clips(filmed_by, chosen, ledger)),
            seed=seed,
            pins=parsed,
        )
        try:
            with closing(events):  # Ctrl-C stops the drawing thread before anything else is torn down
                _show(events, len(storyboard.shots), progress)
        except (StageError, KeyboardInterrupt):
            if is_unfinished(out):
                console.print("[dim]What is directed and drawn stays: the same command goes on from it.[/]")
            raise
    seconds = storyboard.rate.seconds(storyboard.length)
    console.print(f"[green]{escape(str(out))}[/]: {len(storyboard.shots)} shots, {seconds:.1f} s.")
    if chosen.preview or chosen.mode is not Mode.PAIRS:  # the honest label stands wherever the pictures do
        console.print(f"[dim]{escape(chosen.note)}[/]")


def usable_renderer(name: str) -> Renderer:
    """The renderer of that name, before anything is drawn for it.

    Raises:
        BadInput: there is none.
        UnsupportedError: it cannot be used on this machine.
        CheckpointError: its weights are missing or damaged.
    """
    renderer = get_renderer(name)
    trouble = hindrance(renderer, look_at_machine())
    if trouble:
        raise UnsupportedError(trouble)
    check_renderer(renderer)  # it is loaded only when all pairs are drawn
    return renderer


def price(renderer: Renderer, storyboard: Storyboard) -> str:
    """What a paid service will ask for the clips of a film, in one sentence; "" where nothing is paid."""
    if renderer.cost.dollars is None:
        return ""
    quotes = [quote(renderer, shot.attributes.length, storyboard.rate) for shot in storyboard.shots]
    dollars = sum(q.dollars for q in quotes)
    return f"{len(quotes)} clips by {renderer.title} cost about ${dollars:.2f} ({renderer.cost.basis})."


def film_name(out: Path) -> Path:
    """The film's path with an .mp4 ending.

    Raises:
        BadInput: it has no name, or another ending: only MP4 films are made.
    """
    if out.name in ("", ".."):
        raise BadInput(f'"{out}" is a folder: name the film in it, "{out / "film.mp4"}".')
    if out.suffix.lower() == ".mp4":
        return out
    if out.suffix:
        raise BadInput(f'A film is an MP4: give "{out.with_suffix(".mp4")}" instead of "{out}".')
    return out.with_suffix(".mp4")


def _story(theme: str, screenplay: Path | None) -> str:
    if screenplay is None:
        return theme
    if theme:
        raise BadInput("Give a theme or a --screenplay, not both.")
    try:
        if screenplay.stat().st_size > MAX_SCREENPLAY:
            raise BadInput(f"{screenplay} is longer than a screenplay can be (1 MB): give a shorter text.")
        return screenplay.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise BadInput(f"{screenplay} cannot be read ({error.strerror}).") from error
    except UnicodeDecodeError as error:
        raise BadInput(f"{screenplay} is not a text file in UTF-8; save it as plain text.") from error


def _storyboard(
    agents: Agents,
    story: str,
    shots: int,
    seconds: float | None,
    profile: Profile,
    seed: int,
    out: Path,
    console: Console,
) -> Storyboard:
    """The director's storyboard. A model's takes time or money: that of a film that was stopped is kept, and
    used where the same is asked for again. The built-in director is as fast as reading its notes.
    """
    model = agents.target(Role.DIRECTOR)
    if model is None:
        return _direct(agents, story, shots, seconds, profile, seed, console)
    notes = PairStore(frames_folder(out))
    name = directing_of(model, story, shots, profile, seed, seconds)
    found = notes.directed(name)
    if found is None:
        found = _direct(agents, story, shots, seconds, profile, seed, console)
        notes.keep_directed(name, found)
    else:
        console.print(f"[bold]{escape(found.title)}[/]  {escape(found.logline)}")
        console.print(
            f"[dim]Directed by {escape(model.title)} before the film was stopped: give another --seed, or "
            f"delete {escape(str(notes.folder / UNFINISHED))}, to have it directed anew.[/]"
        )
    return found


def _direct(
    agents: Agents,
    theme: str,
    shots: int,
    seconds: float | None,
    profile: Profile,
    seed: int,
    console: Console,
) -> Storyboard:
    """Show the director at work, and return its storyboard."""
    storyboard: Storyboard | None = None
    events = workflow.direct(
        choose_director(agents), theme, shots=shots, profile=profile, seed=seed, seconds=seconds
    )
    with console.status("[dim]The director reads[/]") as status:
        for event in events:
            match event:
                case workflow.Directed(storyboard=found):
                    storyboard = found
                case workflow.Thought(stage=Logline(title=title, text=text)):
                    console.print(f"[bold]{escape(title)}[/]  {escape(text)}")
                case workflow.Thought(stage=Warnings(undrawable=words, notes=notes)):
                    if words:
                        console.print(
                            f"[yellow]{escape(profile.title)} cannot draw: {escape(', '.join(words))}.[/]"
                        )
                    for note in notes:
                        console.print(f"[yellow]{escape(note)}[/]")
                case workflow.Thought(stage=Working(doing=doing)):
                    status.update(f"[dim]The director is {escape(doing)}[/]")
                case workflow.Thought():
                    pass  # the shots themselves are shown as they are drawn
    assert storyboard is not None, "workflow.direct ends with a storyboard or raises"
    return storyboard


def _progress(console: Console) -> Progress:
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=28),
        TextColumn("{task.fields[note]}"),
        TimeElapsedColumn(),
        console=console,
    )


@contextmanager
def _opened(progress: Progress, title: str, load: Callable[[], T]) -> Iterator[T]:
    """A model, loaded where it will work, and gone afterwards: the next one may need its memory."""
    loading = progress.add_task(f"Opening {title}", total=None, note="")
    try:
        model = at_work(load)
    finally:
        progress.remove_task(loading)
    try:
        yield model
    finally:
        del model
        free_memory()


def _painter(profile: Profile, out: Path) -> PairPainter:
    from engine.step2.painter import load_painter

    _quiet_libraries()
    # Beside the pairs, so that the same command pays no picture twice after it was stopped.
    return load_painter(profile, paid=frames_folder(out) / "paid")


def _clips(renderer: Renderer, profile: Profile, ledger: Ledger) -> ClipRenderer:
    from engine.video.load import load_renderer
    from engine.video.super_resolution import load_upscaler

    _quiet_libraries()
    return load_renderer(renderer, load_upscaler(profile.checkpoint), ledger)


def _show(events: Iterable[workflow.Event], shots: int, progress: Progress) -> None:
    """One bar for the film, first its pairs and then its clips, and one for the shot at work."""
    film = progress.add_task("Pairs", total=shots, note="")
    now: TaskID = progress.add_task("", total=None, note="")
    for event in events:
        match event:
            case workflow.ShotStarted(shot=shot):
                progress.update(film, note=f"shot {shot} of {shots}")
                progress.reset(now, total=None, description="Drawing the pair", note="")
            case workflow.Step(done=done, total=total):
                progress.update(now, completed=done, total=total, note=f"step {done} of {total}")
            case workflow.PairDrawn(shot=shot, before=before):
                if before:
                    progress.console.print(f"{shot:>3}  drawn before the film was stopped", style="dim")
                progress.update(film, completed=shot)
                if shot == shots:
                    progress.reset(now, total=None, description="Reading the pairs", note="")
            case workflow.Refined(shot=shot, text=text, before=before):
                if before:
                    progress.console.print(f"{shot:>3}  written before the film was stopped:", style="dim")
                progress.console.print(f"{shot:>3}  {escape(text)}", style="dim", highlight=False)
                if shot == shots:
                    progress.reset(film, total=shots, description="Clips", note=f"shot 1 of {shots}")
                    progress.reset(now, total=None, description="Rendering the clip", note="")
            case workflow.Rendering(done=done, total=total):
                progress.update(now, completed=done, total=total, note=f"frame {done} of {total}")
            case workflow.ClipRendered(shot=shot):
                progress.update(film, completed=shot, note=f"shot {min(shot + 1, shots)} of {shots}")
                progress.reset(now, total=None, description="Rendering the clip", note="")
            case workflow.FilmDone():
                progress.update(now, visible=False)
            case workflow.Thought() | workflow.Directed():
                pass  # shown by _direct


def _quiet_libraries() -> None:
    """Their progress bars would write across ours."""
    from diffusers.utils import logging as diffusers_logging
    from transformers.utils import logging as transformers_logging

    diffusers_logging.disable_progress_bar()
    transformers_logging.disable_progress_bar()
