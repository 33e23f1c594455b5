"""`stage train mini`: the mini checkpoint from nothing, one resumable stage after another.

    vae       autoencoder on crops of the world
    latents   films rendered and encoded once
    clip      the ranker of the memory bank
    pretrain  slot encoder and pair transformer
    context   the understanding model, from free words and the previous frame
    sft       both models together, on what sampling gives them (eq. 4)
    dpo       an adapter on the generation model that prefers whole movements (eq. 5-6)
    upscaler  native frames to five times their size
    export    all parts together as a checkpoint folder

Each stage trains for its budget of minutes, resumes where it was, and can be run again to go on. Beside its
weights it leaves a journal, its loss curve and, where it draws, a sample sheet.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from pathlib import Path

import torch
from transformers import PreTrainedTokenizerFast

from engine.errors import BadInput
from engine.training.adapters import WEIGHTS
from engine.training.context import ContextOptions, train_context
from engine.training.dpo import DpoOptions, dpo, encode_internal
from engine.training.export import Parts, build, build_vae, export
from engine.training.fit import FitOptions
from engine.training.latents import HELD_OUT_SEED, SHARD, TRAIN_SEED, Films, encode_shard
from engine.training.ranker import RankerOptions, train_ranker
from engine.training.restore import restore
from engine.training.run import load_weights
from engine.training.sft import sft
from engine.training.sheets import film_sheet, pipeline_sheet, reconstruction_sheet
from engine.training.slots import SlotEncoder
from engine.training.transformer import Drawing, pretrain
from engine.training.upscaler import UpscalerOptions, train_upscaler
from engine.training.vae import VaeOptions, held_out_frames, new_vae, train_vae
from engine.training.views import view_shard
from engine.training.words import ranking_tokenizer, understanding_tokenizer

DPO_SHARDS = 8  # 400 films have preferences enough for an adapter


class Stage(str, Enum):
    VAE = "vae"
    LATENTS = "latents"
    CLIP = "clip"
    PRETRAIN = "pretrain"
    CONTEXT = "context"
    SFT = "sft"
    DPO = "dpo"
    UPSCALER = "upscaler"
    EXPORT = "export"


MINUTES = {
    Stage.VAE: 90.0,
    Stage.CLIP: 15.0,
    Stage.PRETRAIN: 150.0,
    Stage.CONTEXT: 40.0,
    Stage.SFT: 120.0,
    Stage.DPO: 12.0,
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
    pool: int = 1600,
) -> None:
    """Runs one stage, or all of them in order, in `folder`; `export` writes the checkpoint to `out`.

    `minutes` is the budget of a training stage, `films` how many are encoded, `pool` how many the VAE's crops
    come from, `start` other weights to begin `vae` or `pretrain` from, or a whole checkpoint for `sft`.
    """
    parts = Parts(folder)
    folder.mkdir(parents=True, exist_ok=True)

    def budget(of: Stage) -> float:
        return MINUTES[of] if minutes is None else minutes

    rows = max(1, min(3, films // 2))  # films on a sample sheet
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
        return FitOptions(minutes=span, workers=threads, compile=span > 10)

    def drawing() -> None:
        _need(folder / "latents", Stage.LATENTS)
        path = pretrain(folder, fitting(Stage.PRETRAIN), start)
        model, held_out = Drawing(), Films(folder / "held-out")
        load_weights(path, model.parts())
        film_sheet(model.eval(), build_vae(parts), held_out, held_out.seeds[:rows], _sheet(path))

    def context() -> None:
        _need(parts.drawing, Stage.PRETRAIN)
        slots = SlotEncoder()
        load_weights(parts.drawing, {"slots": slots})
        tokenizer = _tokenizer(parts.tokenizer, understanding_tokenizer)
        train_context(
            folder, tokenizer, slots, ContextOptions(minutes=budget(Stage.CONTEXT), workers=threads)
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
            print(view_shard(pipe.ranker, *shard).name, flush=True)
        sources = (parts.transformer, parts.understanding)
        path = sft(folder, pipe.tokenizer, pipe.ranker, sources, fitting(Stage.SFT))
        pipeline_sheet(build(parts)[0], rows, _sheet(path))

    def aligning() -> None:
        _need(parts.sft, Stage.SFT)
        torch.set_num_threads(threads)
        pipe, _ = build(parts)
        for shard in shards[: 1 + DPO_SHARDS]:
            encode_shard(pipe.vae, *shard)
            view_shard(pipe.ranker, *shard)
            print(encode_internal(pipe.vae, *shard).name, flush=True)
        options = DpoOptions(minutes=budget(Stage.DPO), workers=threads)
        adapter = dpo(folder, pipe.tokenizer, pipe.ranker, (parts.sft,), options)
        pipe.load_lora_weights(adapter)
        pipeline_sheet(pipe, rows, _sheet(adapter / WEIGHTS))

    def clip() -> None:
        tokenizer = _tokenizer(parts.ranker_tokenizer, ranking_tokenizer)
        train_ranker(folder, tokenizer, RankerOptions(minutes=budget(Stage.CLIP), workers=threads))

    def upscaler() -> None:
        _need(parts.vae, Stage.VAE)
        torch.set_num_threads(threads)
        options = UpscalerOptions(minutes=budget(Stage.UPSCALER), films=min(60, pool))
        train_upscaler(folder, build_vae(parts), options)

    def autoencoder() -> None:
        options = VaeOptions(minutes=budget(Stage.VAE), workers=threads, pool=pool)
        path = train_vae(folder, options, start)
        vae = new_vae()
        load_weights(path, {"vae": vae})
        reconstruction_sheet(vae.eval(), held_out_frames(2), _sheet(path))

    actions: dict[Stage, Callable[[], object]] = {
        Stage.VAE: autoencoder,
        Stage.LATENTS: latents,
        Stage.CLIP: clip,
        Stage.PRETRAIN: drawing,
        Stage.CONTEXT: context,
        Stage.SFT: tuning,
        Stage.DPO: aligning,
        Stage.UPSCALER: upscaler,
        Stage.EXPORT: lambda: export(parts, out),
    }
    for each in [stage] if stage is not None else list(Stage):
        print(f"stage {each.value}", flush=True)
        actions[each]()


def _sheet(weights: Path) -> Path:
    """Where the sample sheet of a stage lies: beside its weights and its curve."""
    return weights.with_suffix(".sheet.png")


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
