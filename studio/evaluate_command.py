"""`stage evaluate`: which pipelines are drawn with, the table on the screen, and the JSON file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from engine.errors import BadInput
from engine.metrics.evaluate import Evaluation, evaluate
from engine.metrics.held_out import FULL, Ablation, held_out_films, parse_arm
from engine.profiles import Profile, get_profile
from engine.step2.card import read_card
from engine.step2.checkpoint import locate
from engine.step2.painter import Step2Painter, load_painter
from engine.step2.pipeline import Step2Pipeline
from engine.video.files import write_bytes


def evaluate_profile(
    profile: str, films: int, shots: int, ablate: Sequence[str] = (), json_file: Path | None = None
) -> Evaluation:
    """Measures the full model and one arm for each of `ablate` on films of so many shots; prints a table,
    writes `json_file`.

    Raises BadInput for an ablation that does not exist or that this checkpoint does not have.
    """
    arms = {name: parse_arm(name) for name in (FULL, *ablate)}
    found = get_profile(profile)
    if not found.refusal and found.vocabulary is None:
        raise BadInput(f"{found.title} was not trained on the world whose ground truth is measured here.")
    aligned = not found.refusal and bool(read_card(locate(found.checkpoint)).adapters)
    if any(Ablation.DPO in arm for arm in arms.values()) and not aligned:
        raise BadInput("This checkpoint has no preference alignment that could be taken away: leave out dpo.")
    loaded = {sft: _pipeline(found, not sft) for sft in {Ablation.DPO in arm for arm in arms.values()}}
    pipes = {name: (loaded[Ablation.DPO in arm], arm) for name, arm in arms.items()}
    with Progress() as bar:
        task = bar.add_task("Drawing and measuring films", total=films)
        result = evaluate(
            held_out_films(films, shots=shots),
            pipes,
            lambda done, total: bar.update(task, completed=done, total=total),
        )
    for name in arms:
        Console().print(_table(result, name))
    if json_file is not None:
        write_bytes(json_file, (json.dumps(result.report(), indent=1) + "\n").encode())
    return result


def _pipeline(profile: Profile, adapters: bool) -> Step2Pipeline:
    painter = load_painter(profile, adapters=adapters)
    assert isinstance(painter, Step2Painter)
    return painter.pipe


def _table(result: Evaluation, arm: str) -> Table:
    ablated = arm != FULL
    table = Table(title=f"without {arm}" if ablated else f"full model, {len(result.films)} films")
    differences = result.differences(arm) if ablated else {}
    for head in (
        "metric",
        "value",
        "95 %",
        *(("full minus this", "95 %") if ablated else ("ceiling", "floor")),
    ):
        table.add_column(head, justify="left" if head == "metric" else "right")
    for metric, row in result.summary(arm).items():
        cells = [metric, _number(row["value"]), f"{_number(row['low'])} … {_number(row['high'])}"]
        if ablated:
            d = differences[metric]
            cells += [_number(d["value"]), f"{_number(d['low'])} … {_number(d['high'])}"]
        else:
            cells += [_number(row["ceiling"]), _number(row["floor"])]
        table.add_row(*cells)
    return table


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
