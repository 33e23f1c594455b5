"""Clips by Wan on this machine's GPU: first and last frame in, as many frames as the model makes, retimed.

`WanImageToVideoPipeline(image=, last_image=)` for Wan 2.2 I2V A14B and Wan 2.1 FLF2V 14B; `WanVACEPipeline`
with the two frames in a control video for Wan 2.1 VACE 1.3B. Importing this module loads torch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import (
    SchedulerMixin,
    UniPCMultistepScheduler,
    WanImageToVideoPipeline,
    WanVACEPipeline,
)
from PIL import Image

from engine.doctor import machine_ram
from engine.errors import Cancelled, CheckpointError, UnsupportedError
from engine.step2.checkpoint import weight_count
from engine.story import FrameRate, Movement
from engine.streaming import is_out_of_memory, is_out_of_ram, pin_on_the_way
from engine.video.film_size import film_size
from engine.video.framing import Framing
from engine.video.pair import read_pair
from engine.video.renderers import Renderer, RendererKind
from engine.video.retime import write_retimed
from engine.video.settings import Offload, VideoSettings, choose_offload
from engine.video.upscale import Frame, Upscaler
from engine.video.wan_checkpoint import find_checkpoint, lora_files
from engine.watched import IsCancelled, Report

_STOPPED = "Rendering of the clip was stopped."
_NEGATIVE = (
    "overexposed, static, blurred details, subtitles, worst quality, low quality, JPEG artefacts, ugly, "
    "deformed, extra fingers, poorly drawn hands, poorly drawn faces, fused fingers, still picture, messy "
    "background, three legs, walking backwards"
)
_SAMPLING = 0.9  # share of the progress bar for the model; the rest is for writing the clip


@dataclass(frozen=True)
class Request:
    """What the model is asked for: a text, both frames in its own size, how many frames, and the noise."""

    text: str
    first: Frame
    last: Frame
    frames: int
    seed: int


class WanRenderer:
    """A loaded Wan pipeline as a `ClipRenderer`."""

    def __init__(
        self, renderer: Renderer, pipe: Any, settings: VideoSettings, upscaler: Upscaler | None = None
    ) -> None:
        self.name = renderer.name
        self.pipe = pipe
        self._renderer = renderer
        self._settings = settings
        self._upscaler = upscaler

    def render(
        self,
        refined: str,
        start: Path,
        end: Path,
        *,
        movement: Movement,
        frames: int,
        rate: FrameRate,
        out: Path,
        seed: int = 0,
        on_frame: Report | None = None,
        cancelled: IsCancelled | None = None,
    ) -> None:
        """See `engine.video.renderer.ClipRenderer.render`."""
        first, last = read_pair(start, end)
        size = (first.shape[1], first.shape[0])
        lengths, sizes = self._renderer.lengths, self._settings.sizes(self._renderer)
        assert lengths is not None, "the registry gives every Wan model its lengths and sizes"
        assert sizes is not None
        framing = Framing.of(size, sizes.fitting(*size))
        puts = [framing.put(frame, self._upscaler) for frame in (first, last)]
        request = Request(refined, puts[0], puts[1], lengths.fitting(frames, rate), seed)

        def sampled(share: float) -> None:
            if on_frame is not None:
                on_frame(int(share * _SAMPLING * frames), frames)

        def written(i: int) -> None:
            if on_frame is not None:
                on_frame(int((_SAMPLING + (1 - _SAMPLING) * i / frames) * frames), frames)

        clip = self.sample(request, sampled, cancelled)
        write_retimed(list(clip), framing, film_size(*size), frames, rate, out, written, cancelled)

    def sample(
        self,
        request: Request,
        on_step: Callable[[float], None] | None = None,
        cancelled: IsCancelled | None = None,
    ) -> Frame:
        """The model's own clip: frames x height x width x 3, 8-bit RGB.

        `on_step` is told which share of the steps is done.

        Raises:
            Cancelled: `cancelled` returned True, asked before every block of every step.
            UnsupportedError: the graphics card or the machine ran out of memory; the message offers a smaller
                setting.
        """

        def stop_when_asked(*_: Any) -> None:
            if cancelled is not None and cancelled():
                raise Cancelled(_STOPPED)

        def step_end(pipe: Any, step: int, _: Any, given: dict[str, Any]) -> dict[str, Any]:
            stop_when_asked()
            if on_step is not None:
                on_step((step + 1) / pipe.num_timesteps)
            return given

        stop_when_asked()
        height, width = request.first.shape[:2]
        try:
            with self._hooked(stop_when_asked):
                result = self.pipe(
                    prompt=request.text,
                    negative_prompt=_NEGATIVE if self._renderer.guidance > 1 else None,
                    height=height,
                    width=width,
                    num_frames=request.frames,
                    num_inference_steps=self._renderer.steps,
                    guidance_scale=self._renderer.guidance,
                    generator=torch.Generator().manual_seed(request.seed),
                    output_type="np",
                    callback_on_step_end=step_end,
                    **self._conditions(request),
                )
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            less = self._settings.smaller(self._renderer, request.frames, ram=is_out_of_ram(error))
            raise UnsupportedError(less) from error
        finally:
            self.pipe.maybe_free_model_hooks()  # an interrupted call leaves its models on the card
        return np.asarray((result.frames[0] * 255).round(), np.uint8)

    def _conditions(self, request: Request) -> dict[str, Any]:
        """Both frames in the form that the pipeline takes."""
        first, last = Image.fromarray(request.first), Image.fromarray(request.last)
        if self._renderer.kind is RendererKind.WAN:
            return {"image": first, "last_image": last}
        video, mask = control_video(first, last, request.frames)
        return {"video": video, "mask": mask}

    @contextmanager
    def _hooked(self, check: Callable[..., None]) -> Iterator[None]:
        """Asks before every block: a step of a large model takes a minute on a small card."""
        models = (getattr(self.pipe, name, None) for name in ("transformer", "transformer_2"))
        blocks = [block for model in models if model is not None for block in model.blocks]
        handles = [block.register_forward_pre_hook(check) for block in blocks]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()


def control_video(
    first: Image.Image, last: Image.Image, frames: int
) -> tuple[list[Image.Image], list[Image.Image]]:
    """VACE's control video and mask: the two frames at its ends (mask black: kept), and grey between them
    (mask white: to be made).
    """
    grey, white, black = (Image.new("RGB", first.size, (level,) * 3) for level in (128, 255, 0))
    video = [first, *[grey] * (frames - 2), last]
    mask = [black, *[white] * (frames - 2), black]
    return video, mask


def load_wan(
    renderer: Renderer, settings: VideoSettings | None = None, upscaler: Upscaler | None = None
) -> WanRenderer:
    """Loads a Wan renderer onto the best device of this machine.

    Raises:
        CheckpointError: the checkpoint is missing, damaged or of another kind.
        UnsupportedError: the model does not keep the last frame, or memory ran out.
    """
    settings = settings or VideoSettings.from_environment()
    way_out = "close other programs."  # as long as the weights come into the machine's own memory
    try:
        pipe = _load(renderer)
        offload = settings.offload or _fitting(pipe)
        settings = replace(settings, offload=offload)
        way_out = settings.less(renderer)
        if offload is not Offload.NONE:
            pipe.vae.enable_tiling()  # slower, so only where memory is short
        place(pipe, offload)
    except (RuntimeError, OSError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        raise UnsupportedError(f"Memory ran out while {renderer.title} was loaded: {way_out}") from error
    return WanRenderer(renderer, pipe, settings, upscaler)


def _fitting(pipe: Any) -> Offload:
    """What this machine's card can hold of the models, beside what others hold there."""
    card = torch.cuda.mem_get_info()[0] if torch.cuda.is_available() else None
    return choose_offload(part_sizes(pipe), card)


def _load(renderer: Renderer) -> Any:
    """The renderer's pipeline with its weights in the machine's memory, in eval mode."""
    folder = find_checkpoint(renderer)
    cuda = torch.cuda.is_available()
    kind = WanImageToVideoPipeline if renderer.kind is RendererKind.WAN else WanVACEPipeline
    main = torch.bfloat16 if cuda else torch.float32
    try:
        # The VAE and the small image encoder lose quality in bf16 and cost little.
        dtypes = {"default": main, "vae": torch.float32, "image_encoder": torch.float32}
        pipe = kind.from_pretrained(folder, dtype=dtypes)
    except (OSError, ValueError, RuntimeError, KeyError, TypeError, AttributeError) as error:
        if is_out_of_memory(error):
            raise
        raise CheckpointError(
            f"The checkpoint at {folder} cannot be loaded, because its weights do not fit its configuration: "
            "fetch it again."
        ) from error
    _check_whole(folder, pipe)
    if renderer.lora is not None:
        _load_lora(pipe, renderer)
    pipe.register_modules(scheduler=scheduler_of(renderer, pipe.scheduler))
    for part in pipe.components.values():
        if isinstance(part, torch.nn.Module):
            part.eval().requires_grad_(False)
    pipe.set_progress_bar_config(disable=True)
    return pipe


def _check_whole(folder: Path, pipe: Any) -> None:
    """A tensor that is missing from a file would be random, with a warning that nobody reads: refuse it."""
    for name, part in pipe.components.items():
        if not isinstance(part, torch.nn.Module):
            continue
        wanted = sum({t.data_ptr(): t.numel() for t in part.state_dict().values()}.values())
        stored = weight_count(folder / name)
        if stored < wanted:
            raise CheckpointError(
                f"The checkpoint's {name} holds {stored:,} weights where its configuration asks for "
                f"{wanted:,}: fetch it again."
            )


def place(pipe: Any, offload: Offload) -> None:
    """Puts a pipeline where it computes: whole, one model at a time, or a few layers at a time."""
    cuda = torch.cuda.is_available()
    match offload:
        case Offload.NONE:
            pipe.to("cuda" if cuda else "cpu")
        case Offload.MODEL if cuda:
            pipe.enable_model_cpu_offload()
        case Offload.MODEL:  # there is no card to move models to and from
            pipe.to("cpu")
        case Offload.GROUP:
            device = torch.device("cuda" if cuda else "cpu")
            models = [part for part in pipe.components.values() if isinstance(part, torch.nn.Module)]
            pipe.enable_group_offload(
                onload_device=device,
                offload_type="leaf_level",
                use_stream=cuda,
                low_cpu_mem_usage=cuda and pin_on_the_way(models, machine_ram()),
            )


def scheduler_of(renderer: Renderer, stock: SchedulerMixin) -> SchedulerMixin:
    """UniPC with the renderer's flow shift. Few-step LoRAs were distilled on Euler's steps, which are UniPC's
    of first order without a corrector.
    """
    changes: dict[str, Any] = {}
    if renderer.flow_shift is not None:
        changes["flow_shift"] = renderer.flow_shift
    if renderer.lora is not None:
        changes |= {"solver_order": 1, "disable_corrector": list(range(renderer.steps))}
    return UniPCMultistepScheduler.from_config(stock.config, **changes) if changes else stock


def part_sizes(pipe: Any) -> dict[str, int]:
    """Bytes of each model of a pipeline as it was loaded; the files may hold wider numbers."""
    parts = {name: part for name, part in pipe.components.items() if isinstance(part, torch.nn.Module)}
    return {
        name: sum({t.data_ptr(): t.nbytes for t in part.state_dict().values()}.values())
        for name, part in parts.items()
    }


def _load_lora(pipe: Any, renderer: Renderer) -> None:
    """Loads the LoRA of each transformer and melts it into the weights: no cost a step."""
    assert renderer.lora is not None
    files = lora_files(renderer.lora)
    for i, file in enumerate(files):
        try:
            pipe.load_lora_weights(str(file.parent), weight_name=file.name, load_into_transformer_2=i > 0)
        except (ValueError, RuntimeError, KeyError, AttributeError, OSError) as error:
            if is_out_of_memory(error):
                raise
            raise CheckpointError(
                f"The LoRA {file.name} does not fit {renderer.title}: fetch it again, or choose a renderer "
                "without one."
            ) from error
    pipe.fuse_lora(components=["transformer", "transformer_2"][: len(files)])
    pipe.unload_lora_weights()
