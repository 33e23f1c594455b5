"""`stage train mini`: the mini checkpoint from nothing, one resumable stage after another.

    vae       autoencoder on crops of the world
    latents   films rendered and encoded once
    clip      the ranker of the memory bank
    pretrain  slot encoder and pair transformer
    context   the understanding model, from free words and the previous frame
    upscaler  native frames to five times their size
    export    all parts together as a checkpoint folder

Each stage trains for its budget of minutes, resumes where it was, and can be run again to go on.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from pathlib import Path

import torch
from transformers import PreTrainedTokenizerFast

from engine.errors import BadInput
from engine.training.context import ContextOptions, train_context
from engine.training.export import Parts, build, build_vae, export
from engine.training.fit import FitOptions
from engine.training.latents import HELD_OUT_SEED, SHARD, TRAIN_SEED, Films, encode_shard
from engine.training.ranker import RankerOptions, train_ranker
from engine.training.readings import read_shard
from engine.training.restore import restore
from engine.training.run import load_weights
from engine.training.sft import sft
from engine.training.slots import SlotEncoder
from engine.training.transformer import pretrain
from engine.training.upscaler import UpscalerOptions, train_upscaler
from engine.training.vae import VaeOptions, train_vae
from engine.training.words import ranking_tokenizer, understanding_tokenizer


class Stage(str, Enum):
    VAE = "vae"
    LATENTS = "latents"
    CLIP = "clip"
    PRETRAIN = "pretrain"
    CONTEXT = "context"
    SFT = "sft"
    UPSCALER = "upscaler"
    EXPORT = "export"


MINUTES = {
    Stage.VAE: 60.0,
    Stage.CLIP: 15.0,
    Stage.PRETRAIN: 150.0,
    Stage.CONTEXT: 40.0,
    Stage.SFT: 120.0,
    Stage.UPSCALER: 8.0,
}


def train_mini(
    stage: Stage | None,
    folder: Path,
    out: Path,
    minutes: float | None = None,
    films: int = 6000,
    threads: int = 2,
    start: Path | None = None,
    pool: int = 1000,
) -> None:
    """Runs one stage, or all of them in order, in `folder`; `export` writes the checkpoint to `out`.

    `minutes` is the budget of a training stage, `films` how many are encoded, `pool` how many the VAE's crops
    come from, `start` other weights to begin `vae` or `pretrain` from, or a whole checkpoint for `sft`.
    """
    parts = Parts(folder)
    folder.mkdir(parents=True, exist_ok=True)

    def budget(of: Stage) -> float:
        return MINUTES[of] if minutes is None else minutes

    end = TRAIN_SEED + films
    shards = [
        (folder / "held-out", HELD_OUT_SEED, min(films, SHARD)),
        *((folder / "latents", first, min(SHARD, end - first)) for first in range(TRAIN_SEED, end, SHARD)),
    ]

    def latents() -> None:
        _need(parts.vae, Stage.VAE)
        torch.set_num_threads(threads)
        vae = build_vae(parts)
        for shard in shards:
            print(encode_shard(vae, *shard).name, flush=True)

    def fitting(of: Stage) -> FitOptions:
        span = budget(of)  # compiling takes a minute or two: it pays in a long run only
        return FitOptions(minutes=span, threads=threads, compile=span > 10)

    def drawing() -> None:
        _need(folder / "latents", Stage.LATENTS)
        pretrain(
            folder, Films(folder / "latents"), Films(folder / "held-out"), fitting(Stage.PRETRAIN), start
        )

    def context() -> None:
        _need(parts.drawing, Stage.PRETRAIN)
        slots = SlotEncoder()
        load_weights(parts.drawing, {"slots": slots})
        tokenizer = _tokenizer(parts.tokenizer, understanding_tokenizer)
        train_context(
            folder, tokenizer, slots, ContextOptions(minutes=budget(Stage.CONTEXT), threads=threads)
        )

    def tuning() -> None:
        if start is not None:
            restore(start, parts)
        _need(parts.transformer, Stage.PRETRAIN)
        _need(parts.context, Stage.CONTEXT)
        _need(parts.ranker, Stage.CLIP)
        latents()
        torch.set_num_threads(threads)
        pipe, _ = build(parts)
        for shard in shards:
            print(read_shard(pipe, *shard).name, flush=True)
        sft(folder, parts.transformer, fitting(Stage.SFT))

    def clip() -> None:
        tokenizer = _tokenizer(parts.ranker_tokenizer, ranking_tokenizer)
        train_ranker(folder, tokenizer, RankerOptions(minutes=budget(Stage.CLIP), threads=threads))

    def upscaler() -> None:
        _need(parts.vae, Stage.VAE)
        options = UpscalerOptions(minutes=budget(Stage.UPSCALER), threads=threads, films=min(60, pool))
        train_upscaler(folder, build_vae(parts), options)

    actions: dict[Stage, Callable[[], object]] = {
        Stage.VAE: lambda: train_vae(
            folder, VaeOptions(minutes=budget(Stage.VAE), threads=threads, pool=pool), start
        ),
        Stage.LATENTS: latents,
        Stage.CLIP: clip,
        Stage.PRETRAIN: drawing,
        Stage.CONTEXT: context,
        Stage.SFT: tuning,
        Stage.UPSCALER: upscaler,
        Stage.EXPORT: lambda: export(parts, out),
    }
    for each in [stage] if stage is not None else list(Stage):
        print(f"stage {each.value}", flush=True)
        actions[each]()


def _need(path: Path, stage: Stage) -> None:
    if not path.exists():
        raise BadInput(
            f"{path.name} is not in {path.parent}: run `stage train mini --stage {stage.value}` first."
        )


def _tokenizer(folder: Path, make: Callable[[], PreTrainedTokenizerFast]) -> PreTrainedTokenizerFast:
    """The tokenizer of a folder; made from the world's words the first time."""
    if not (folder / "tokenizer.json").exists():
        make().save_pretrained(folder)
    return PreTrainedTokenizerFast.from_pretrained(folder)
