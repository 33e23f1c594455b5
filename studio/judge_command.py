"""`stage judge`: a film's storyboard judged by a vision model, on a terminal and as JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from engine.agents.choice import Agents, Role
from engine.agents.model import open_model
from engine.errors import BadInput
from engine.manifest import FilmManifest, inside, read_manifest
from engine.metrics.vlm_judge import JudgedShot, Judgement, Score, Verdict, inquiries, judge_film
from engine.video.files import write_bytes
from studio.output import check_place

NAMES = {
    Score.OVQ: "overall quality",
    Score.VTC: "shots show their cards",
    Score.ISC: "people and places stay the same",
    Score.STS: "cuts",
}


def judge(film: Path, agents: Agents, json_file: Path | None, seed: int) -> None:
    """Judges a film.json (or the film beside it) and says how it goes.

    Raises:
        StageError: in one sentence.
    """
    target = agents.target(Role.JUDGE)
    if target is None:
        raise BadInput("A judge is a vision model: choose --judge server or --judge local.")
    manifest_file = _manifest_file(film)
    manifest = read_manifest(manifest_file)
    shots = _shots(manifest, manifest_file.parent)
    console = Console(stderr=True)
    verdicts: list[Verdict] = []
    rate = manifest.frame_rate()
    if json_file is not None:
        check_place(json_file)
    complete = False
    try:
        with open_model(target) as model, console.status("") as status:
            total = len(inquiries(shots, manifest.cast, rate))
            status.update(f"[dim]{escape(target.title)} looks at the film[/]")
            for verdict in judge_film(model, shots, manifest.cast, rate, seed=seed):
                verdicts.append(verdict)
                status.update(f"[dim]{len(verdicts)} of {total} questions answered[/]")
                for error in verdict.errors:
                    console.print(f"[yellow]Cut {verdict.first} | {verdict.last}:[/] {escape(error)}")
        complete = True
    finally:  # what was answered was paid for, also where the rest was not
        judgement = Judgement(target.title, tuple(verdicts))
        if json_file is not None and verdicts:
            told = as_json(manifest.title, judgement, complete)
            write_bytes(json_file, f"{json.dumps(told, indent=2, ensure_ascii=False)}\n".encode())
    _show(Console(), manifest.title, judgement)


def as_json(title: str, judgement: Judgement, complete: bool) -> dict[str, Any]:
    """A judgement for programs; `complete` says whether everything was answered that was to be asked."""
    return {
        "title": title,
        "complete": complete,
        "judge": judgement.judge,
        "judged": "first and last frames",
        "scores": {score.value: round(mean, 4) for score, mean in judgement.means.items()},
        "cuts": {str(number): list(errors) for number, errors in judgement.notes.items()},
        "verdicts": [
            {
                "score": v.score.value,
                "first": v.first,
                "last": v.last,
                "value": v.value,
                "evidence": v.evidence,
                "errors": list(v.errors),
            }
            for v in judgement.verdicts
        ],
    }


def _manifest_file(film: Path) -> Path:
    """The film.json of a film. Raises BadInput when there is none."""
    try:
        if film.is_dir():
            raise BadInput(f"{film} is a folder: name the film in it, or its film.json.")
        found = film if film.suffix.lower() == ".json" else film.with_suffix(".json")
        if found.is_file():
            return found
        if film.exists():
            raise BadInput(
                f"There is no {found.name} beside {film}: name a film that `stage film` or the studio made, "
                "with all that lay beside it."
            )
    except OSError as error:
        raise BadInput(f"{film} cannot be read ({error.strerror}).") from error
    raise BadInput(f"There is no film {film}: name one that `stage film` or the studio made.")


def _shots(manifest: FilmManifest, folder: Path) -> list[JudgedShot]:
    """The shots with their frames, which lie beside the manifest and nowhere else."""
    shots = []
    for number, record in enumerate(manifest.shots, 1):
        if not (inside(folder, record.start) and inside(folder, record.end)):
            raise BadInput(f"The frames of shot {number} lie outside the film's folder: judge another film.")
        pair = [(folder / name).resolve() for name in (record.start, record.end)]
        shots.append(JudgedShot(record.shot(), *pair))
    return shots


def _show(console: Console, title: str, judgement: Judgement) -> None:
    table = Table(box=None, pad_edge=False, title=f"{escape(title)}, judged by {escape(judgement.judge)}")
    for heading in ("score", "0 to 1", "what"):
        table.add_column(heading)
    for score, mean in judgement.means.items():
        table.add_row(score.value, f"{mean:.2f}", NAMES[score])
    console.print(table)
    console.print("[dim]Judged on the first and last frames of the shots, not on moving pictures.[/]")
