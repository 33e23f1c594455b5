"""LoRA adapters on both models of STEP² (STAGE, sec. 5.1): where they go, and how they are written."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from diffusers import QwenImageTransformer2DModel
from peft import LoraConfig, inject_adapter_in_model
from peft.utils import get_peft_model_state_dict, set_peft_model_state_dict
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from transformers import Qwen2_5_VLForConditionalGeneration

from engine.errors import BadInput
from engine.step2.lora import Step2LoraLoaderMixin
from engine.training.weights_file import Progress, write_progress

ADAPTER = "dpo"  # its name in the mini checkpoint
WEIGHTS, PROGRESS = "pytorch_lora_weights.safetensors", "progress.json"
RANK = 64
# attention of both streams, and both feed-forward layers
GENERATION_LAYERS = (
    "to_q", "to_k", "to_v", "to_out.0", "add_q_proj", "add_k_proj", "add_v_proj", "to_add_out",
    "img_mlp.net.0.proj", "img_mlp.net.2", "txt_mlp.net.0.proj", "txt_mlp.net.2",
)  # fmt: skip
# the language model alone: the vision tower stays as it is
UNDERSTANDING_LAYERS = r".*language_model\..*\.(q_proj|k_proj|v_proj|o_proj|gate_proj|up_proj|down_proj)"


def adapt_generation(transformer: QwenImageTransformer2DModel, name: str, rank: int = RANK) -> None:
    """Adds a new adapter to E_gen, freezes all else. It starts as no change at all (B = 0)."""
    transformer.requires_grad_(False)
    config = LoraConfig(
        r=rank, lora_alpha=rank, init_lora_weights="gaussian", target_modules=list(GENERATION_LAYERS)
    )
    transformer.add_adapter(config, adapter_name=name)


def adapt_understanding(model: Qwen2_5_VLForConditionalGeneration, name: str, rank: int = RANK) -> None:
    """The same for the language model of E_mu."""
    model.requires_grad_(False)
    config = LoraConfig(
        r=rank, lora_alpha=rank, init_lora_weights="gaussian", target_modules=UNDERSTANDING_LAYERS
    )
    # by peft itself: transformers 5.24 asks here for a peft that is not released yet
    inject_adapter_in_model(config, model, name)


def save_adapters(
    folder: Path,
    name: str,
    transformer: QwenImageTransformer2DModel,
    understanding: Qwen2_5_VLForConditionalGeneration | None = None,
    progress: Progress | None = None,
) -> Path:
    """Writes the adapter of that name as `pytorch_lora_weights.safetensors`, diffusers' LoRA format, and then
    its progress beside it; each whole or not at all.
    """
    given: dict[str, Any] = {}
    for part, model in (("transformer", transformer), ("text_encoder", understanding)):
        if model is not None:
            given[f"{part}_lora_layers"] = get_peft_model_state_dict(model, adapter_name=name)
            given[f"{part}_lora_adapter_metadata"] = _metadata(model, name)
    folder.mkdir(parents=True, exist_ok=True)
    partial = (folder / WEIGHTS).with_suffix(".part")
    Step2LoraLoaderMixin.save_lora_weights(folder, weight_name=partial.name, **given)
    os.replace(partial, folder / WEIGHTS)
    if progress is not None:
        write_progress(folder / PROGRESS, progress)
    return folder


def load_adapter(
    folder: Path,
    name: str,
    transformer: nn.Module,
    understanding: nn.Module | None = None,
) -> None:
    """Fills adapters that are already in the models from a folder of `save_adapters`, to train them on.

    Raises BadInput when there are no weights, or they cannot be read.
    """
    state = _layers(folder)
    for part, model in (("transformer", transformer), ("text_encoder", understanding)):
        own = {k[len(part) + 1 :]: v.float() for k, v in state.items() if k.startswith(f"{part}.")}
        if model is not None:
            set_peft_model_state_dict(model, own, adapter_name=name)


def adapter_shape(folder: Path) -> tuple[int, bool]:
    """(rank, whether the understanding model is adapted) of what `save_adapters` wrote. Raises BadInput."""
    layers = _layers(folder)
    rank = next((of.shape[0] for name, of in layers.items() if name.endswith("lora_A.weight")), 0)
    return rank, any(name.startswith("text_encoder.") for name in layers)


def _layers(folder: Path) -> dict[str, Tensor]:
    try:
        return load_file(folder / WEIGHTS)
    except (OSError, SafetensorError) as error:
        how = "cannot be read" if (folder / WEIGHTS).exists() else "is missing"
        raise BadInput(
            f"{folder / WEIGHTS} {how}: bring it back, or move {folder} away to begin anew."
        ) from error


def _metadata(model: nn.Module, name: str) -> dict[str, object]:
    """The adapter's configuration, as plain JSON values."""
    config: LoraConfig = model.peft_config[name]  # type: ignore[index, assignment]
    targets = config.target_modules
    return {
        "r": config.r,
        "lora_alpha": config.lora_alpha,
        "target_modules": targets if isinstance(targets, str) else sorted(targets or ()),
    }
