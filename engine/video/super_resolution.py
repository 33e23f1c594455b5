"""A small learned upscaler: five times larger, with the crisp edges of the world that it was trained on.

Sub-pixel convolution (Shi et al., 2016) on top of bicubic interpolation: a few convolutions at the native
size predict what interpolation leaves out. A checkpoint may bring one in its folder `upscaler/`.
"""

from __future__ import annotations

import json
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from engine.errors import CheckpointError
from engine.video.upscale import Frame, LanczosUpscaler, Upscaler

FOLDER = "upscaler"
CONFIG, WEIGHTS = "config.json", "diffusion_pytorch_model.safetensors"


class SuperResolution(nn.Module):
    """Frames (B, 3, H, W) in [0, 1] -> (B, 3, factor * H, factor * W).

    Saved in the form of a diffusers model, and none: whoever enlarges frames need not load that library.
    """

    def __init__(self, factor: int = 5, width: int = 32, depth: int = 3) -> None:
        super().__init__()
        self.factor, self.config = factor, {"factor": factor, "width": width, "depth": depth}
        layers: list[nn.Module] = [nn.Conv2d(3, width, 3, padding=1), nn.SiLU()]
        for _ in range(depth - 1):
            layers += [nn.Conv2d(width, width, 3, padding=1), nn.SiLU()]
        layers.append(nn.Conv2d(width, 3 * factor**2, 3, padding=1))
        nn.init.zeros_(layers[-1].weight)  # type: ignore[arg-type]  # starts as plain interpolation
        nn.init.zeros_(layers[-1].bias)  # type: ignore[arg-type]
        self.body = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        smooth = F.interpolate(x, scale_factor=self.factor, mode="bicubic", align_corners=False)
        return smooth + F.pixel_shuffle(self.body(x), self.factor)

    def save_pretrained(self, folder: Path) -> None:
        """Writes configuration and weights into a folder, which is made."""
        folder.mkdir(parents=True, exist_ok=True)
        config = {"_class_name": type(self).__name__, **dict(sorted(self.config.items()))}
        (folder / CONFIG).write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
        save_file(self.state_dict(), folder / WEIGHTS, metadata={"format": "pt"})

    @classmethod
    def from_pretrained(cls, folder: Path) -> SuperResolution:
        """The model of a folder, in single precision.

        Raises OSError, ValueError, TypeError, RuntimeError or SafetensorError for what is none.
        """
        config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        model = cls(**{name: int(value) for name, value in config.items() if not name.startswith("_")})
        model.load_state_dict(load_file(folder / WEIGHTS))
        return model.float()


class LearnedUpscaler:
    """The upscaler of a checkpoint. Sizes other than its own factor are reached by resampling its result."""

    name = "super-resolution"

    def __init__(self, model: SuperResolution) -> None:
        self._model = model.eval()
        self._resample = LanczosUpscaler()

    @torch.inference_mode()
    def upscale(self, frame: Frame, width: int, height: int) -> Frame:
        """The frame (H, W, 3) at `width` x `height` pixels."""
        x = torch.tensor(frame).permute(2, 0, 1)[None].float() / 255
        large = (self._model(x)[0].clamp(0, 1) * 255).round().byte().permute(1, 2, 0).numpy()
        return self._resample.upscale(large, width, height)


def load_upscaler(checkpoint: Path | str) -> Upscaler:
    """The upscaler of a checkpoint folder; Lanczos where it brings none.

    Raises CheckpointError when there is one that cannot be read.
    """
    folder = Path(checkpoint) / FOLDER
    if not folder.is_dir():
        return LanczosUpscaler()
    try:
        return LearnedUpscaler(SuperResolution.from_pretrained(folder))
    except (OSError, ValueError, TypeError, RuntimeError, SafetensorError) as e:
        raise CheckpointError(f"The upscaler in {folder} cannot be read: fetch the checkpoint again.") from e
