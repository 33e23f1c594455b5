"""Processes that train together are one trainer."""

from __future__ import annotations

import multiprocessing
import os
import time
from pathlib import Path

import psutil
import pytest
import torch

from engine.errors import BadInput
from engine.training.data_parallel import Team, spawn_workers
from engine.training.muon import Muon
from engine.training.train_loop import StageOptions, Trainee, train
from engine.training.weights_file import Progress

pytestmark = pytest.mark.slow  # and each worker imports this module: it needs little


def _work(folder: Path, team: Team) -> None:
    reached, unreached = torch.nn.Parameter(torch.zeros(2)), torch.nn.Parameter(torch.zeros(1))
    loss = (reached * (team.rank + 1.0)).sum()
    if team.leads:  # the other worker's batch does not reach this parameter
        loss = loss + 4 * unreached.sum()
    loss.backward()
    team.average([reached, unreached])
    told = team.agree(10.0 + team.rank)
    torch.save((reached.grad, unreached.grad, told, torch.get_num_threads()), folder / f"{team.rank}.pt")


def test_gradients_are_averaged_and_the_leader_is_followed(tmp_path: Path) -> None:
    spawn_workers(2, _work, tmp_path)
    for rank in range(2):
        reached, unreached, told, threads = torch.load(tmp_path / f"{rank}.pt")
        assert reached.tolist() == [1.5, 1.5]
        assert unreached.tolist() == [2.0]
        assert told == 10.0
        assert threads == 1


def test_one_worker_needs_no_other_process(tmp_path: Path) -> None:
    spawn_workers(1, _work, tmp_path)
    assert torch.load(tmp_path / "0.pt")[0].tolist() == [1.0, 1.0]


SHAPES = ((8, 8), (4, 12), (6, 3, 2, 2), (4, 2, 3, 3, 3))  # matrices, a kernel, a causal 3-D kernel


def _step_with_muon(folder: Path, team: Team) -> None:
    generator = torch.Generator().manual_seed(0)
    weights = [torch.nn.Parameter(torch.randn(shape, generator=generator)) for shape in SHAPES]
    muon = Muon(weights, lr=0.1, weight_decay=0.01, team=team)
    for _ in range(2):
        for w in weights:
            w.grad = torch.randn(w.shape, generator=generator)
        muon.step()
    torch.save([w.detach() for w in weights], folder / f"{team.size}-{team.rank}.pt")


def test_muon_takes_the_same_step_in_a_team(tmp_path: Path) -> None:
    for workers in (1, 2):
        spawn_workers(workers, _step_with_muon, tmp_path)
    alone = torch.load(tmp_path / "1-0.pt")
    for rank in range(2):
        for mine, one in zip(torch.load(tmp_path / f"2-{rank}.pt"), alone, strict=True):
            assert torch.allclose(mine, one, atol=1e-6)


def _learn(folder: Path, team: Team) -> None:
    w = torch.nn.Parameter(torch.zeros(1))
    trainee = Trainee(
        folder / "w.safetensors",
        parameters=[w],
        solvers=[torch.optim.SGD([w], lr=0.1)],
        loss=lambda _: w.square().sum(),
        report=dict,
        save=lambda _: (folder / f"saved-{team.rank}").touch(),
        refresh=(folder / f"refreshed-{team.rank}").touch,
    )
    train(trainee, StageOptions(minutes=0.01, report_every=0.0), Progress(), team)


def test_every_worker_learns_from_what_comes_while_it_trains(tmp_path: Path) -> None:
    """And only the leader saves."""
    spawn_workers(2, _learn, tmp_path)
    assert {path.name for path in tmp_path.glob("*-*")} == {"saved-0", "refreshed-0", "refreshed-1"}


def _fail(team: Team) -> None:
    if not team.leads:
        raise ValueError("a worker failed")


def test_the_error_of_a_worker_ends_all(tmp_path: Path) -> None:
    with pytest.raises(Exception, match="a worker failed"):
        spawn_workers(2, _fail)


def _refuse(team: Team) -> None:
    raise BadInput("Leave out --start.")


def test_what_a_worker_tells_the_user_is_one_sentence() -> None:
    with pytest.raises(BadInput, match=r"^Leave out --start\.$"):
        spawn_workers(2, _refuse)


def _sleep(folder: Path, team: Team) -> None:
    (folder / str(team.rank)).write_text(str(os.getpid()))
    time.sleep(120)


@pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals")
def test_workers_end_with_a_trainer_that_is_killed(tmp_path: Path) -> None:
    """Or they would train on, and write over the weights of the next run."""
    trainer = multiprocessing.get_context("spawn").Process(target=spawn_workers, args=(2, _sleep, tmp_path))
    trainer.start()
    deadline = time.monotonic() + 60
    while len([p for p in tmp_path.glob("?") if p.read_text()]) < 2:
        assert time.monotonic() < deadline, "the workers did not start in time"
        time.sleep(0.05)
    workers = [psutil.Process(int(path.read_text())) for path in tmp_path.glob("?")]
    trainer.kill()
    gone, alive = psutil.wait_procs(workers, timeout=20)
    assert not alive
    assert len(gone) == 2
