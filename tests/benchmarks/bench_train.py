"""What a step of the trainer costs beside a bare PyTorch loop of the same model.

    python -m tests.benchmarks.bench_train [--seconds N]

Stage `sft` from the shipped checkpoint on four films: words, previous frames, memory packs, loss weights and
moving average, against forward, backward and optimiser steps on one batch that lies ready. Prints the ratio
(goal: 1.1 at most) and never fails by time. Neither side is compiled.
"""

from __future__ import annotations

import argparse
import copy
import random
import tempfile
import time
from pathlib import Path

import torch
from torch import nn

from engine.profiles import PROFILES
from engine.step2.pipeline import Step2Pipeline
from engine.training.data_parallel import Team
from engine.training.export import Parts
from engine.training.flow_training import FlowOptions, _is_matrix, train_flow
from engine.training.latents import encode_shard, encoder_of
from engine.training.muon import muon_and_adam
from engine.training.objectives import sft_loss
from engine.training.restore import restore
from engine.training.sft import load_mini_models
from engine.training.shots import Shots
from engine.training.transformer import draw_sigma
from engine.training.views import view_shard
from engine.training.weights_file import Progress

BATCH, FILMS = 12, 4


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--seconds", type=float, default=40.0)
    seconds = parser.parse_args().seconds
    checkpoint = Path(PROFILES["mini"].checkpoint)
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        parts = Parts(folder)
        restore(checkpoint, parts)
        pipe = Step2Pipeline.from_pretrained(checkpoint, adapters=False, dtype=torch.float32)
        encode_shard(pipe.vae, folder, 0, FILMS)
        eyes = pipe.text_encoder.model.visual
        view_shard(pipe.ranker, eyes, folder, 0, FILMS)
        shots = Shots(folder, encoder_of(pipe.vae), pipe.ranker, eyes)
        model, _ = load_mini_models(pipe.tokenizer, parts.sft)
        bare = bare_seconds(copy.deepcopy(model), shots, seconds)
        trained = trained_seconds(model, shots, folder, seconds)
    print(f"stage sft, batch {BATCH}, one thread: {trained:.3f} s a step, bare loop {bare:.3f} s")
    print(f"{trained / bare:8.3f}  trainer step / bare PyTorch step (goal: 1.1 at most)")


def bare_seconds(model: nn.Module, shots: Shots, seconds: float) -> float:
    """Seconds a step on one batch that lies ready, of the same models with the same optimisers."""
    r = random.Random(0)
    batch = shots.collate([shots.draw(r) for _ in range(BATCH)], r)
    solvers = muon_and_adam(model, 1e-4, _is_matrix)
    steps, began = 0, time.perf_counter()
    while time.perf_counter() - began < seconds:
        error = model.error(  # type: ignore[operator]
            batch,
            model.context(batch, shots.views),  # type: ignore[operator]
            draw_sigma(BATCH),
            torch.randn_like(batch.x),
        )
        model.zero_grad(set_to_none=True)
        sft_loss(error, batch.weight).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for solver in solvers:
            solver.step()
        steps += 1
    return (time.perf_counter() - began) / steps


def trained_seconds(model: nn.Module, shots: Shots, folder: Path, seconds: float) -> float:
    """Seconds a step of the trainer itself, its reports and saves left out."""
    progress = Progress()
    options = FlowOptions(
        minutes=seconds / 60, batch=BATCH, lr=1e-4, workers=1, compile=False, report_every=1e9
    )
    spent: list[float] = []

    def loss(r: random.Random) -> torch.Tensor:
        spent.append(time.perf_counter())
        b = shots.collate([shots.draw(r) for _ in range(BATCH)], r)
        context = model.context(b, shots.views)  # type: ignore[operator]
        error = model.error(b, context, draw_sigma(BATCH), torch.randn_like(b.x))  # type: ignore[operator]
        return sft_loss(error, b.weight)

    train_flow(model, loss, lambda _: {}, folder / "bench.safetensors", progress, options, Team())
    return (spent[-1] - spent[1]) / (len(spent) - 2)  # between the beginnings of steps; the first warms up


if __name__ == "__main__":
    main()
