"""The door to profiles: a name becomes a profile, with what stands in its way on this installation.

The table itself is `engine.catalogue`. A checkpoint's own card (`step2.json`) has the last word on
everything that it declares. Imports no torch.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from engine.catalogue import FAMILIES, MINI, MINI_FOLDER, profile_of, resized, sized
from engine.errors import BadInput, CheckpointError, StageError
from engine.profile import Mode, Needs, Precision, Profile
from engine.step2.card import CheckpointCard, read_card
from engine.vocabulary import Vocabulary

if TYPE_CHECKING:
    from engine.doctor import Finding

__all__ = [
    "MINI_FOLDER",
    "PROFILES",
    "Needs",
    "Profile",
    "doctor",
    "get_profile",
    "resized",
    "world_vocabulary",
]

MINI_VARIABLE = "STAGE_MINI_CHECKPOINT"
ADAPTER_VARIABLE = "STAGE_STEP2_LORA"
MODELS_VARIABLE = "STAGE_MODELS"
KEY_VARIABLES = ("STAGE_IMAGE_API_KEY", "OPENAI_API_KEY")
IMAGE_URL_VARIABLE, OPENAI_URL = "STAGE_IMAGE_API_URL", "https://api.openai.com/v1"
WORLD_LEXICON = Path(__file__).resolve().parent / "world" / "lexicon.json"
PROFILES: Mapping[str, Profile] = FAMILIES
_LIBRARY = {Precision.INT8: "torchao", Precision.NF4: "bitsandbytes"}


def get_profile(name: str, adapter: str = "") -> Profile:
    """The profile of that name, with what its checkpoint's card and vocabulary declare.

    `adapter` names the user's own STEP² LoRA (a folder, a file or a hub id); without it the variable
    STAGE_STEP2_LORA does. The variable STAGE_MINI_CHECKPOINT puts another folder in the place of mini's, and
    STAGE_MODELS names a folder in which models lie by their names (STAGE_MODELS/Qwen/Qwen-Image). A folder
    without a checkpoint is no error here: the profile can still be shown and directed for; drawing with it
    says what is missing. So is a card or a vocabulary that cannot be read: it becomes the profile's refusal,
    so that films can be opened, edited and exported whatever happened to the checkpoint. Raises BadInput for
    a name that no profile has.
    """
    profile = profile_of(name)
    if name == MINI.name:
        return _mini()
    if profile.mode is Mode.HOSTED:
        return replace(profile, refusal=_without_key())
    profile = replace(profile, checkpoint=local_model(profile.checkpoint))
    missing = _without_library(profile)
    if profile.mode is Mode.PAIRS:
        return _with_adapter(profile, adapter or os.environ.get(ADAPTER_VARIABLE, ""), missing)
    return replace(profile, refusal=missing)


def mode_of(name: str) -> Mode | None:
    """How the profile of that name makes a pair; None for one that there is no more. Any name will do: takes
    are kept longer than profiles.
    """
    try:
        return profile_of(name).mode
    except BadInput:
        return None


def _mini() -> Profile:
    folder = Path(os.environ.get(MINI_VARIABLE) or MINI_FOLDER)
    try:
        card = read_card(folder)
        own = card.vocabulary if card.pairs else None
        words = _read_vocabulary(folder / own) if own else world_vocabulary()
    except CheckpointError as error:
        return replace(MINI, checkpoint=folder, vocabulary=world_vocabulary(), refusal=str(error))
    if not card.pairs:
        return replace(MINI, checkpoint=folder, vocabulary=words)
    return replace(
        MINI,
        checkpoint=folder,
        width=card.width,
        height=card.height,
        steps=card.steps,
        guidance=card.guidance,
        memory_guidance=card.memory_guidance,
        preview=card.preview,
        note=card.note or MINI.note,
        vocabulary=words,
        unseen=card.unseen,
    )


def ranker_stamp(profile: Profile) -> str:
    """Names the ranker that orders a profile's memory, without loading it: figures of another one differ.

    A hub id stands for itself; a folder is told by the size and time of its weight files. The frames of a
    hosted profile, which has no checkpoint, are ranked as `engine.step2.small_ranker` says.
    """
    root = profile.checkpoint if profile.mode is not Mode.HOSTED else os.environ.get(MODELS_VARIABLE, "")
    files = sorted(Path(root).glob("ranker/*.safetensors")) if root and Path(root).is_dir() else []
    sizes = [f"{file.stat().st_size}-{file.stat().st_mtime_ns}" for file in files]
    return " ".join((profile.name, f"{profile.width}x{profile.height}", str(profile.checkpoint), *sizes))


def local_model(checkpoint: Path | str) -> Path | str:
    """A model's folder below STAGE_MODELS, where there is one; else its name on the hub."""
    root = os.environ.get(MODELS_VARIABLE)
    if root and isinstance(checkpoint, str) and (Path(root) / checkpoint).is_dir():
        return Path(root) / checkpoint
    return checkpoint


def _with_adapter(profile: Profile, adapter: str, missing: str) -> Profile:
    """The profile with the user's STEP² LoRA, or with the reason why it cannot draw pairs."""
    from engine.step2.adapter import adapter_bytes, check_adapters, check_base

    if not adapter:
        return profile  # its own refusal says that it needs one
    try:
        card = check_adapters(adapter)
        if card is not None:
            check_base(adapter, card, profile)
    except StageError as error:
        return replace(profile, adapter=adapter, refusal=str(error))
    profile = sized(replace(profile, adapter=adapter, refusal=missing), adapter_bytes(adapter))
    # A hub id that is not downloaded yet has none: `load_painter` fetches it, and draws by its card then.
    return profile if card is None else by_card(profile, card)


def by_card(profile: Profile, card: CheckpointCard) -> Profile:
    """A profile with the user's STEP² LoRA, drawing as the LoRA's card says."""
    from engine.step2.adapter import adapter_bytes

    if "half" not in profile.variants:
        profile = sized(
            replace(profile, width=card.width, height=card.height), adapter_bytes(profile.adapter)
        )
    if profile.distillation is not None:  # it has steps and guidance of its own
        return profile
    return replace(
        profile,
        steps=card.steps,
        guidance=card.guidance,
        memory_guidance=card.memory_guidance,
        negative=card.negative,
    )


def _without_library(profile: Profile) -> str:
    library = _LIBRARY.get(profile.precision)
    if library is None or find_spec(library) is not None:
        return ""
    return f"Its small weights need {library}: pip install 'stage-studio[quant]'."


def image_key() -> str:
    """The key for the image service that is named, or "". OpenAI's own is for OpenAI alone: whoever names
    another service does not mean to show it there. Without the line break that a file or a form left at its
    end.
    """
    return os.environ.get(image_key_found(), "").strip()


def image_key_found() -> str:
    """The variable that holds the key of `image_key`; "" for none. Never says what the key is."""
    own, openai = KEY_VARIABLES
    if os.environ.get(own, "").strip():
        return own
    url = (os.environ.get(IMAGE_URL_VARIABLE) or OPENAI_URL).rstrip("/")
    return openai if url == OPENAI_URL and os.environ.get(openai, "").strip() else ""


def _without_key() -> str:
    if image_key():
        return ""
    return f"It needs the key of an image service: set {KEY_VARIABLES[0]}, or draw with another profile."


def doctor() -> list[Finding]:
    """What this machine can run and why not: the findings of `engine.doctor.examine`."""
    from engine.doctor import examine  # it looks at profiles, so it cannot be imported before them

    return examine()


@lru_cache(maxsize=1)
def world_vocabulary() -> Vocabulary:
    """The words of the paper-theatre world, which every mini checkpoint is trained on.

    The built-in director also reads themes with it when a profile declares no vocabulary of its own.
    """
    return _read_vocabulary(WORLD_LEXICON)


def _read_vocabulary(path: Path) -> Vocabulary:
    try:
        stamp = path.stat().st_mtime_ns
        return _load_vocabulary(path, stamp)
    except (OSError, ValueError) as error:
        message = f"The checkpoint's list of words {path.name} cannot be read: fetch it again."
        raise CheckpointError(message) from error


@lru_cache(maxsize=8)
def _load_vocabulary(path: Path, stamp: int) -> Vocabulary:
    """One parsed vocabulary per file version: a page asks for its profile often."""
    return Vocabulary.load(path)
