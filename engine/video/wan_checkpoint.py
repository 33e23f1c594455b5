"""Wan checkpoints, looked over before a gigabyte is loaded: is it the right pipeline, does it keep both ends?

Needs no torch. Every fault is one sentence that says what to do.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from engine.errors import CheckpointError, UnsupportedError
from engine.profiles import local_model
from engine.step2.checkpoint import inspect_class, inspect_part, inspect_settings, locate
from engine.video.renderers import Lora, Renderer, RendererKind

INDEX = "model_index.json"
_PIPELINES = {RendererKind.WAN: "WanImageToVideoPipeline", RendererKind.VACE: "WanVACEPipeline"}
_TRANSFORMERS = ("transformer", "transformer_2")
_TRANSFORMER = {RendererKind.WAN: "WanTransformer3DModel", RendererKind.VACE: "WanVACETransformer3DModel"}
_SHARED = {"text_encoder": "UMT5EncoderModel", "vae": "AutoencoderKLWan"}


def find_checkpoint(renderer: Renderer) -> Path:
    """The renderer's checkpoint on this machine, downloaded if need be.

    Raises:
        CheckpointError: missing, damaged, not whole, or of other classes.
        UnsupportedError: the model does not keep the last frame.
    """
    if renderer.refusal:
        raise UnsupportedError(renderer.refusal)
    folder = locate(renderer.source)
    check_checkpoint(folder, renderer)
    return folder


def check_checkpoint(folder: Path, renderer: Renderer) -> None:
    """Raises CheckpointError or UnsupportedError (see find_checkpoint) without loading any weights."""
    index = _read(folder / INDEX)
    wanted = _PIPELINES[renderer.kind]
    found = index.get("_class_name")
    if found != wanted:
        raise CheckpointError(
            f"The checkpoint at {folder} is a {found}, and {renderer.title} is a {wanted}: name another one "
            f"with {renderer.variable}."
        )
    if index.get("expand_timesteps"):
        raise UnsupportedError(
            f"The checkpoint at {folder} ignores the last frame (it is of the TI2V kind), so its clips would "
            "not end where the shot ends: choose Wan 2.2 I2V A14B, Wan 2.1 FLF2V or Wan 2.1 VACE."
        )
    for name in _TRANSFORMERS:
        if _is_there(index, name):
            config = _read(folder / name / "config.json")
            if config.get("image_dim") is not None and config.get("pos_embed_seq_len") is None:
                raise UnsupportedError(
                    f"The checkpoint at {folder} knows a first frame only (Wan 2.1 I2V): choose Wan 2.1 "
                    "FLF2V, which was trained for first and last frame."
                )
    _check_parts(folder, index, renderer)


def _check_parts(folder: Path, index: dict[str, Any], renderer: Renderer) -> None:
    """Every model is of its class and was downloaded to its end: pairs are drawn long before it is loaded."""
    transformers = dict.fromkeys(_TRANSFORMERS, _TRANSFORMER[renderer.kind])
    for name, wanted in {**transformers, **_SHARED}.items():
        if name == "transformer_2" and not _is_there(index, name):
            continue
        inspect_class(index, name, wanted)
        inspect_part(folder, name)
        own = _read(folder / name / "config.json").get("_class_name", wanted)
        if own != wanted:
            raise CheckpointError(
                f"The checkpoint's {name} says that it is a {own}, but it must be a {wanted}: fetch it again."
            )
    if _is_there(index, "image_encoder"):
        inspect_part(folder, "image_encoder")
    inspect_settings(folder, ("scheduler", "tokenizer"))


def lora_files(lora: Lora) -> list[Path]:
    """The files of a LoRA on this machine, one a transformer: in its folder, below STAGE_MODELS, or
    downloaded if need be.

    Raises:
        CheckpointError: they are not there.
    """
    return [_lora_file(lora.source, name) for name in lora.files]


def _lora_file(source: str, name: str) -> Path:
    file = Path(local_model(source)) / name
    if file.is_file():
        return file
    if Path(source).is_dir():
        raise CheckpointError(f"There is no LoRA at {file}: fetch it again, or choose a renderer without.")
    return _downloaded(source, name)


def _downloaded(source: str, name: str) -> Path:
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        return Path(hf_hub_download(source, name))
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        raise CheckpointError(
            f"The LoRA {source}/{name} could not be downloaded: connect, or choose a renderer without one."
        ) from error


def _is_there(index: dict[str, Any], name: str) -> bool:
    entry = index.get(name)
    return isinstance(entry, list) and entry[0] is not None


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise CheckpointError(
            f"{path.parent} is no checkpoint ({path.name} is missing): fetch it again, or name another."
        ) from error
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path} cannot be read: fetch the checkpoint again.") from error
    if not isinstance(found, dict):
        raise CheckpointError(f"{path} cannot be read: fetch the checkpoint again.")
    return found
