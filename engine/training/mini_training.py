"""`stage train mini`: the mini checkpoint from nothing, one resumable stage after another.

    vae       autoencoder on crops of the world
    latents   films rendered and encoded once
    clip      the ranker of the memory bank
    pretrain  slot encoder and pair transformer
    sight     the understanding model's vision tower
    facts     the transformer again, told what no slot holds
    context   the understanding model, from free words, the previous frame and the memory pack
    sft       both models together, on what sampling gives them (eq. 4)
    dpo       an adapter on the generation model that prefers whole movements (eq. 5-6)
    upscaler  native frames to five times their size
    export    all parts together as a checkpoint folder

Each stage trains for its budget of minutes. Run again, it goes on from the weights that it left, with a
warm-up, since the optimisers' moments are not kept. Beside its weights it leaves a journal, its loss curve
and, where it draws, a sample sheet.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import TypeVar

import torch
from diffusers import AutoencoderKLQwenImage
from torch import nn
from transformers import PreTrainedTokenizerFast

from engine.errors import BadInput
from engine.step2.card import read_card
from engine.step2.ranking import FrameRanker
from engine.training.adapters import WEIGHTS
from engine.training.context import ContextOptions, train_context
from engine.training.counterfactuals import encode_counterfactuals
from engine.training.dpo import DpoOptions, dpo, encode_internal
from engine.training.export import Parts, build, build_ranker, build_vae, check_out, export
from engine.training.fact_training import train_facts
from engine.training.facts import FactTable
from engine.training.flow_training import FlowOptions
from engine.training.latents import SHARD, Films, encode_shard, encoder_of
from engine.training.ranker import RankerOptions, train_ranker
from engine.training.restore import restore
from engine.training.self_play import SelfPlayOptions, self_play
from engine.training.sft import sft
from engine.training.sheets import film_sheet, pipeline_sheet, reconstruction_sheet
from engine.training.sight import SightOptions, train_sight
from engine.training.slots import SlotEncoder
from engine.training.teachers import SlotTeacher, Teacher, WordTeacher
from engine.training.train_loop import StageOptions, has_bf16
from engine.training.transformer import SlotConditionedModel, pretrain
from engine.training.understanding import MEMORY_PICTURES, new_context_model
from engine.training.upscaler import UpscalerOptions, train_upscaler
from engine.training.vae import VaeOptions, held_out_frames, new_vae, train_vae
from engine.training.views import view_shard
from engine.training.weights_file import holds, load_weights
from engine.training.words import ranking_tokenizer, understanding_tokenizer
from engine.world.splits import FILMS_HELD_OUT, TRAIN, VAE_POOL, films_of
from engine.world.story import SHOTS

Options = TypeVar("Options", bound=StageOptions)

DPO_SHARDS = 8  # 400 films have preferences enough for an adapter


class Stage(str, Enum):
    VAE = "vae"
    LATENTS = "latents"
    CLIP = "clip"
    PRETRAIN = "pretrain"
    SIGHT = "sight"
    FACTS = "facts"
    CONTEXT = "context"
    SFT = "sft"
    SELFPLAY = "selfplay"
    DPO = "dpo"
    UPSCALER = "upscaler"
    EXPORT = "export"


MINUTES = {
    Stage.VAE: 90.0,
    Stage.CLIP: 15.0,
    Stage.PRETRAIN: 150.0,
    Stage.SIGHT: 25.0,
    Stage.FACTS: 90.0,
    Stage.CONTEXT: 40.0,
    Stage.SFT: 120.0,
    Stage.SELFPLAY: 12.0,
    Stage.DPO: 12.0,
    Stage.UPSCALER: 8.0,
}


@dataclass(frozen=True)
class MiniTraining:
    """The stages in one folder, a method each, under the stage's name.

    `minutes` is the budget of a training stage (None: its own of MINUTES), `lr` its learning rate (None: that
    of its options), `films` how many are encoded, `pool` how many the VAE's crops come from, `start` other
    weights to begin `vae` or `pretrain` from, or a whole checkpoint for `context` or `sft`; `export` writes
    the checkpoint to `out`.
    """

    folder: Path
    out: Path
    minutes: float | None = None
    films: int = 6000
    threads: int = 2
    start: Path | None = None
    pool: int = 1600
    lr: float | None = None

    def run(self, stage: Stage) -> None:
        stages: dict[Stage, Callable[[], object]] = {
            Stage.VAE: self.vae,
            Stage.LATENTS: self.latents,
            Stage.CLIP: self.clip,
            Stage.PRETRAIN: self.pretrain,
            Stage.SIGHT: self.sight,
            Stage.FACTS: self.facts,
            Stage.CONTEXT: self.context,
            Stage.SFT: self.sft,
            Stage.SELFPLAY: self.self_play,
            Stage.DPO: self.dpo,
            Stage.UPSCALER: self.upscaler,
            Stage.EXPORT: self.export,
        }
        stages[stage]()

    @property
    def parts(self) -> Parts:
        return Parts(self.folder)

    @property
    def shards(self) -> list[tuple[Path, int, int]]:
        """(folder, first seed, number of films) of each: the held-out films first, then those to train on."""
        train = films_of(TRAIN, self.films)
        return [
            (self.folder / "held-out", FILMS_HELD_OUT.start, min(self.films, SHARD)),
            *((self.folder / "latents", first, min(SHARD, train.stop - first)) for first in train[::SHARD]),
        ]

    @property
    def rows(self) -> int:
        """Films on a sample sheet."""
        return max(1, min(3, self.films // 2))

    @property
    def columns(self) -> int:
        """Shots of each."""
        return max(3, min(SHOTS, self.films))

    def budget(self, stage: Stage) -> float:
        return MINUTES[stage] if self.minutes is None else self.minutes

    def flow_options(self, stage: Stage) -> FlowOptions:
        span = self.budget(stage)  # compiling takes a minute or two: it pays in a long run only
        options = FlowOptions(minutes=span, workers=self.threads, compile=span > 10, bf16=has_bf16())
        return self._rated(options)

    def _rated(self, options: Options) -> Options:
        """The options of a stage with the learning rate that was asked for."""
        return options if self.lr is None else replace(options, lr=self.lr)

    def vae(self) -> None:
        options = VaeOptions(minutes=self.budget(Stage.VAE), workers=self.threads, pool=self.pool)
        path = train_vae(self.folder, self._rated(options), self.start)
        vae = new_vae()
        load_weights(path, {"vae": vae})
        reconstruction_sheet(vae.eval(), held_out_frames(2), _sheet(path))

    def latents(self) -> None:
        _need(self.parts.vae, Stage.VAE)
        torch.set_num_threads(self.threads)
        vae = build_vae(self.parts)
        for shard in self.shards:
            print(encode_shard(vae, *shard).name, flush=True)

    def clip(self) -> None:
        tokenizer = _tokenizer(self.parts.ranker_tokenizer, ranking_tokenizer)
        options = RankerOptions(minutes=self.budget(Stage.CLIP), workers=self.threads)
        train_ranker(self.folder, tokenizer, self._rated(options))

    def pretrain(self) -> None:
        _need(self.folder / "latents", Stage.LATENTS)
        self._slots_kept()
        vae = build_vae(self.parts)
        path = pretrain(self.folder, encoder_of(vae), self.flow_options(Stage.PRETRAIN), self.start)
        model, held_out = SlotConditionedModel(), Films(self.folder / "held-out", encoder_of(vae))
        load_weights(path, model.parts())
        film_sheet(model.eval(), vae, held_out, held_out.seeds[: self.rows], _sheet(path))

    def sight(self) -> None:
        tokenizer = _tokenizer(self.parts.tokenizer, understanding_tokenizer)
        options = SightOptions(
            minutes=self.budget(Stage.SIGHT),
            workers=self.threads,
            pool=min(self.films, SightOptions.pool),
            bf16=has_bf16(),
        )
        train_sight(self.folder, tokenizer, self._rated(options))

    def facts(self) -> None:
        parts = self.parts
        _need(parts.drawing, Stage.PRETRAIN)
        self._slots_kept()
        _, ranker, visual = self._films_seen()
        options = self._rated(replace(self.flow_options(Stage.FACTS), batch=32, lr=1.4e-3, warmup=60))
        vae = build_vae(parts)
        self._look_elsewhere(vae)
        slots = SlotEncoder()
        load_weights(parts.drawing, {"slots": slots})
        train_facts(self.folder, ranker, visual, encoder_of(vae), slots, options)

    def context(self) -> None:
        parts = self.parts
        if self.start is not None:
            restore(self.start, parts, for_context=True)
        _need(parts.drawing, Stage.PRETRAIN)
        if holds(parts.drawing, "slots") and not holds(parts.drawing, "facts"):
            raise BadInput(
                f"The transformer in {self.folder} was not told what no slot holds: run `stage train mini "
                "--stage facts` first."
            )
        tokenizer, ranker, _ = self._films_seen()
        teacher = self._teacher(tokenizer)
        encoder = encoder_of(build_vae(parts))
        options = ContextOptions(minutes=self.budget(Stage.CONTEXT), workers=self.threads, bf16=has_bf16())
        train_context(self.folder, tokenizer, ranker, encoder, teacher, self._rated(options))

    def _films_seen(self) -> tuple[PreTrainedTokenizerFast, FrameRanker, nn.Module]:
        """The understanding model's tokenizer, and the ranker and the tower that looked at every film."""
        parts = self.parts
        _need(parts.sight, Stage.SIGHT)
        _need(parts.ranker, Stage.CLIP)
        self.latents()
        tokenizer = _tokenizer(parts.tokenizer, understanding_tokenizer)
        ranker, visual = build_ranker(parts), new_context_model(tokenizer).model.visual
        load_weights(parts.sight, {"visual": visual})
        self._look(ranker, visual)
        return tokenizer, ranker, visual

    def _slots_kept(self) -> None:
        """Raises BadInput where the transformer came without the slot encoder that tells it things."""
        if self.parts.drawing.exists() and not holds(self.parts.drawing, "slots"):
            raise BadInput(
                f"The transformer in {self.folder} is a checkpoint's, which has no slot encoder: go on with "
                "`--stage context`."
            )

    def _teacher(self, tokenizer: PreTrainedTokenizerFast) -> Teacher:
        """Whose context tokens are learnt: those of `pretrain` and `facts`, or of the checkpoint that the run
        began from, which has no slots but reads words.
        """
        drawing = self.parts.drawing
        if holds(drawing, "slots"):
            slots, facts = SlotEncoder(), FactTable().requires_grad_(False)
            load_weights(drawing, {"slots": slots, "facts": facts})
            return SlotTeacher(slots, facts)
        reader = new_context_model(tokenizer)
        load_weights(drawing, {"model": reader.model})
        return WordTeacher(reader, tokenizer)

    def _look(self, ranker: FrameRanker, visual: nn.Module) -> None:
        """Has ranker and tower look at every film."""
        torch.set_num_threads(self.threads)
        for shard in self.shards:
            print(view_shard(ranker, visual, *shard).name, flush=True)

    def _look_elsewhere(self, vae: AutoencoderKLQwenImage) -> None:
        """Renders and encodes what else the shots of the films to train on might show."""
        for shard in self.shards[1:]:
            print(encode_counterfactuals(vae, *shard).name, flush=True)

    def sft(self) -> None:
        parts = self.parts
        if self.start is not None:
            if read_card(self.start).memory_pictures != MEMORY_PICTURES:
                raise BadInput(
                    f"{self.start} does not read its memory, and would be trained on pictures that it never "
                    f"learnt to see: run `--stage sight`, then `--stage context --start {self.start}`, then "
                    "`--stage sft` without --start."
                )
            restore(self.start, parts)
        _need(parts.transformer, Stage.PRETRAIN)
        _need(parts.context, Stage.CONTEXT)
        _need(parts.ranker, Stage.CLIP)
        self.latents()
        pipe, _ = build(parts)
        self._look(pipe.ranker, pipe.text_encoder.model.visual)
        self._look_elsewhere(pipe.vae)
        path = sft(
            self.folder,
            pipe.tokenizer,
            pipe.ranker,
            encoder_of(pipe.vae),
            (parts.transformer, parts.understanding),
            self.flow_options(Stage.SFT),
        )
        pipeline_sheet(build(parts)[0], self.rows, self.columns, _sheet(path))

    def self_play(self) -> None:
        _need(self.parts.sft, Stage.SFT)
        self.latents()
        pipe, _ = build(self.parts)
        self._look(pipe.ranker, pipe.text_encoder.model.visual)
        options = SelfPlayOptions(minutes=self.budget(Stage.SELFPLAY), workers=self.threads, bf16=has_bf16())
        given = (pipe.tokenizer, pipe.ranker, encoder_of(pipe.vae), pipe.scheduler, pipe.card)
        path = self_play(self.folder, *given, self._rated(options))
        pipeline_sheet(build(self.parts)[0], self.rows, self.columns, _sheet(path.with_name("selfplay")))

    def dpo(self) -> None:
        _need(self.parts.sft, Stage.SFT)
        torch.set_num_threads(self.threads)
        pipe, _ = build(self.parts)
        for shard in self.shards[: 1 + DPO_SHARDS]:
            encode_shard(pipe.vae, *shard)
            view_shard(pipe.ranker, pipe.text_encoder.model.visual, *shard)
            print(encode_internal(pipe.vae, *shard).name, flush=True)
        options = DpoOptions(minutes=self.budget(Stage.DPO), workers=self.threads)
        encoder = encoder_of(pipe.vae)
        adapter = dpo(
            self.folder, pipe.tokenizer, pipe.ranker, encoder, (self.parts.sft,), self._rated(options)
        )
        pipe.load_lora_weights(adapter)
        pipeline_sheet(pipe, self.rows, self.columns, _sheet(adapter / WEIGHTS))

    def upscaler(self) -> None:
        _need(self.parts.vae, Stage.VAE)
        torch.set_num_threads(self.threads)
        options = UpscalerOptions(minutes=self.budget(Stage.UPSCALER), films=min(60, self.pool))
        train_upscaler(self.folder, build_vae(self.parts), self._rated(options))

    def export(self) -> None:
        export(self.parts, self.out)


def train_mini(
    stage: Stage | None,
    folder: Path,
    out: Path,
    minutes: float | None = None,
    films: int = 6000,
    threads: int = 2,
    start: Path | None = None,
    pool: int = 1600,
    lr: float | None = None,
) -> None:
    """Runs one stage, or all of them in order; see `MiniTraining`.

    Raises BadInput for more films than there are, for a `start` that no stage would begin from, and, before
    anything is trained, for an `out` that a checkpoint must not take the place of.
    """
    training = MiniTraining(folder, out, minutes, films, threads, start, pool, lr)
    films_of(TRAIN, films)
    films_of(VAE_POOL, pool)
    if start is not None and stage not in (Stage.VAE, Stage.PRETRAIN, Stage.CONTEXT, Stage.SFT):
        raise BadInput(
            "Only the stages vae, pretrain, context and sft begin from other weights: name one with --stage, "
            "or leave out --start."
        )
    if lr is not None and stage is None:
        raise BadInput(
            "Every stage has a learning rate of its own: name one with --stage, or leave out --lr."
        )
    if stage in (None, Stage.EXPORT):
        check_out(out, folder)
    folder.mkdir(parents=True, exist_ok=True)
    for each in [stage] if stage is not None else list(Stage):
        print(f"stage {each.value}", flush=True)
        training.run(each)


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
