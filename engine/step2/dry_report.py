"""`stage doctor --dry-run`: what a profile's own configurations would take, added up without loading.

The sums are those of `engine.sizes`; the numbers come from the checkpoint's config.json files, built on the
meta device, where the doctor's come from a table.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import snapshot_download
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError
from transformers import Qwen2_5_VLConfig

from engine.catalogue import loras_beside
from engine.errors import CheckpointError, UnsupportedError
from engine.profile import Mode, Placement, Precision, Profile
from engine.sizes import BLOCKS, CONTEXT, CONTEXT_TOKENS, RANKER_BYTES, TILE
from engine.step2 import dry_run
from engine.step2.adapter import adapter_bytes

_CONFIGS = ("transformer/config.json", "vae/config.json", "text_encoder/config.json")


@dataclass(frozen=True)
class DryRun:
    """Bytes: weights of each model as the profile holds them, and the peak of each one's work beside them."""

    weights: dict[str, int]
    work: dict[str, int]
    device: int
    """All that is on the device at the worst moment, with what the driver takes."""


def dry(profile: Profile) -> DryRun:
    """Adds up a profile that draws on this machine with the large models.

    Raises CheckpointError when its configurations are not there and cannot be downloaded, UnsupportedError
    for a profile without large models.
    """
    if profile.mode is Mode.HOSTED or profile.family == "mini":
        raise UnsupportedError(f"{profile.title} has no large models to add up: choose a qwen-image profile.")
    folder = _configs(profile)
    try:
        transformer = dry_run.transformer(_read(folder / "transformer"))
        vae = dry_run.vae(_read(folder / "vae"))
        reading = dry_run.understanding(Qwen2_5_VLConfig.from_pretrained(folder / "text_encoder"))
    except (OSError, ValueError, TypeError, KeyError) as e:
        raise CheckpointError(f"A config.json of {folder} cannot be read: fetch it again.") from e
    weights = {
        "transformer": dry_run.weights(transformer, profile.precision),
        "text_encoder": dry_run.weights(reading, profile.precision, skip=("lm_head",)),
        "vae": dry_run.weights(vae, Precision.FULL),
        "ranker": int(RANKER_BYTES),
    }
    # beside the transformer: most of a LoRA is, and none of it can be anywhere else while that draws
    weights["transformer"] += int(loras_beside(profile, adapter_bytes(profile.adapter)))
    h, w = profile.height // 16, profile.width // 16
    frames = profile.sequence_frames
    cell = 2 ** len(vae.temperal_downsample)
    work = {
        "transformer": dry_run.drawing_peak(transformer, h, w, frames, CONTEXT_TOKENS),
        "text_encoder": dry_run.reading_peak(reading, CONTEXT_TOKENS),
        "vae": dry_run.decoding_peak(vae, profile.height // cell, profile.width // cell),
    }
    layers = 2 * weights["transformer"] // BLOCKS + 2 * dry_run.part(reading).largest
    return DryRun(weights, work, _device(weights, work, layers, profile.placement) + int(CONTEXT))


def _device(weights: dict[str, int], work: dict[str, int], layers: int, placement: Placement) -> int:
    match placement:
        case Placement.RESIDENT:
            return sum(weights.values()) + max(work.values())
        case Placement.OFFLOAD:
            return max(weights[name] + work[name] for name in work)
        case Placement.STREAM:
            tiled = min(work["vae"], int(TILE))
            return layers + weights["vae"] + max(work["transformer"], work["text_encoder"], tiled)


def _read(folder: Path) -> dict[str, object]:
    found: dict[str, object] = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    return found


def _configs(profile: Profile) -> Path:
    """A folder with the checkpoint's config.json files; of a hub id only these are downloaded."""
    if isinstance(profile.checkpoint, Path):
        return profile.checkpoint
    try:
        return Path(snapshot_download(profile.checkpoint, allow_patterns=list(_CONFIGS)))
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as e:
        raise CheckpointError(
            f"The configuration of {profile.checkpoint} could not be downloaded: connect, or name its folder "
            "in STAGE_MODELS."
        ) from e
