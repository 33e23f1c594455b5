"""`stage …`: the studio, and the whole of STAGE without a browser.

Every command imports what it needs when it runs, so that `stage --help` is instant.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from engine.agents.choice import Agents

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


def _use_adapter(name: str | None, profile: str | None = None) -> None:
    """Names the user's STEP² LoRA for this process and those that it starts. Raises CheckpointError, and
    BadInput where the profile would draw without it.
    """
    if name is None:
        return
    import os

    from engine.catalogue import MINI
    from engine.errors import BadInput
    from engine.profile import Mode
    from engine.profiles import ADAPTER_VARIABLE, get_profile
    from engine.step2.adapter import check_adapters

    check_adapters(name)
    chosen = get_profile(profile, name) if profile else None
    if chosen and (chosen.mode is not Mode.PAIRS or chosen.family == MINI.family):
        raise BadInput(
            f"The profile {profile} draws without a STEP² LoRA: leave out --step2-lora, or choose qwen-image "
            "or qwen-image-2512."
        )
    os.environ[ADAPTER_VARIABLE] = name


_LLM_URL = "An OpenAI-compatible server, up to /v1; else $STAGE_LLM_URL. Keys come from the environment only."
_LLM_MODEL = "The model's name there; else $STAGE_LLM_MODEL."
_LOCAL_LLM = "A folder or a hub id of a model to load here; else $STAGE_LOCAL_LLM."


def _agents(**fields: str) -> Agents:
    """The choice that options make. Raises BadInput with the option that is wrong."""
    from pydantic import ValidationError

    from engine.agents.choice import Agents
    from engine.errors import BadInput

    try:
        return Agents.model_validate(fields)
    except ValidationError as error:
        first = error.errors()[0]
        message = first["msg"].removeprefix("Value error, ")
        if first["loc"] == ("url",):  # never repeated: it may hold a password
            raise BadInput(f"The address of --llm-url cannot be used: {message}.") from None
        raise BadInput(f'"{first["input"]}" is no {first["loc"][0]}: {message}.') from error


@app.command()
def film(
    theme: Annotated[str, typer.Argument(help="What the film is about, in a sentence or a page.")] = "",
    out: Annotated[Path, typer.Option("--out", "-o", help="The film to write.")] = Path("film.mp4"),
    shots: Annotated[int, typer.Option(min=1, help="How many shots.")] = 5,
    seconds: Annotated[
        float | None, typer.Option(help="How long the film is; else as long as its director finds right.")
    ] = None,
    aspect: Annotated[
        str, typer.Option(help="16:9, 2.39:1, 4:3, 1:1 or 9:16, if the profile offers it; else its own.")
    ] = "",
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
    renderer: Annotated[
        str, typer.Option(help="What turns pairs into clips; `stage doctor` lists them all.")
    ] = "animatic",
    step2_lora: Annotated[
        str | None,
        typer.Option(help="Your own STEP² LoRA: a folder or a hub id; else $STAGE_STEP2_LORA."),
    ] = None,
    director: Annotated[str, typer.Option(help="Who directs: built-in, server or local.")] = "built-in",
    refiner: Annotated[
        str, typer.Option(help="Who says what moves between the frames: built-in, server or local.")
    ] = "built-in",
    llm_url: Annotated[str, typer.Option(help=_LLM_URL)] = "",
    llm_model: Annotated[str, typer.Option(help=_LLM_MODEL)] = "",
    local_llm: Annotated[str, typer.Option(help=_LOCAL_LLM)] = "",
) -> None:
    """Make a film of a theme: an MP4, and beside it film.json and the frames of every shot."""
    with _one_sentence():
        from studio.film_command import make_film

        _use_adapter(step2_lora, profile)
        agents = _agents(director=director, refiner=refiner, url=llm_url, model=llm_model, local=local_llm)
        make_film(
            theme,
            out,
            shots=shots,
            seconds=seconds,
            aspect=aspect,
            seed=seed,
            profile=profile,
            pins=pin or [],
            screenplay=screenplay,
            agents=agents,
            renderer=renderer,
        )


@app.command()
def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="For programs: a list of findings.")] = False,
    table: Annotated[
        bool, typer.Option("--table", help="Which profile for which machine, as in README.")
    ] = False,
    dry_run: Annotated[
        str | None,
        typer.Option(help="Add up what a profile would take, from its configurations, loading no weight."),
    ] = None,
) -> None:
    """Say what this machine can run."""
    with _one_sentence():
        if table:
            from engine.fitting import table as machines

            typer.echo(machines())
            return
        if dry_run is not None:
            from engine.profiles import get_profile
            from engine.sizes import GIB
            from engine.step2.dry_report import dry

            found = dry(get_profile(dry_run))
            for name, size in found.weights.items():
                at_work = f", and {found.work[name] / GIB:.2f} GiB at work" if name in found.work else ""
                typer.echo(f"{name:14}{size / GIB:7.2f} GiB{at_work}")
            typer.echo(f"{'on the device':14}{found.device / GIB:7.2f} GiB at most")
            return
        from dataclasses import asdict

        from engine.doctor import Level
        from engine.profiles import doctor as examine

        findings = examine()
        if as_json:
            typer.echo(json.dumps([asdict(f) for f in findings], indent=2))
            return
        from rich.console import Console
        from rich.table import Table

        rows = Table(box=None, show_header=False, pad_edge=False)
        marks = {Level.OK: "[green]ok", Level.NOTE: "[yellow]note", Level.TROUBLE: "[red]trouble"}
        for finding in findings:
            rows.add_row(marks[finding.verdict], finding.subject, finding.sentence)
        Console().print(rows)


@app.command()
def train(
    what: Annotated[str, typer.Argument(help="What to train: the mini checkpoint.")] = "mini",
    stage: Annotated[
        str | None,
        typer.Option(
            help="vae, latents, clip, pretrain, sight, facts, context, sft, selfplay, dpo, upscaler, export; "
            "else all."
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
        Path | None,
        typer.Option(help="Weights for vae or pretrain to begin with, or a checkpoint for context or sft."),
    ] = None,
    lr: Annotated[
        float | None,
        typer.Option(
            min=1e-6, max=1.0, help="The learning rate of a stage; less than its own to go on gently."
        ),
    ] = None,
) -> None:
    """Train the mini checkpoint from nothing, stage by stage, on a CPU."""
    with _one_sentence():
        from engine.errors import BadInput

        if what != "mini":
            raise BadInput(f"Only the mini checkpoint can be trained from here, not {what}.")
        try:
            from engine.training.mini_training import Stage, train_mini
        except ModuleNotFoundError as error:
            if error.name != "skia":
                raise
            raise BadInput(
                "Training draws its world with skia-python: pip install 'stage-studio[train]'."
            ) from error
        if stage is not None and stage not in {s.value for s in Stage}:
            raise BadInput(f"There is no stage {stage}: choose {', '.join(s.value for s in Stage)}.")
        train_mini(Stage(stage) if stage else None, run, out, minutes, films, threads, start, lr=lr)


@app.command()
def lora(
    profile: Annotated[str, typer.Argument(help="The profile, or a checkpoint's folder.")],
    data: Annotated[Path, typer.Option(help="A folder of films: pictures and films.jsonl.")],
    out: Annotated[Path, typer.Option(help="Where the adapters go; a run goes on from what is there.")],
    stage: Annotated[str, typer.Option(help="sft (eq. 4) or dpo (eq. 5-6).")] = "sft",
    start: Annotated[Path | None, typer.Option(help="Adapters to merge first; dpo needs the SFT's.")] = None,
    steps: Annotated[int, typer.Option(min=1, help="Optimiser steps, over all runs.")] = 1000,
    accumulate: Annotated[int, typer.Option(min=1, help="Shots of a step, on each device.")] = 4,
    rank: Annotated[int, typer.Option(min=1)] = 64,
    lr: Annotated[float, typer.Option(min=0.0)] = 1e-4,
    beta: Annotated[float, typer.Option(min=0.0, help="Of eq. 5, for norms that are means.")] = 1000.0,
    width: Annotated[int | None, typer.Option(help="Pixels; else the checkpoint's own.")] = None,
    height: Annotated[int | None, typer.Option(help="Pixels; else the checkpoint's own.")] = None,
    checkpointing: Annotated[bool, typer.Option(help="Save memory by computing twice.")] = True,
    cache_latents: Annotated[bool, typer.Option(help="Encode every picture once.")] = True,
    bf16: Annotated[bool, typer.Option(help="Mixed precision.")] = False,
    adam8bit: Annotated[bool, typer.Option(help="8-bit Adam of bitsandbytes.")] = False,
    understanding: Annotated[bool, typer.Option(help="Adapt the understanding model too.")] = True,
) -> None:
    """Train LoRA adapters on a real checkpoint; start it with `accelerate launch -m studio.cli lora …`."""
    with _one_sentence():
        from engine.training.lora_command import train_profile

        options = {
            "stage": stage,
            "steps": steps,
            "accumulate": accumulate,
            "rank": rank,
            "lr": lr,
            "beta": beta,
            "width": width,
            "height": height,
            "checkpointing": checkpointing,
            "cache_latents": cache_latents,
            "bf16": bf16,
            "adam8bit": adam8bit,
            "understanding": understanding,
        }
        train_profile(profile, data, out, start, options)


@app.command()
def evaluate(
    profile: Annotated[str, typer.Option(help="The profile whose checkpoint is measured.")] = "mini",
    films: Annotated[int, typer.Option(min=2, help="How many held-out films are drawn.")] = 40,
    shots: Annotated[int, typer.Option(min=3, max=12, help="Shots of each film.")] = 6,
    ablate: Annotated[
        list[str] | None,
        typer.Option(
            help="What is taken away: memory, previous, pair, dpo or memory-guidance; several at "
            "once as memory+previous. "
            "Each one given is an arm of its own, compared with the full model."
        ),
    ] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Where all figures are written.")] = None,
) -> None:
    """Draw held-out films of the world and measure them against exact ground truth."""
    with _one_sentence():
        from engine.errors import BadInput

        try:
            from studio.evaluate_command import evaluate_profile
        except ModuleNotFoundError as error:
            if error.name != "skia":
                raise
            raise BadInput(
                "Evaluation draws its world with skia-python: pip install 'stage-studio[train]'."
            ) from error
        evaluate_profile(profile, films, shots, ablate or [], json_file)


@app.command()
def judge(
    film: Annotated[
        Path, typer.Argument(help="A film that `stage film` or the studio made, or its film.json.")
    ],
    judge: Annotated[
        str, typer.Option(help="Who judges: server or local, with a model that sees.")
    ] = "server",
    llm_url: Annotated[str, typer.Option(help=_LLM_URL)] = "",
    llm_model: Annotated[str, typer.Option(help=_LLM_MODEL)] = "",
    local_llm: Annotated[str, typer.Option(help=_LOCAL_LLM)] = "",
    seed: Annotated[int, typer.Option(min=0)] = 0,
    json_file: Annotated[Path | None, typer.Option("--json", help="Where all verdicts are written.")] = None,
) -> None:
    """Let a vision model score a film (OVQ, VTC, ISC, STS) and list continuity errors per cut."""
    with _one_sentence():
        from studio.judge_command import judge as judge_film

        agents = _agents(judge=judge, url=llm_url, model=llm_model, local=local_llm)
        judge_film(film, agents, json_file, seed)


@app.command()
def studio(
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Where the page is served; else the next free one.")
    ] = None,
    home: Annotated[
        Path | None, typer.Option(help="The folder of projects; else $STAGE_HOME, else ~/.stage-studio.")
    ] = None,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Only serve; open no browser.")] = False,
    step2_lora: Annotated[
        str | None,
        typer.Option(help="Your own STEP² LoRA: a folder or a hub id; else $STAGE_STEP2_LORA."),
    ] = None,
) -> None:
    """Open the studio in the browser."""
    with _one_sentence():
        from studio.service.studio import Studio
        from studio.store.home import default_home
        from studio.ui.port import check_port

        _use_adapter(step2_lora)
        if port is not None:
            check_port(port)
        with Studio(home or default_home()) as opened:
            from studio.ui.launch import build, serve  # Gradio loads for seconds: trouble is told before

            serve(opened, build(opened), port, not no_browser)


@app.command()
def preferences(
    films: Annotated[list[str], typer.Argument(help="Titles or ids of films of the studio.")],
    out: Annotated[Path, typer.Option(help="The folder that is made: films.jsonl and the frames.")],
    home: Annotated[
        Path | None, typer.Option(help="The folder of projects; else $STAGE_HOME, else ~/.stage-studio.")
    ] = None,
) -> None:
    """Export picked takes against the other takes of their shots, for `stage lora --stage dpo`."""
    with _one_sentence():
        from studio.preferences_command import export_preferences
        from studio.store.home import default_home

        found = export_preferences(home or default_home(), films, out)
        pairs = sum(film.rejected for film in found)
        typer.echo(f"{pairs} rejected pairs of {len(found)} film{'' if len(found) == 1 else 's'} in {out}")


def main() -> None:
    """The `stage` command."""
    app(prog_name="stage")


if __name__ == "__main__":
    main()
