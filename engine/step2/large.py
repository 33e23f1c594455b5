"""Loading the large models of a profile: stock repositories, LoRAs, small weights, and where they wait.

Everything here is diffusers', transformers' and peft's own; this file decides the order. LoRAs are merged
into whole weights and stay beside quantised ones; the scheduler takes what a distillation asks for; then the
weights go where the profile says; then hooks that reuse steps, and compilation.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from diffusers import QwenImageTransformer2DModel
from huggingface_hub import hf_hub_download
from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError
from transformers import Qwen2_5_VLForConditionalGeneration

from engine.doctor import machine_ram
from engine.errors import CheckpointError
from engine.profile import Distillation, Mode, Placement, Precision, Profile, Reuse
from engine.step2.adapter import adapter_names, check_base, check_width, fetch_adapter
from engine.step2.card import CheckpointCard, read_card
from engine.step2.checkpoint import file_hash, inspect_stock, locate, weights_hash
from engine.step2.pipeline import Step2Pipeline
from engine.step2.ranking import FrameRanker
from engine.step2.single_frame import enable_single_frame
from engine.step2.velocity import check_transformer
from engine.streaming import is_out_of_memory, pin_on_the_way

if TYPE_CHECKING:
    from diffusers import PipelineQuantizationConfig

PAIR_LAYOUTS = ("QwenImagePipeline", "Step2Pipeline")
EDIT_LAYOUTS = ("QwenImageEditPlusPipeline",)
PAIRS_ADAPTER, FEW_STEPS = "pairs", "few_steps"
COMPILER = "inductor"  # the backend of torch.compile
FIRST_BLOCK_THRESHOLD = 0.1  # how much a step's first layer may change, and the step still be skipped


def load_large(profile: Profile) -> tuple[Step2Pipeline, str]:
    """(the pipeline of a large profile, ready to draw; the name of its weights).

    Raises CheckpointError with one sentence: not there, half downloaded, another class, a LoRA that does not
    fit. What means that memory ran out comes as it is (see `engine.streaming.is_out_of_memory`).
    """
    folder = locate(profile.checkpoint)
    inspect_stock(folder, PAIR_LAYOUTS if profile.mode is Mode.PAIRS else EDIT_LAYOUTS)
    loras, card = _loras(profile, folder)
    ranker = _ranker(folder)  # first: where it cannot be fetched, 57 GB need not be read to learn of it
    device = best_device()
    try:
        how = _how(profile, device)
        if profile.precision is Precision.NF4 and profile.placement is Placement.OFFLOAD:
            how = one_by_one(folder, device)
        pipe = Step2Pipeline.from_pretrained(folder, adapters=False, dtype=torch.bfloat16, **how)
    except (OSError, ValueError, RuntimeError, KeyError, TypeError, AttributeError) as e:
        if is_out_of_memory(e):
            raise
        raise CheckpointError(
            f"The checkpoint at {folder} cannot be loaded ({type(e).__name__}): fetch it again, or "
            "update the packages."
        ) from e
    pipe.card = card
    check_transformer(pipe.transformer)
    _add_loras(pipe, profile, loras)
    pipe.register_modules(ranker=ranker)
    for part in pipe.components.values():
        if isinstance(part, torch.nn.Module):
            part.eval().requires_grad_(False)
    _prepare_vae(pipe, profile)
    if profile.compiled:
        compile_blocks(
            pipe.transformer, hooked=profile.reuse is not None or profile.placement is Placement.STREAM
        )
    place(pipe, profile.placement, device)
    if profile.reuse is not None:
        reuse(pipe, profile.reuse)
    pipe.set_progress_bar_config(disable=True)
    return pipe, _weights(profile, folder, loras)


def load_ranker(profile: Profile) -> tuple[FrameRanker, str]:
    """(the ranker of a large profile on the processor, the name of the profile's weights). The models that
    draw are not loaded. Raises CheckpointError as `load_large` does.
    """
    folder = locate(profile.checkpoint)
    inspect_stock(folder, PAIR_LAYOUTS if profile.mode is Mode.PAIRS else EDIT_LAYOUTS)
    loras, _ = _loras(profile, folder)
    return _ranker(folder).eval(), _weights(profile, folder, loras)


def _weights(profile: Profile, folder: Path, loras: dict[str, Path]) -> str:
    """The name of all that the pixels depend on: the checkpoint, its LoRAs, and how small the weights are."""
    own = weights_hash(folder)
    rest = [f"{name} {file_hash(file)}" for name, file in loras.items()]
    if profile.precision is not Precision.FULL:
        rest.append(profile.precision.value)
    return hashlib.sha256("\n".join((own, *rest)).encode()).hexdigest() if rest else own


def best_device() -> torch.device:
    """Where it computes: an NVIDIA card, Apple's GPU, or the processor."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def quantisation(precision: Precision) -> PipelineQuantizationConfig | None:
    """How the two large models are held; the VAE and the ranker stay whole."""
    import diffusers
    import transformers

    match precision:
        case Precision.FULL:
            return None
        case Precision.NF4:
            given: dict[str, Any] = {
                "load_in_4bit": True,
                "bnb_4bit_quant_type": "nf4",
                "bnb_4bit_compute_dtype": torch.bfloat16,
            }
            transformer = diffusers.BitsAndBytesConfig(**given)
            reading = transformers.BitsAndBytesConfig(**given)
        case Precision.INT8:
            from torchao.quantization import Int8WeightOnlyConfig

            transformer = diffusers.TorchAoConfig(Int8WeightOnlyConfig(version=2))
            reading = transformers.TorchAoConfig(Int8WeightOnlyConfig(version=2))
    return diffusers.PipelineQuantizationConfig(
        quant_mapping={"transformer": transformer, "text_encoder": reading}
    )


def _how(profile: Profile, device: torch.device) -> dict[str, Any]:
    """What `from_pretrained` is told: small weights, and whether they go to the device at once."""
    how: dict[str, Any] = {}
    small = quantisation(profile.precision)
    if small is not None:
        how["quantization_config"] = small
    if profile.placement is Placement.RESIDENT and device.type != "mps":
        how["device_map"] = device.type  # never through main memory, which may be smaller
    return how


def one_by_one(folder: Path, device: torch.device) -> dict[str, Any]:
    """The two large models in 4 bits, each made small on the card and taken off it before the next comes.

    4-bit weights are made on the card as they load, and both together do not fit where one at a time does.
    """
    small = quantisation(Precision.NF4)
    assert small is not None
    kinds = {
        "transformer": QwenImageTransformer2DModel,
        "text_encoder": Qwen2_5_VLForConditionalGeneration,
    }
    loaded: dict[str, Any] = {}
    for name, kind in kinds.items():
        loaded[name] = kind.from_pretrained(
            folder / name,
            quantization_config=small.quant_mapping[name],
            dtype=torch.bfloat16,
            device_map={"": device},
        ).to("cpu")
        if device.type == "cuda":
            torch.cuda.empty_cache()
    return loaded


def _loras(profile: Profile, folder: Path) -> tuple[dict[str, Path], CheckpointCard]:
    """The files of the LoRAs that a profile draws with, by name; and the card to draw by."""
    files: dict[str, Path] = {}
    card = read_card(folder)
    for i, adapter in enumerate(adapter_names(profile.adapter)):
        file, own = fetch_adapter(adapter)
        check_base(adapter, own, profile)
        check_width(file, folder)
        files[f"{PAIRS_ADAPTER}_{i}"] = file
        card = own.model_copy(update={"adapters": ()})
    if profile.distillation is not None:
        files[FEW_STEPS] = fetch_distillation(profile.distillation, folder)
    return files, card


def fetch_distillation(lora: Distillation, checkpoint: Path) -> Path:
    """The file of a distillation LoRA: beside the checkpoint below STAGE_MODELS, else from the hub."""
    local = checkpoint.parent.parent / lora.repository / lora.file
    if local.is_file():
        return local
    try:
        return Path(hf_hub_download(lora.repository, lora.file))
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError) as e:
        raise CheckpointError(
            f"The LoRA for few steps, {lora.repository}, could not be downloaded: connect, or choose the "
            "profile without it."
        ) from e


def _add_loras(pipe: Step2Pipeline, profile: Profile, loras: dict[str, Path]) -> None:
    for name, file in loras.items():
        try:
            pipe.load_lora_weights(str(file.parent), weight_name=file.name, adapter_name=name)
        except (ValueError, RuntimeError, KeyError) as e:
            if is_out_of_memory(e):
                raise
            raise CheckpointError(
                f"The LoRA {file.name} does not fit {profile.title}: fetch it again, or leave it out."
            ) from e
    if loras:
        pipe.set_adapters(list(loras), [1.0] * len(loras))
        if profile.precision is Precision.FULL:
            pipe.merge_lora()
    if profile.distillation is not None:
        changes = dict(profile.distillation.scheduler)
        pipe.register_modules(scheduler=type(pipe.scheduler).from_config(pipe.scheduler.config, **changes))


def _ranker(folder: Path) -> FrameRanker:
    """A ranker that lies beside the checkpoint, or OpenAI's CLIP."""
    if (folder / "ranker" / "config.json").is_file():
        return FrameRanker.from_pretrained(folder / "ranker")
    return openai_ranker("ViT-L-14-quickgelu")


def openai_ranker(name: str) -> FrameRanker:
    """OpenAI's CLIP of that name. Raises CheckpointError when it cannot be downloaded."""
    try:
        return FrameRanker.openai(name)
    except (OSError, RuntimeError, ValueError, HfHubHTTPError, LocalEntryNotFoundError) as e:
        if is_out_of_memory(e):
            raise
        raise CheckpointError(
            f"OpenAI's CLIP {name}, which ranks the memory, could not be downloaded: connect once."
        ) from e


def _prepare_vae(pipe: Step2Pipeline, profile: Profile) -> None:
    """Single frames, one at a time; in tiles where every byte counts."""
    enable_single_frame(pipe.vae)
    pipe.vae.enable_slicing()
    if profile.placement is Placement.STREAM:
        pipe.vae.enable_tiling()


def place(pipe: Step2Pipeline, placement: Placement, device: torch.device) -> None:
    """Puts the weights where they wait between their turns."""
    match placement:
        case Placement.RESIDENT:
            if pipe.hf_device_map is None:
                pipe.to(device)
            else:  # came there on loading; the ranker came later
                pipe.ranker.to(device)
        case Placement.OFFLOAD:
            pipe.enable_model_cpu_offload(device=device)
        case Placement.STREAM:
            from diffusers.hooks import apply_group_offloading

            ahead = device.type == "cuda"  # copies the next layers while these compute
            short = pin_on_the_way((pipe.transformer, pipe.text_encoder), machine_ram())
            how: dict[str, Any] = {
                "onload_device": device,
                "use_stream": ahead,
                "low_cpu_mem_usage": ahead and short,
            }
            apply_group_offloading(
                pipe.transformer, offload_type="block_level", num_blocks_per_group=1, **how
            )
            apply_group_offloading(pipe.text_encoder, offload_type="leaf_level", **how)
            pipe.vae.to(device)  # the ranker stays: it looks at each frame once


def compile_blocks(transformer: QwenImageTransformer2DModel, hooked: bool) -> None:
    """Compiles what the blocks share, for any shape: takes and aspects change it.

    Caches and streaming put hooks around a block, which cannot be traced. Those come on top of what is
    compiled here, the block's own forward: traced through the hooks, it would break into many graphs and be
    compiled again and again. What was compiled for models before is forgotten: dynamo counts all of them
    against its limit, and a worker that goes from one variant to the next would be refused.
    """
    torch.compiler.reset()
    how: dict[str, Any] = {"fullgraph": True, "dynamic": True, "backend": COMPILER}
    if not hooked:
        transformer.compile_repeated_blocks(**how)
        return
    for block in transformer.transformer_blocks:
        block.forward = torch.compile(block.forward, **how)


def reuse(pipe: Step2Pipeline, kind: Reuse) -> None:
    """A draft: steps that hardly differ from the one before reuse what it computed."""
    from diffusers import FirstBlockCacheConfig, TaylorSeerCacheConfig

    match kind:
        case Reuse.FIRST_BLOCK:
            pipe.transformer.enable_cache(FirstBlockCacheConfig(threshold=FIRST_BLOCK_THRESHOLD))
        case Reuse.TAYLOR:
            pipe.transformer.enable_cache(
                TaylorSeerCacheConfig(cache_interval=3, disable_cache_before_step=3)
            )
