"""Large profiles on tiny random weights in the hub's own layouts, for tests."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from engine.catalogue import LARGE, named
from engine.profile import Distillation, Profile
from engine.profiles import get_profile
from engine.step2.card import CheckpointCard, write_card
from engine.step2.painter import PairPainter
from engine.training.adapters import adapt_generation, adapt_understanding, save_adapters
from tests.engine.step2.tiny import (
    HEIGHT,
    SPECIAL,
    WIDTH,
    stock_repository,
    tiny_text_encoder,
    tiny_tokenizer,
    tiny_transformer,
)


def make_models(root: Path) -> Path:
    """A folder of models by owner and name, as STAGE_MODELS has them, and a STEP² LoRA beside them."""
    stock_repository(root / "Qwen" / "Qwen-Image")
    stock_repository(root / "Qwen" / "Qwen-Image-2512", seed=1)
    stock_repository(root / "Qwen" / "Qwen-Image-Edit-2509", edit=True)
    pairs_lora(root / "mine")
    for family in LARGE:
        for steps in ("8step", "4step"):
            lightning(root, get_profile(named(family, steps)).distillation)
    return root


def pairs_lora(folder: Path, pairs: bool = True) -> Path:
    """A STEP² LoRA on both tiny models, as training writes it, with layers that do change the output."""
    transformer = tiny_transformer()
    tokenizer = tiny_tokenizer(SPECIAL, pad_token="<|endoftext|>", eos_token="<|im_end|>")
    reading = tiny_text_encoder(tokenizer, patch=14)
    adapt_generation(transformer, "pairs", rank=4)
    adapt_understanding(reading, "pairs", rank=4)
    torch.manual_seed(3)
    for model in (transformer, reading):
        for name, p in model.named_parameters():
            if "lora_B" in name:
                p.data.normal_(std=0.5)
    save_adapters(folder, "pairs", transformer, reading)
    write_card(CheckpointCard(title="mine", pairs=pairs, steps=3, guidance=2.0), folder)
    return folder


def lightning(root: Path, lora: Distillation | None) -> Path:
    """A distillation LoRA in the form that lightx2v publishes: lora_down, lora_up and alpha, no prefix."""
    assert lora is not None
    layers: dict[str, torch.Tensor] = {}
    transformer = tiny_transformer()
    torch.manual_seed(4)
    for i in range(2):
        for name in ("attn.to_q", "attn.add_k_proj", "img_mlp.net.2"):
            layer = transformer.get_submodule(f"transformer_blocks.{i}.{name}")
            key = f"transformer_blocks.{i}.{name}"
            layers[f"{key}.lora_down.weight"] = torch.randn(4, layer.in_features)
            layers[f"{key}.lora_up.weight"] = torch.randn(layer.out_features, 4)
            layers[f"{key}.alpha"] = torch.tensor(2.0)
    file = root / lora.repository / lora.file
    file.parent.mkdir(parents=True, exist_ok=True)
    save_file(layers, file)
    return file


def small(name: str, **changes: Any) -> Profile:
    """A large profile at the size of tiny models."""
    profile = get_profile(name)
    steps = min(profile.steps, 2)
    return replace(profile, **{"width": WIDTH, "height": HEIGHT, "steps": steps, **changes})


def tiny_references(painter: PairPainter) -> PairPainter:
    """References at the size of the frames: a megapixel would only cost time."""
    editor = getattr(painter, "editor", None)
    if editor is not None:
        editor.reference_area = WIDTH * HEIGHT
    return painter
