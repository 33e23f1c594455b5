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
