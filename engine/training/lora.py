"""LoRA on the real models (STAGE, sec. 4.2, 5.1): the objectives of the mini checkpoint, with accelerate.

    accelerate launch -m studio.cli lora qwen-image --data FOLDER --stage sft
    accelerate launch -m studio.cli lora qwen-image --data FOLDER --stage dpo --start runs/lora/sft

Both the understanding and the generation model are adapted, the VAE is frozen. Conditions are made by the
pipeline itself, as in sampling: ranked memory pack, unpadded context tokens, one frame's shift of the noise.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.utils import DistributedDataParallelKwargs
from diffusers.training_utils import cast_training_params
from peft.tuners.tuners_utils import BaseTunerLayer
from PIL import Image
from torch import Tensor, nn

from engine.dataset.films import FilmFrames, TrainingShot, read_films
from engine.errors import BadInput, UnsupportedError
from engine.pictures import read_picture
from engine.step2.cache import FrameCache
from engine.step2.card import write_card
from engine.step2.conditions import MemoryFrame, PairConditions, StoredFrame, pictures_of
from engine.step2.context import ContextTemplate, context_inputs, encode_context
from engine.step2.frames import cropped
from engine.step2.latents import pack, packed_size, shift_mu, shift_sigma
from engine.step2.pipeline import Step2Pipeline
from engine.step2.velocity import check_transformer, velocity
from engine.training.adapters import (
    PROGRESS,
    WEIGHTS,
    adapt_generation,
    adapt_understanding,
    adapter_shape,
    load_adapter,
    save_adapters,
)
from engine.training.lora_options import LoraOptions, LoraProgress, LoraStage
from engine.training.muon import set_learning_rate
from engine.training.objectives import divergence, dpo_loss, sft_loss
from engine.training.weights_file import origin_of, read_record

# how often words, memory, previous frame, and the partner of a frame are left out
NO_WORDS, NO_MEMORY, NO_PREVIOUS_FRAME, ONLY_FRAME = 0.1, 0.2, 0.1, 0.08
NAME = "step2"


@dataclass(frozen=True)
class ShotConditions:
    """One shot as it is trained: tokens of E_mu, memory (1, N, 4C), pairs (1, 2N, 4C); `pure_noise` is the
    frame (0 or 1) that is nothing but noise, so that its partner is drawn alone.
    """

    inputs: Any
    drop: int
    memory: Tensor
    pair: Tensor
    loser: Tensor | None
    pure_noise: int | None


class Step2Models(nn.Module):
    """E_mu and E_gen as one module, so that accelerate wraps both."""

    def __init__(self, pipe: Step2Pipeline, grid: tuple[int, int]) -> None:
        super().__init__()
        self.understanding, self.transformer = pipe.text_encoder, pipe.transformer
        self.grid = grid

    def forward(self, shot: ShotConditions, pair: Tensor, sigma: Tensor, noise: Tensor) -> Tensor:
        """The velocity error of one clean pair (1, 2N, 4C) noised to sigma (1,), float32 like it."""
        h, w = self.grid
        level = sigma.view(-1, 1, 1).expand(1, 2 * h * w, 1).clone()
        if shot.pure_noise is not None:
            level[:, shot.pure_noise * h * w : (shot.pure_noise + 1) * h * w] = 1.0
        noisy = (1 - level) * pair + level * noise
        context = encode_context(self.understanding, shot.inputs, shot.drop)
        out = velocity(self.transformer, noisy, shot.memory, context.to(self.transformer.dtype), sigma, h, w)
        error = out.float() - (noise - pair)
        if shot.pure_noise is not None:
            error = error[:, (1 - shot.pure_noise) * h * w : (2 - shot.pure_noise) * h * w]
        return error


class LoraTrainer:
    """Trains adapters named `step2` on a loaded pipeline and a folder of films.

    `origin` identifies the adapter that is merged into the pipeline. Raises BadInput when the adapter that is
    in `out` is of another stage or shape, sits on something else, or has no record of all that.
    """

    def __init__(
        self, pipe: Step2Pipeline, data: Path, out: Path, options: LoraOptions, origin: str = ""
    ) -> None:
        check_transformer(pipe.transformer)
        self.pipe, self.out, self.options = pipe, out, options
        self.films, self.frames = read_films(data), FilmFrames(data)
        self.width, self.height = options.width or pipe.card.width, options.height or pipe.card.height
        try:
            self.grid = packed_size(pipe.vae, self.width, self.height)
        except ValueError as error:
            raise BadInput(f"The training size cannot be used: {error}.") from error
        self.losers: dict[tuple[int, int], list[tuple[Path, Path]]] = {}  # (film, shot) -> what y_l may be
        if options.stage is LoraStage.DPO:
            self.losers = {
                (f, i): found
                for f, film in enumerate(self.films)
                for i, shot in enumerate(film.shots)
                if (found := dispreferred(shot, self.frames))
            }
            if not self.losers:
                raise BadInput(
                    "Preference alignment needs shots with rejected pairs or two internal frames that are "
                    "not the pictures of the pair itself: none has."
                )
        self.accelerator = Accelerator(
            mixed_precision="bf16" if options.bf16 else "no",
            gradient_accumulation_steps=options.accumulate,
            # what the last block says of the words is unused, so its adapters never get a gradient
            kwargs_handlers=[DistributedDataParallelKwargs(find_unused_parameters=True)],
        )
        self.pictures = sorted({p for film in self.films for shot in film.shots for p in shot.pictures})
        self._tell_cropped()
        pipe.cache = FrameCache(out / "cache" if options.cache_latents else None)
        self.progress = LoraProgress(
            start=pipe.card.title,
            origin=origin,
            stage=options.stage.value,
            rank=options.rank,
            understanding=options.understanding,
        )
        self.resumed = any((out / name).exists() for name in (WEIGHTS, PROGRESS))
        if self.resumed:
            self.progress = self._resumed(self.progress)

    def _resumed(self, fresh: LoraProgress) -> LoraProgress:
        """How far the adapter in `out` has come, if it is of the kind that a fresh one would be."""
        found = read_record(self.out / PROGRESS, LoraProgress)
        if not found.rank or found.understanding is None:
            found.rank, found.understanding = adapter_shape(self.out)
        if found.stage != fresh.stage:
            raise BadInput(
                f"The adapter in {self.out} is of stage {found.stage or 'unknown'}, not {fresh.stage}: "
                "choose another folder with --out."
            )
        if found.origin != fresh.origin:
            raise BadInput(
                f"The adapter in {self.out} was begun with another --start: give the same again, or choose "
                "another folder with --out."
            )
        if found.flags != fresh.flags:
            raise BadInput(
                f"The adapter in {self.out} was begun with {found.flags}: give the same again, or choose "
                "another folder with --out."
            )
        return found

    def _tell_cropped(self) -> None:
        """Says once how many pictures lose a part: `fit` crops them to the shape of training."""
        if not self.accelerator.is_main_process:
            return
        sizes = [_picture_size(self.frames.folder / picture) for picture in self.pictures]
        cropped = sum(w * self.height != h * self.width for w, h in sizes)
        if cropped:
            print(
                f"{cropped} of {len(sizes)} pictures have another shape than {self.width} x {self.height} "
                "and are cropped: set --width and --height to train on whole ones."
            )

    def train(self) -> Path:
        """Runs until `steps` are done, over all runs; returns the folder with the adapters.

        A run goes on from saved weights alone, with fresh moments of the optimiser and other random numbers.
        """
        options, accelerator = self.options, self.accelerator
        begun = self.progress.steps
        if begun >= options.steps:
            accelerator.print(
                f"{self.out} has {begun} steps already, nothing is trained: ask for more with --steps."
            )
            return self.out
        models = self._models()
        solver = self._solver([p for p in models.parameters() if p.requires_grad])
        prepared, solver = accelerator.prepare(models, solver)
        r = random.Random(options.seed + self.progress.samples + 7919 * accelerator.process_index)
        torch.manual_seed(options.seed + self.progress.samples + accelerator.process_index)
        while self.progress.steps < options.steps:
            with accelerator.accumulate(prepared):
                loss = self._loss(prepared, self.conditions(r))
                accelerator.backward(loss)
                if accelerator.sync_gradients:
                    accelerator.clip_grad_norm_(prepared.parameters(), 1.0)
                rise = min(1.0, (self.progress.steps - begun + 1) / options.warmup)
                set_learning_rate([solver], options.lr * rise)
                solver.step()
                solver.zero_grad()
            self.progress.samples += accelerator.num_processes
            if accelerator.sync_gradients:
                self.progress.steps += 1
                if self.progress.steps % options.save_every == 0 or self.progress.steps == options.steps:
                    self._save(models)
                    accelerator.print(f"step {self.progress.steps}, loss {float(loss.detach()):.4f}")
        accelerator.wait_for_everyone()
        return self.out

    def conditions(self, r: random.Random) -> ShotConditions:
        """A random shot of a random film, with the dropouts that guidance and the ablations need."""
        dpo = self.options.stage is LoraStage.DPO
        if dpo:
            f, i = r.choice(list(self.losers))
            film = self.films[f]
        else:
            film = r.choice(self.films)
            i = r.randrange(len(film.shots))
        shot = film.shots[i]
        bank = [
            MemoryFrame(f"{j + 1}{side}", self.frames[path])
            for j, earlier in enumerate(film.shots[:i])
            for side, path in (("S", earlier.start), ("E", earlier.end))
        ]
        words = "" if r.random() < NO_WORDS else shot.prompt
        given = PairConditions(
            prompt=words or self.pipe.card.negative,
            description=shot.description or shot.prompt,
            previous_end=bank[-1].frame if bank and r.random() >= NO_PREVIOUS_FRAME else None,
            memory=tuple(bank) if r.random() >= NO_MEMORY else (),
        )
        packed, canvas = self.pipe.memory_pack(given, self.width, self.height)
        loser = None
        if dpo:
            loser = self._tokens([self.frames[picture] for picture in r.choice(self.losers[f, i])])
        template = ContextTemplate.of(self.pipe.card)
        seen = given.previous_end is not None
        pictures = [read_picture(given.previous_end.path)] if given.previous_end is not None else None
        read = cropped(pictures_of(given, packed)[: template.memory_pictures], self.width, self.height)
        return ShotConditions(
            inputs=context_inputs(self.pipe._processor(), template, [given.prompt], pictures, [read]),
            drop=template.drop(seen),
            memory=pack(canvas.unsqueeze(1)).to(self.accelerator.device),
            pair=self._tokens([self.frames[shot.start], self.frames[shot.end]]),
            loser=loser,
            pure_noise=r.randrange(2) if not dpo and r.random() < ONLY_FRAME else None,
        )

    def _loss(self, models: nn.Module, shot: ShotConditions) -> Tensor:
        device = self.accelerator.device
        mu = shift_mu(self.pipe.scheduler.config, *self.grid)  # of one frame, as in sampling
        sigma = shift_sigma(torch.sigmoid(torch.randn(1)), mu).to(device)
        noise = torch.randn_like(shot.pair)
        error = models(shot, shot.pair, sigma, noise)
        if shot.loser is None:
            return sft_loss(error)
        found = divergence(models(shot, shot.loser, sigma, noise), error)
        own = self.accelerator.unwrap_model(models)
        with torch.no_grad(), _without_adapters(own):
            held = divergence(own(shot, shot.loser, sigma, noise), own(shot, shot.pair, sigma, noise))
        return dpo_loss(found, held, self.options.beta)

    def _tokens(self, frames: list[StoredFrame]) -> Tensor:
        latents = self.pipe.frame_latents(frames, self.width, self.height)
        return pack(latents.unsqueeze(0).float()).to(self.accelerator.device)

    def _models(self) -> Step2Models:
        """Adapted models on the device, base frozen, adapters in float32 and as they were last saved."""
        options, pipe = self.options, self.pipe
        pipe.to(self.accelerator.device)
        for part in pipe.components.values():
            if isinstance(part, nn.Module):
                part.requires_grad_(False)
        adapt_generation(pipe.transformer, NAME, options.rank)
        if options.understanding:
            adapt_understanding(pipe.text_encoder, NAME, options.rank)
        if options.checkpointing:
            pipe.transformer.enable_gradient_checkpointing()
            if options.understanding:
                pipe.text_encoder.gradient_checkpointing_enable()
                pipe.text_encoder.enable_input_require_grads()
                pipe.text_encoder.train()  # it recomputes in training mode only; it has no dropout
        models = Step2Models(pipe, self.grid)
        cast_training_params(models, torch.float32)
        if self.resumed:
            reading = pipe.text_encoder if options.understanding else None
            load_adapter(self.out, NAME, pipe.transformer, reading)
        if options.cache_latents:
            self._cache()
        return models

    def _cache(self) -> None:
        """Encodes every picture once, each process its share, then takes the VAE off the device."""
        accelerator = self.accelerator
        for picture in self.pictures[accelerator.process_index :: accelerator.num_processes]:
            self.pipe.frame_latents([self.frames[picture]], self.width, self.height)
        accelerator.wait_for_everyone()
        self.pipe.vae.to("cpu")

    def _solver(self, parameters: list[nn.Parameter]) -> torch.optim.Optimizer:
        if not self.options.adam8bit:
            return torch.optim.Adam(parameters, lr=self.options.lr)
        try:
            from bitsandbytes.optim import Adam8bit
        except ImportError as error:
            raise UnsupportedError(
                "8-bit Adam needs bitsandbytes: pip install bitsandbytes, or leave out --adam8bit."
            ) from error
        return Adam8bit(parameters, lr=self.options.lr)

    def _save(self, models: Step2Models) -> None:
        if self.accelerator.is_main_process:
            taught = {"pairs": True, "adapters": (), "width": self.width, "height": self.height}
            write_card(self.pipe.card.model_copy(update=taught), self.out)  # what says that it is for pairs
            reading = models.understanding if self.options.understanding else None
            save_adapters(self.out, NAME, models.transformer, reading, self.progress)


@contextmanager
def _without_adapters(models: Step2Models) -> Iterator[None]:
    """The reference of eq. 6: the model that the adapters sit on, which for DPO is the merged SFT model."""
    # the layers themselves: transformers 5.24 asks here for a peft that is not released yet
    both = (models.transformer, models.understanding)
    layers = [layer for model in both for layer in model.modules() if isinstance(layer, BaseTunerLayer)]
    for layer in layers:
        layer.enable_adapters(enabled=False)
    try:
        yield
    finally:
        for layer in layers:
            layer.enable_adapters(enabled=True)


def train_lora(
    pipe: Step2Pipeline, data: Path, out: Path, options: LoraOptions, start: Path | None = None
) -> Path:
    """Trains adapters on `data`, going on from what is in `out`; returns `out`.

    `start` holds adapters that are merged first, and stays as it is. For `dpo` they are the SFT's: its
    reference is the SFT model, never the base, so without them it is refused.
    """
    if options.stage is LoraStage.DPO and start is None:
        raise BadInput("Preference alignment starts from an SFT adapter: name its folder with --start.")
    origin = ""
    if start is not None:
        weights = start / WEIGHTS if start.is_dir() else start
        if not weights.is_file():
            raise BadInput(f"There is no adapter at {start}: name a folder that `stage lora` wrote.")
        if weights.resolve().parent == out.resolve():
            raise BadInput(
                f"{start} cannot be both --start and --out: leave out --start to go on with it, or choose "
                "another folder with --out."
            )
        origin = origin_of(weights)
        pipe.load_lora_weights(start)
        pipe.merge_lora()
    out.mkdir(parents=True, exist_ok=True)
    return LoraTrainer(pipe, data, out, options, origin).train()


def _picture_size(path: Path) -> tuple[int, int]:
    """Width and height by the file's head alone; BadInput says what is wrong with one that has none."""
    try:
        with Image.open(path) as image:
            return image.size
    except (OSError, Image.DecompressionBombError):
        return read_picture(path).size


def dispreferred(shot: TrainingShot, frames: FilmFrames) -> list[tuple[Path, Path]]:
    """What y_l of a shot may be: the pairs that were rejected for it, else any two of its internal frames in
    their order; never the very pictures of y_w, which nothing can be preferred to.
    """
    rejected = [(pair.start, pair.end) for pair in shot.rejected]
    won = (frames[shot.start].sha256, frames[shot.end].sha256)
    found = rejected or list(combinations(shot.internal, 2))
    return [(start, end) for start, end in found if (frames[start].sha256, frames[end].sha256) != won]
