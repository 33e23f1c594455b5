"""What a model would take, without loading it: built on the meta device, run without numbers.

Weights are counted module by module as each precision stores them. Activations are the peak of all tensors
that live at once in a forward, found by following every one of them from its making to its end. Attention
counts as its output alone: the fused kernels never hold the matrix of scores.
"""

from __future__ import annotations

import json
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from diffusers import AutoencoderKLQwenImage, QwenImageTransformer2DModel
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

from engine.profile import Precision
from engine.sizes import Part
from engine.step2.latents import img_shapes
from engine.step2.single_frame import enable_single_frame

NF4_BLOCK = 64


@contextmanager
def unloaded(dtype: torch.dtype = torch.bfloat16) -> Iterator[None]:
    """Modules and tensors made inside have shapes and types, and no storage."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        with torch.device("meta"), torch.no_grad():
            yield
    finally:
        torch.set_default_dtype(before)


def transformer(config: Mapping[str, Any]) -> QwenImageTransformer2DModel:
    """The drawing model of a config.json, without weights."""
    with unloaded():
        return QwenImageTransformer2DModel.from_config(dict(config))


def vae(config: Mapping[str, Any]) -> AutoencoderKLQwenImage:
    """The VAE of a config.json, without weights, as the painter runs it (single frames)."""
    with unloaded():
        model = AutoencoderKLQwenImage.from_config(dict(config))
    enable_single_frame(model)
    return model


def understanding(config: Qwen2_5_VLConfig) -> Qwen2_5_VLForConditionalGeneration:
    """The understanding model of a configuration, without weights."""
    with unloaded():
        return Qwen2_5_VLForConditionalGeneration(config)


def wanted_weights(folder: Path, name: str) -> int:
    """How many weights the config.json of a component asks for: tied ones once, as they are stored."""
    if name == "text_encoder":
        return sum(p.numel() for p in understanding(Qwen2_5_VLConfig.from_pretrained(folder)).parameters())
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    model: nn.Module = transformer(config) if name == "transformer" else vae(config)
    return sum(p.numel() for p in model.parameters())


def part(model: nn.Module, skip: tuple[str, ...] = ()) -> Part:
    """Parameters of a model, those in linear layers (but `skip`, by the end of their names), and the largest
    layer.
    """
    linear = sum(m.weight.numel() for _, m in quantised(model, skip))
    largest = max(p.numel() for p in model.parameters())
    return Part(sum(p.numel() for p in model.parameters()), linear, largest)


def quantised(model: nn.Module, skip: tuple[str, ...] = ()) -> Iterator[tuple[str, nn.Linear]]:
    """The layers whose weights quantisation shrinks, by name."""
    for name, module in model.named_modules():
        if isinstance(module, nn.Linear) and not (skip and name.endswith(skip)):
            yield name, module


def weights(model: nn.Module, precision: Precision, skip: tuple[str, ...] = ()) -> int:
    """Bytes of a model's weights as a precision stores them; what it leaves alone is bfloat16.

    int8: a byte a weight, and a float32 scale and a byte of zero point a row. nf4: half a byte a weight (two
    share one, so an odd one takes all of it) and a float32 maximum every 64 weights.
    """
    total = 2 * sum(p.numel() for p in model.parameters())
    if precision is Precision.FULL:
        return total
    for _, layer in quantised(model, skip):
        n = layer.weight.numel()
        if precision is Precision.INT8:
            total += n + 5 * layer.out_features - 2 * n
        else:
            total += -(-n // 2) + 4 * -(-n // NF4_BLOCK) - 2 * n
    return total


class _Living(TorchDispatchMode):
    """Bytes of all tensors that operations made and that still live; `peak` is the most at once."""

    def __init__(self) -> None:
        super().__init__()
        self.now = self.peak = 0
        self._storages: dict[int, list[int]] = {}  # by storage: how many tensors see it, its bytes

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        for value in tree_leaves(out):
            if isinstance(value, Tensor):
                self._hold(value)
        return out

    def _hold(self, tensor: Tensor) -> None:
        storage = tensor.untyped_storage()
        key = storage._cdata
        if key not in self._storages:
            self._storages[key] = [0, storage.nbytes()]
            self.now += storage.nbytes()
            self.peak = max(self.peak, self.now)
        self._storages[key][0] += 1
        weakref.finalize(tensor, self._drop, key)

    def _drop(self, key: int) -> None:
        seen = self._storages[key]
        seen[0] -= 1
        if not seen[0]:
            self.now -= seen[1]
            del self._storages[key]


class _FusedAttention(TorchFunctionMode):
    """Attention as the fused kernels do it: an output of the query's shape, and no scores."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        given = kwargs or {}
        if func is F.scaled_dot_product_attention:
            return torch.empty_like(args[0] if args else given["query"])
        return func(*args, **given)


def peak(work: Callable[[], object]) -> int:
    """Bytes that live at once at the worst moment of `work`, beside what it was given."""
    living = _Living()
    with _FusedAttention(), living:
        work()
    return living.peak


def drawing_peak(
    model: QwenImageTransformer2DModel, h: int, w: int, frames: int, tokens: int, rows: int = 1
) -> int:
    """Peak bytes of one forward over `frames` frames of h*w packed tokens and `tokens` context tokens."""
    config = model.config
    with unloaded():
        x = torch.empty(rows, frames * h * w, config.in_channels)
        context = torch.empty(rows, tokens, config.joint_attention_dim)
        sigma = torch.empty(rows)
        shapes = img_shapes(rows, h, w, frames)
        return peak(
            lambda: model(
                hidden_states=x,
                encoder_hidden_states=context,
                timestep=sigma,
                img_shapes=shapes,
                return_dict=False,
            )
        )


def decoding_peak(model: AutoencoderKLQwenImage, H: int, W: int) -> int:
    """Peak bytes of decoding one latent frame of H x W cells."""
    with unloaded():
        z = torch.empty(1, int(model.config.z_dim), 1, H, W)
        return peak(lambda: model.decode(z, return_dict=False))


def reading_peak(model: Qwen2_5_VLForConditionalGeneration, tokens: int) -> int:
    """Peak bytes of reading a prompt of `tokens` tokens (pictures count as theirs)."""
    with unloaded():
        width = model.config.text_config.hidden_size
        embedded = torch.empty(1, tokens, width)
        positions = torch.zeros(3, 1, tokens, dtype=torch.long)
        return peak(
            lambda: model.model.language_model(
                inputs_embeds=embedded, position_ids=positions, use_cache=False, output_hidden_states=True
            )
        )
