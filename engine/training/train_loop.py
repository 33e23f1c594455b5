"""The one training loop: a stage gives it a loss, and gets weights, a loss curve and a progress bar."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar
from torch import Tensor, nn

from engine.training.budget import Budget, Every
from engine.training.curve import draw_curve
from engine.training.data_parallel import Team
from engine.training.muon import set_learning_rate
from engine.training.weights_file import Progress


@dataclass(frozen=True)
class StageOptions:
    """What every stage has. The learning rate rises over `warmup` steps and falls over the last part `decay`
    of the budget; `batch` is that of all workers; every so many seconds figures are reported and weights
    saved.
    """

    minutes: float = 60.0
    batch: int = 24
    lr: float = 2e-3
    decay: float = 0.4
    warmup: int = 40
    workers: int = 1  # processes of one thread
    report_every: float = 180.0
    seed: int = 0
    bf16: bool = False  # layers compute in bfloat16; weights, moments and losses stay in full precision


@dataclass(frozen=True)
class Trainee:
    """A model as the loop sees it.

    `loss` takes the part of the budget that is spent and returns the loss of one batch; `report` gives
    held-out figures by name; `save` writes the weights; `stepped` runs after each step. `refresh` picks up
    what is there newly to learn from; every worker of a team does so, as often as figures are reported.
    """

    path: Path  # of the weights; the journal `.jsonl` and the curve `.png` lie beside them
    parameters: Sequence[nn.Parameter]
    solvers: Sequence[torch.optim.Optimizer]
    loss: Callable[[float], Tensor]
    report: Callable[[], dict[str, float]]
    save: Callable[[Progress], None]
    stepped: Callable[[int], None] | None = None
    refresh: Callable[[], None] | None = None


def has_bf16() -> bool:
    """Whether this CPU multiplies in bfloat16, which then takes little more than half of the time."""
    return any(
        getattr(torch.cpu, name, bool)() for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    )


def train(trainee: Trainee, options: StageOptions, progress: Progress, team: Team | None = None) -> None:
    """Trains for the budget of minutes; a killed run has lost what came after its last report.

    A run that goes on has the weights alone: the optimisers' moments begin at nothing, which the warm-up of
    the learning rate is for, and the random numbers are others. So two runs are not one of their length.
    """
    team = team or Team()
    budget = Budget(options.minutes, options.decay, options.warmup, team)
    due = Every(options.report_every, first=min(30.0, options.report_every))
    hours, losses = progress.cpu_hours, list[float]()
    with _bar(trainee.path.stem, team) as bar:
        task = bar.add_task(trainee.path.stem, total=1.0, figures="")
        while not budget.spent:
            set_learning_rate(trainee.solvers, options.lr * budget.factor())
            with torch.autocast("cpu", torch.bfloat16, enabled=options.bf16):
                loss = trainee.loss(budget.fraction)
            for solver in trainee.solvers:
                solver.zero_grad(set_to_none=True)
            loss.backward()
            team.average(trainee.parameters)
            nn.utils.clip_grad_norm_(trainee.parameters, 1.0)
            for solver in trainee.solvers:
                solver.step()
            progress.samples += options.batch // team.size * team.size
            progress.steps += 1
            progress.cpu_hours = hours + budget.cpu_hours
            if trainee.stepped is not None:
                trainee.stepped(budget.steps)
            losses.append(float(loss.detach()))
            bar.update(task, completed=budget.fraction, figures=f"loss {losses[-1]:.4f}")
            if not due():
                continue
            if trainee.refresh is not None:
                trainee.refresh()
            if team.leads:
                trainee.save(progress)
                _note(trainee, progress, losses[-100:], bar)
    if team.leads:
        trainee.save(progress)
        _note(trainee, progress, losses[-100:], bar)


def _note(trainee: Trainee, progress: Progress, losses: Sequence[float], bar: Bar) -> None:
    """One line in the journal and on the screen, and the curve drawn anew."""
    if not losses:
        return
    figures = {"samples": progress.samples, "loss": sum(losses) / len(losses), **trainee.report()}
    journal = trainee.path.with_suffix(".jsonl")
    with journal.open("a", encoding="utf-8") as file:
        file.write(json.dumps(figures) + "\n")
    draw_curve(journal, trainee.path.with_suffix(".png"))
    bar.console.print(", ".join(f"{name} {value:.5g}" for name, value in figures.items()))


def _bar(name: str, team: Team) -> Bar:
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    return Bar(*columns, TextColumn("{task.fields[figures]}"), disable=not team.leads)
