"""A user's own STEP² LoRA: found and looked over before 57 GB of weights are loaded. Needs no torch.

It is a folder with `pytorch_lora_weights.safetensors` (as `stage lora` writes it) and a card `step2.json`
that says `"pairs": true`: the layers of a LoRA for one style and of one for pairs look the same, so only the
card can tell them apart. Several, as preference training leaves them (the SFT's, then the DPO's), are named
in their order with the system's path separator between them.
"""

from __future__ import annotations

import json
import os
import re
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from huggingface_hub import snapshot_download, try_to_load_from_cache
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError
from safetensors import SafetensorError, safe_open

from engine.catalogue import FAMILIES, LARGE, LORA_BYTES, profile_of
from engine.errors import CheckpointError
from engine.profile import Profile
from engine.step2.card import CARD_NAME, CheckpointCard, read_card

WEIGHTS = "pytorch_lora_weights.safetensors"
_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")
_LAYERS = ("transformer.", "text_encoder.")
_INPUT = re.compile(r"transformer\.transformer_blocks\.\d+\.attn\.to_q\.lora_A\.weight")
_HOW = "name a folder that `stage lora` wrote"


def adapter_names(names: str) -> list[str]:
    """The adapters of one setting, in the order in which they are merged."""
    return [name for name in names.split(os.pathsep) if name]


def check_adapters(names: str) -> CheckpointCard | None:
    """The card of the last of several; see `check_adapter`."""
    cards = [check_adapter(name) for name in adapter_names(names)]
    return cards[-1] if cards and None not in cards else None


def check_adapter(name: str) -> CheckpointCard | None:
    """The card of a STEP² LoRA on disk; None for a hub id that is not downloaded yet.

    Raises CheckpointError with one sentence: not there, damaged, not a LoRA, or not one for pairs.
    """
    path = _place(name)
    if path is None:
        return None
    folder = path if path.is_dir() else path.parent
    file = path / WEIGHTS if path.is_dir() else path
    return _checked(folder, file, file.stat().st_mtime_ns if file.exists() else 0)


def _place(name: str) -> Path | None:
    """The folder or file of a STEP² LoRA, of a hub id the folder in the hub's cache; None where both of its
    files are not downloaded yet. Raises CheckpointError for what is neither there nor a hub id.
    """
    path = Path(name).expanduser()
    if path.exists():
        return path
    if _HUB_ID.fullmatch(name):
        with suppress(HFValidationError):
            card, weights = (try_to_load_from_cache(name, file) for file in (CARD_NAME, WEIGHTS))
            return Path(weights).parent if isinstance(card, str) and isinstance(weights, str) else None
    raise CheckpointError(f"There is no STEP² LoRA at {name}: {_HOW}.")


def base_of(checkpoint: Path | str) -> str:
    """The name on the hub of the large model that a checkpoint is, told by its hub id, or by a folder that is
    named so (below STAGE_MODELS, or in the hub's cache); "" for any other.
    """
    parts = Path(checkpoint).parts
    for known in (str(FAMILIES[family].checkpoint) for family in LARGE):
        owner, name = known.split("/")
        if parts[-2:] == (owner, name) or f"models--{owner}--{name}" in parts:
            return known
    return ""


def check_base(name: str, card: CheckpointCard, profile: Profile) -> None:
    """Raises CheckpointError for a LoRA whose card says that it was trained on another model than the
    profile's. The layers of all of them are alike.
    """
    wanted = profile_of(profile.family).checkpoint
    if not card.base or card.base == wanted:
        return
    other = next((family for family in LARGE if FAMILIES[family].checkpoint == card.base), "")
    way_out = f"choose the profile {other}, or name" if other else "name"
    raise CheckpointError(
        f"The STEP² LoRA {name} was trained on {card.base}, and {profile.family} draws with {wanted}: "
        f"{way_out} one that was trained on this."
    )


def adapter_bytes(names: str) -> float:
    """What the adapters of one setting take beside quantised weights: their files', or as much as such a file
    usually has where it is not downloaded yet.
    """
    sizes = []
    for name in adapter_names(names):
        path = _place(name)
        file = path / WEIGHTS if path is not None and path.is_dir() else path
        sizes.append(float(file.stat().st_size) if file is not None and file.is_file() else LORA_BYTES)
    return sum(sizes)


def fetch_adapter(name: str) -> tuple[Path, CheckpointCard]:
    """(file of the weights, card) of a STEP² LoRA, downloaded where it is a hub id.

    Raises CheckpointError.
    """
    path = Path(name).expanduser()
    if not path.exists():
        check_adapter(name)
        try:
            path = Path(snapshot_download(name, allow_patterns=[WEIGHTS, CARD_NAME]))
        except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as e:
            raise CheckpointError(
                f"The STEP² LoRA {name} could not be downloaded: connect, or name a local folder."
            ) from e
    card = check_adapter(str(path))
    assert card is not None, "a folder has a card, or check_adapter raised"
    return (path / WEIGHTS if path.is_dir() else path), card


@lru_cache(maxsize=16)
def _checked(folder: Path, file: Path, stamp: int) -> CheckpointCard:
    if not file.exists():
        raise CheckpointError(f"The STEP² LoRA at {folder} has no {WEIGHTS}: {_HOW}.")
    for key in adapter_shapes(file):
        if "lora" not in key or not key.startswith(_LAYERS):
            raise CheckpointError(f"{file.name} is not a LoRA of Qwen-Image, it holds {key}: {_HOW}.")
    card = read_card(folder)
    if not (folder / CARD_NAME).exists() or not card.pairs:
        raise CheckpointError(
            f"The LoRA at {folder} was not trained on start-end pairs (no {CARD_NAME} says so): {_HOW}."
        )
    return card


def adapter_shapes(file: Path) -> dict[str, tuple[int, ...]]:
    """Names and shapes of a LoRA file's tensors, from its header.

    Raises CheckpointError when it is damaged.
    """
    try:
        with safe_open(file, "np") as f:
            return {key: tuple(f.get_slice(key).get_shape()) for key in f.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as e:
        raise CheckpointError(f"The LoRA file {file.name} is damaged or not whole: fetch it again.") from e


def check_width(file: Path, checkpoint: Path) -> None:
    """Raises CheckpointError when a LoRA was made for a transformer of another width or fewer layers."""
    shapes = adapter_shapes(file)
    try:
        config = json.loads((checkpoint / "transformer" / "config.json").read_text(encoding="utf-8"))
        width, layers = config["num_attention_heads"] * config["attention_head_dim"], config["num_layers"]
    except (OSError, ValueError, KeyError) as e:
        raise CheckpointError("The checkpoint's transformer has no config.json: fetch it again.") from e
    own = {key: shape[-1] for key, shape in shapes.items() if _INPUT.fullmatch(key)}
    last = max((int(key.split(".")[2]) for key in own), default=-1)
    if any(size != width for size in own.values()) or last >= layers:
        raise CheckpointError(
            f"The LoRA {file.parent.name or file.name} was trained on another model than "
            f"{checkpoint.name}: name one for it, or choose the profile that it was trained on."
        )
