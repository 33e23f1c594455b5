"""`stage …`: the studio, and the whole of STAGE without a browser.

Every command imports what it needs when it runs, so that `stage --help` is instant.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    help="STAGE Studio: from a sentence to a film, shot by shot.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@contextmanager
def _one_sentence() -> Iterator[None]:
    """User-facing trouble becomes its sentence on stderr and exit code 1; Ctrl-C ends quietly with 130."""
    from engine.errors import StageError

    try:
        yield
    except StageError as error:
        typer.secho(str(error), fg=typer.colors.RED, err=True)
        raise typer.Exit(1) from error
    except KeyboardInterrupt as error:
        typer.echo("Stopped.", err=True)
        raise typer.Exit(130) from error


@app.command()
def film(
    theme: Annotated[str, typer.Argument(help="What the film is about, in a sentence or a page.")] = "",
    out: Annotated[Path, typer.Option("--out", "-o", help="The film to write.")] = Path("film.mp4"),
    shots: Annotated[int, typer.Option(min=1, help="How many shots.")] = 5,
    seed: Annotated[
        int, typer.Option(min=0, help="The same seed gives the same film on the same machine.")
    ] = 7,
    profile: Annotated[str, typer.Option(help="Which models draw.")] = "mini",
    pin: Annotated[
        list[str] | None,
        typer.Option(
            help="SHOT:start or SHOT:end: a frame that every later shot remembers first. Repeatable."
        ),
    ] = None,
    screenplay: Annotated[
        Path | None, typer.Option(help="A text file to film instead of a theme: a story, or Fountain.")
    ] = None,
) -> None:
    """Make a film of a theme: an MP4, and beside it film.json and the frames of every shot."""
    with _one_sentence():
        from studio.film_command import make_film

        make_film(theme, out, shots=shots, seed=seed, profile=profile, pins=pin or [], screenplay=screenplay)


@app.command()
def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="For programs: a list of findings.")] = False,
) -> None:
    """Say what this machine can run."""
    with _one_sentence():
        from dataclasses import asdict

        from engine.doctor import Verdict
        from engine.profiles import doctor as examine

        findings = examine()
        if as_json:
            typer.echo(json.dumps([asdict(f) for f in findings], indent=2))
            return
        from rich.console import Console
        from rich.table import Table

        table = Table(box=None, show_header=False, pad_edge=False)
        marks = {Verdict.OK: "[green]ok", Verdict.NOTE: "[yellow]note", Verdict.TROUBLE: "[red]trouble"}
        for finding in findings:
            table.add_row(marks[finding.verdict], finding.subject, finding.sentence)
        Console().print(table)


@app.command()
def train(
    what: Annotated[str, typer.Argument(help="What to train: the mini checkpoint.")] = "mini",
    stage: Annotated[
        str | None,
        typer.Option(
            help="vae, latents, clip, pretrain, context, sft, upscaler or export; else all of them."
        ),
    ] = None,
    run: Annotated[Path, typer.Option(help="The folder of the run; a stage goes on where it was.")] = Path(
        "runs/mini"
    ),
    out: Annotated[Path, typer.Option(help="Where export writes the checkpoint.")] = Path("runs/step2-mini"),
    minutes: Annotated[
        float | None, typer.Option(min=0.01, help="The budget of a stage, in minutes.")
    ] = None,
    films: Annotated[int, typer.Option(min=1, help="How many films are drawn to learn from.")] = 6000,
    threads: Annotated[int, typer.Option(min=1, help="CPU threads.")] = 2,
    start: Annotated[
        Path | None, typer.Option(help="Weights for vae or pretrain to begin with, or a checkpoint for sft.")
    ] = None,
) -> None:
    """Train the mini checkpoint from nothing, stage by stage, on a CPU."""
    with _one_sentence():
        from engine.errors import BadInput

        if what != "mini":
            raise BadInput(f"Only the mini checkpoint can be trained from here, not {what}.")
        try:
            from engine.training.commands import Stage, train_mini
        except ModuleNotFoundError as error:
            if error.name != "skia":
                raise
            raise BadInput(
                "Training draws its world with skia-python: pip install 'stage-studio[train]'."
            ) from error
        if stage is not None and stage not in {s.value for s in Stage}:
            raise BadInput(f"There is no stage {stage}: choose {', '.join(s.value for s in Stage)}.")
        train_mini(Stage(stage) if stage else None, run, out, minutes, films, threads, start)


@app.command()
def studio(
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Where the page is served; else the next free one.")
    ] = None,
    home: Annotated[
        Path | None, typer.Option(help="The folder of projects; else $STAGE_HOME, else ~/.stage-studio.")
    ] = None,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Only serve; open no browser.")] = False,
) -> None:
    """Open the studio in the browser."""
    with _one_sentence():
        from studio.store.home import default_home
        from studio.ui.launch import launch

        launch(home or default_home(), port, not no_browser)


def main() -> None:
    """The `stage` command."""
    app(prog_name="stage")


if __name__ == "__main__":
    main()
