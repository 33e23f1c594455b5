"""Single frames through the causal 3-D VAE at the cost of 2-D convolutions.

The stock convolution pads two zero frames before a clip; on a clip of one frame only its last temporal tap
meets data, so it equals a 2-D convolution with that tap. Its feature cache (copies of every activation, for
the next chunk of a clip) is not needed either, and without it the temporal resampling layers are skipped
exactly as they are for the first frame of a clip. On a CPU this is about three times faster; the results
differ by rounding only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch.nn.functional as F
from diffusers import AutoencoderKLQwenImage
from diffusers.models.autoencoders.autoencoder_kl_qwenimage import QwenImageCausalConv3d
from diffusers.models.autoencoders.vae import DecoderOutput
from torch import Tensor


def _last_tap(conv: Any, stock: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """`conv.forward` for one frame (B, C, 1, H, W) as a 2-D convolution; longer clips go the stock way."""
    _, across, _, down, _, _ = conv._padding  # (left, right, top, bottom, front, back)

    def forward(x: Tensor, cache_x: Tensor | None = None) -> Tensor:
        if cache_x is not None or x.shape[2] != 1:
            return stock(x, cache_x)
        tap = conv.weight[:, :, -1]  # out in kh kw
        return F.conv2d(x[:, :, 0], tap, conv.bias, conv.stride[1:], (down, across)).unsqueeze(2)

    return forward


def enable_single_frame(vae: AutoencoderKLQwenImage) -> Callable[[], None]:
    """Takes the shortcut in this one VAE (no class is touched); returns the function that undoes it.

    Clips longer than a frame still go the stock way, and so does a VAE with tiling switched on.
    """
    touched: list[tuple[Any, str]] = []

    def replace(owner: Any, name: str, new: Callable[..., Any]) -> None:
        owner.__dict__[name] = new  # an instance attribute hides the method of the class
        touched.append((owner, name))

    for module in vae.modules():
        if isinstance(module, QwenImageCausalConv3d) and module.stride[0] == 1:
            replace(module, "forward", _last_tap(module, module.forward))

    stock_encode, stock_decode = vae._encode, vae._decode

    def encode(x: Tensor) -> Tensor:
        if x.shape[2] != 1 or vae.use_tiling:
            return stock_encode(x)
        return vae.quant_conv(vae.encoder(x))

    def decode(z: Tensor, return_dict: bool = True) -> Any:
        if z.shape[2] != 1 or vae.use_tiling:
            return stock_decode(z, return_dict=return_dict)
        out = vae.decoder(vae.post_quant_conv(z)).clamp(-1.0, 1.0)
        return DecoderOutput(sample=out) if return_dict else (out,)

    replace(vae, "_encode", encode)
    replace(vae, "_decode", decode)

    def undo() -> None:
        for owner, name in touched:
            owner.__dict__.pop(name, None)

    return undo


@contextmanager
def single_frame(vae: AutoencoderKLQwenImage) -> Iterator[AutoencoderKLQwenImage]:
    """`with single_frame(vae): ...` takes the shortcut inside the block only."""
    undo = enable_single_frame(vae)
    try:
        yield vae
    finally:
        undo()
