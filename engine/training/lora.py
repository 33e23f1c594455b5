"""LoRA on the real models (STAGE, sec. 4.2, 5.1): the objectives of the mini checkpoint, with accelerate.

    accelerate launch -m studio.cli lora qwen-image --data FOLDER --stage sft
    accelerate launch -m studio.cli lora qwen-image --data FOLDER --stage dpo --start runs/lora/sft

Both the understanding and the generation model are adapted, the VAE is frozen. Conditions are made by the
pipeline itself, as in sampling: ranked memory pack, unpadded context tokens, one frame's shift of the noise.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from enum import Enum
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.utils import DistributedDataParallelKwargs
from diffusers.training_utils import cast_training_params
from peft.tuners.tuners_utils import BaseTunerLayer
from torch import Tensor, nn

from engine.dataset.films import FilmFrames, FilmRecord, ShotRecord, read_films
from engine.errors import BadInput, UnsupportedError
from engine.pictures import read_picture
from engine.step2.cache import FrameCache
from engine.step2.card import write_card
from engine.step2.conditions import MemoryFrame, PairConditions, StoredFrame
from engine.step2.context import ContextTemplate, context_inputs, encode_context
from engine.step2.latents import pack, packed_size, shift_mu, shift_sigma
from engine.step2.pipeline import Step2Pipeline
from engine.step2.velocity import check_transformer, velocity
from engine.training.adapters import RANK, adapt_generation, adapt_understanding, load_adapter, save_adapters
from engine.training.objectives import divergence, dpo_loss, sft_loss
from engine.training.run import Progress

NO_WORDS, NO_MEMORY, NO_FRAME, ALONE = 0.1, 0.2, 0.1, 0.08  # how often each condition is dropped
NAME, PROGRESS = "step2", "progress.json"


class LoraStage(str, Enum):
    SFT = "sft"
    DPO = "dpo"


@dataclass(frozen=True)
class LoraOptions:
    """The paper trains rank 64 with Adam at 1e-4, 100k iterations of SFT, then 20k of DPO.

    `width` x `height` are pixels (None: the checkpoint's own); `accumulate` shots make a step on each device;
    `adam8bit` needs bitsandbytes and a GPU; without `understanding` only the generation model is adapted.
    """

    stage: LoraStage = LoraStage.SFT
    steps: int = 1000
    accumulate: int = 4
    lr: float = 1e-4
    rank: int = RANK
    beta: float = 1000.0
    width: int | None = None
    height: int | None = None
    checkpointing: bool = True
    cache_latents: bool = True
    bf16: bool = False
    adam8bit: bool = False
    understanding: bool = True
    save_every: int = 250
    seed: int = 0


@dataclass(frozen=True)
class ShotConditions:
    """One shot as it is trained: tokens of E_mu, memory (1, N, 4C), pairs (1, 2N, 4C); `hidden` is the frame
    (0 or 1) that is nothing but noise, so that its partner is drawn alone.
    """

    inputs: Any
    drop: int
    memory: Tensor
    pair: Tensor
    loser: Tensor | None
    hidden: int | None


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
        if shot.hidden is not None:
            level[:, shot.hidden * h * w : (shot.hidden + 1) * h * w] = 1.0
        noisy = (1 - level) * pair + level * noise
        context = encode_context(self.understanding, shot.inputs, shot.drop)
        out = velocity(self.transformer, noisy, shot.memory, context, sigma, h, w)
        error = out.float() - (noise - pair)
        if shot.hidden is not None:
            error = error[:, (1 - shot.hidden) * h * w : (2 - shot.hidden) * h * w]
        return error


class LoraTrainer:
    """Trains adapters named `step2` on a loaded pipeline and a folder of films."""

    def __init__(self, pipe: Step2Pipeline, data: Path, out: Path, options: LoraOptions) -> None:
        check_transformer(pipe.transformer)
        self.pipe, self.out, self.options = pipe, out, options
        self.films, self.frames = read_films(data), FilmFrames(data)
        self.width, self.height = options.width or pipe.card.width, options.height or pipe.card.height
        try:
            self.grid = packed_size(pipe.vae, self.width, self.height)
        except ValueError as error:
            raise BadInput(f"The training size cannot be used: {error}.") from error
        if options.stage is LoraStage.DPO and not any(s.compared for f in self.films for s in f.shots):
            raise BadInput(
                "Preference alignment needs shots with rejected pairs or two internal frames: none has."
            )
        self.accelerator = Accelerator(
            mixed_precision="bf16" if options.bf16 else "no",
            gradient_accumulation_steps=options.accumulate,
            # what the last block says of the words is unused, so its adapters never get a gradient
            kwargs_handlers=[DistributedDataParallelKwargs(find_unused_parameters=True)],
        )
        pipe.cache = FrameCache(out / "cache" if options.cache_latents else None)
        self.progress = Progress(start=pipe.card.title)

    def train(self) -> Path:
        """Runs until `steps` are done, over all runs; returns the folder with the adapters."""
        options, accelerator = self.options, self.accelerator
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
        film, i = self._pick(r, dpo)
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
            previous_end=bank[-1].frame if bank and r.random() >= NO_FRAME else None,
            memory=tuple(bank) if r.random() >= NO_MEMORY else (),
        )
        _, canvas = self.pipe.memory_pack(given, self.width, self.height)
        loser = None
        if dpo:
            loser = self._tokens([self.frames[picture] for picture in _turned_down(r, shot)])
        template = ContextTemplate.of(self.pipe.card)
        seen = given.previous_end is not None
        pictures = [read_picture(given.previous_end.path)] if given.previous_end is not None else None
        return ShotConditions(
            inputs=context_inputs(self.pipe._processor(), template, [given.prompt], pictures),
            drop=template.drop(seen),
            memory=pack(canvas.unsqueeze(1)).to(self.accelerator.device),
            pair=self._tokens([self.frames[shot.start], self.frames[shot.end]]),
            loser=loser,
            hidden=r.randrange(2) if not dpo and r.random() < ALONE else None,
        )

    def _pick(self, r: random.Random, dpo: bool) -> tuple[FilmRecord, int]:
        while True:
            film = r.choice(self.films)
            i = r.randrange(len(film.shots))
            if not dpo or film.shots[i].compared:
                return film, i

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
        record = self.out / PROGRESS
        if record.exists():
            reading = pipe.text_encoder if options.understanding else None
            load_adapter(self.out, NAME, pipe.transformer, reading)
            self.progress = Progress(**json.loads(record.read_text(encoding="utf-8")))
        if options.cache_latents:
            self._cache()
        return models

    def _cache(self) -> None:
        """Encodes every picture once, then takes the VAE off the device."""
        for film in self.films:
            for shot in film.shots:
                for picture in shot.pictures:
                    self.pipe.frame_latents([self.frames[picture]], self.width, self.height)
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
            reading = models.understanding if self.options.understanding else None
            save_adapters(self.out, NAME, models.transformer, reading)
            taught = {"pairs": True, "adapters": (), "width": self.width, "height": self.height}
            write_card(self.pipe.card.model_copy(update=taught), self.out)  # what says that it is for pairs
            text = json.dumps(asdict(self.progress), indent=1)
            (self.out / PROGRESS).write_text(text, encoding="utf-8")


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

    `start` holds adapters that are merged first. For `dpo` they are the SFT's: its reference is the SFT
    model, never the base, so without them it is refused.
    """
    if options.stage is LoraStage.DPO and start is None:
        raise BadInput("Preference alignment starts from an SFT adapter: name its folder with --start.")
    if start is not None:
        pipe.load_lora_weights(start)
        pipe.merge_lora()
    out.mkdir(parents=True, exist_ok=True)
    return LoraTrainer(pipe, data, out, options).train()


def _turned_down(r: random.Random, shot: ShotRecord) -> list[Path]:
    """y_l of a shot: a pair that was rejected for it, else two of its internal frames in their order."""
    if shot.rejected:
        pair = r.choice(shot.rejected)
        return [pair.start, pair.end]
    inside = sorted(r.sample(range(len(shot.internal)), 2))
    return [shot.internal[k] for k in inside]
