"""Checkpoint folders: finding them, looking them over before anything is loaded, and naming their weights.

Every fault is a CheckpointError with one sentence that says which file it is and what to do. Needs no torch.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from huggingface_hub import snapshot_download
from huggingface_hub.constants import HF_HUB_CACHE
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError
from safetensors import SafetensorError, safe_open

from engine.errors import CheckpointError
from engine.step2.card import read_card

GIB = 2**30
INDEX = "model_index.json"
PAIR_PIPELINE = "Step2Pipeline"
WITH_WEIGHTS = {
    "vae": "AutoencoderKLQwenImage",
    "text_encoder": "Qwen2_5_VLForConditionalGeneration",
    "transformer": "QwenImageTransformer2DModel",
    "ranker": "FrameRanker",
}
LARGE_PARTS = ("vae", "text_encoder", "transformer")
_SHA256 = re.compile(r"[0-9a-f]{64}")
WITHOUT_WEIGHTS = ("scheduler", "tokenizer", "processor")
HUB_OPTIONS = ("revision", "cache_dir", "token", "local_files_only", "force_download")
_FILES = ("*.json", "*.safetensors", "*.txt", "*.jinja")


def hub_options(kwargs: dict[str, Any]) -> dict[str, Any]:
    """What of a call's keyword arguments is about the hub, taken out of them."""
    return {name: kwargs.pop(name) for name in HUB_OPTIONS if name in kwargs}


def locate(checkpoint: Path | str, **hub: Any) -> Path:
    """The local folder of a checkpoint: a path as it is, a hub id ("owner/name") downloaded or from the
    cache. `hub` is for huggingface_hub, see `HUB_OPTIONS`.

    Raises CheckpointError: it is not there, does not fit on the disk, or cannot be downloaded.
    """
    if isinstance(checkpoint, Path) or Path(checkpoint).exists():
        folder = Path(checkpoint)
        if not folder.is_dir():
            raise CheckpointError(
                f"There is no checkpoint folder at {folder}: fetch it again, or name another one."
            )
        return folder
    if not hub.get("local_files_only"):
        _check_room(checkpoint, hub)
    try:
        return Path(snapshot_download(checkpoint, allow_patterns=list(_FILES), **hub))
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as e:
        raise CheckpointError(
            f"The checkpoint {checkpoint} could not be downloaded: connect, or name a local folder."
        ) from e


def _check_room(repository: str, hub: dict[str, Any]) -> None:
    """Raises CheckpointError when what is still to be downloaded does not fit on the disk.

    Where the hub cannot be asked, the download itself says why.
    """
    try:
        files = snapshot_download(repository, allow_patterns=list(_FILES), dry_run=True, **hub)
    except (HfHubHTTPError, HFValidationError, OSError):
        return
    needed = sum(file.file_size or 0 for file in files if file.will_download)
    cache = Path(hub.get("cache_dir") or HF_HUB_CACHE)
    free = shutil.disk_usage(next(p for p in (cache, *cache.parents) if p.exists())).free
    if needed > free:
        raise CheckpointError(
            f"The checkpoint {repository} still needs {needed / GIB:.1f} GiB, but only {free / GIB:.1f} GiB "
            f"are free at {cache}: free some space, or set HF_HOME to a folder on a larger disk."
        )


def inspect(folder: Path) -> None:
    """Raises CheckpointError unless the folder holds a STEP² pipeline with all files there and readable."""
    index = _index(folder)
    kind = index.get("_class_name")
    if kind != PAIR_PIPELINE:
        raise CheckpointError(
            f"The checkpoint at {folder} is a {kind} and was not made for start-end pairs: name another."
        )
    for name, wanted in WITH_WEIGHTS.items():
        if _class_of(index, name) is None and name == "ranker":
            continue
        inspect_class(index, name, wanted)
        _read_headers(folder / name, name)
    for name in read_card(folder).adapters:
        _read_weights(folder / name, name)
    inspect_settings(folder, (name for name in WITHOUT_WEIGHTS if _class_of(index, name) is not None))


def inspect_stock(folder: Path, kinds: tuple[str, ...]) -> None:
    """Raises CheckpointError unless the folder is a whole stock repository of one of these pipelines.

    A sharded component must have every shard that its index names: a download that stopped half-way leaves
    the index and some of them.
    """
    index = _index(folder)
    kind = index.get("_class_name")
    if kind not in kinds:
        raise CheckpointError(
            f"The checkpoint at {folder} is a {kind}, but this profile draws with a {kinds[0]}: name another "
            "folder, or choose the profile that fits it."
        )
    for name in LARGE_PARTS:
        inspect_class(index, name, WITH_WEIGHTS[name])
        inspect_part(folder, name)
        check_whole(folder, name)
    inspect_settings(folder, ("scheduler", "tokenizer"))


def inspect_class(index: dict[str, Any], name: str, wanted: str) -> None:
    """Raises CheckpointError unless model_index.json declares this class for a component."""
    found = _class_of(index, name)
    if found != wanted:
        raise CheckpointError(
            f"The checkpoint's {name} is {'missing' if found is None else f'a {found}'}, but it must be "
            f"a {wanted}: fetch it again, or name another checkpoint."
        )


def inspect_part(folder: Path, name: str) -> None:
    """Raises CheckpointError unless a component's weight files are all there and whole, by their headers."""
    _read_headers(folder / name, name)
    gone = [shard for shard in _shards(folder / name) if not (folder / name / shard).is_file()]
    if gone:
        raise CheckpointError(
            f"The checkpoint's {name} was not downloaded to its end, {gone[0]} is missing: fetch it "
            "again (what is there is kept)."
        )


def inspect_settings(folder: Path, names: Iterable[str]) -> None:
    """Raises CheckpointError unless these components without weights have files."""
    for name in names:
        if not _has_files(folder / name, "*.json"):
            raise CheckpointError(f"The checkpoint's {name} folder is missing or empty: fetch it again.")


def _shards(folder: Path) -> list[str]:
    """The weight files that a component's index names; none where it is one file."""
    found: set[str] = set()
    for path in folder.glob("*.safetensors.index.json"):
        try:
            found.update(json.loads(path.read_text(encoding="utf-8"))["weight_map"].values())
        except (ValueError, KeyError, AttributeError, OSError) as e:
            raise CheckpointError(
                f"The index {folder.name}/{path.name} cannot be read: fetch it again."
            ) from e
    return sorted(found)


def check_whole(folder: Path, name: str) -> None:
    """Raises CheckpointError when a component's files hold other than its configuration asks for.

    A tensor that is missing from a file would be random, with a warning that nobody reads.
    """
    from engine.step2.dry_run import wanted_weights

    stored = weight_count(folder / name)
    try:
        wanted = wanted_weights(folder / name, name)
    except (OSError, ValueError, TypeError, KeyError) as e:
        raise CheckpointError(f"The checkpoint's {name}/config.json cannot be read: fetch it again.") from e
    if stored != wanted:
        raise CheckpointError(
            f"The checkpoint's {name} holds {stored:,} weights where its configuration asks for {wanted:,}: "
            "fetch it again."
        )


def weight_count(folder: Path) -> int:
    """The number of weights (not bytes) in a component's safetensors files."""
    total = 0
    for path in sorted(folder.glob("*.safetensors")):
        with safe_open(path, "np") as f:
            for key in f.keys():  # noqa: SIM118 - a safetensors handle is not a mapping
                size = 1
                for side in f.get_slice(key).get_shape():
                    size *= side
                total += size
    return total


def weights_hash(folder: Path) -> str:
    """SHA-256 over names and contents of all safetensors files: the name of this checkpoint's weights."""
    total = hashlib.sha256()
    for path in sorted(folder.rglob("*.safetensors")):
        total.update(f"{path.relative_to(folder).as_posix()} {file_hash(path)}\n".encode())
    return total.hexdigest()


def file_hash(path: Path) -> str:
    """SHA-256 of a file. The hub's cache names a large file by it already, which spares reading 57 GB."""
    real = path.resolve()
    if real.parent.name == "blobs" and _SHA256.fullmatch(real.name):
        return real.name
    one = hashlib.sha256()
    with path.open("rb") as f:
        while block := f.read(1 << 22):
            one.update(block)
    return one.hexdigest()


def _index(folder: Path) -> dict[str, object]:
    try:
        index = json.loads((folder / INDEX).read_text(encoding="utf-8"))
    except FileNotFoundError as e:
        raise CheckpointError(f"There is no {INDEX} in {folder}: fetch the checkpoint again.") from e
    except (ValueError, OSError) as e:
        raise CheckpointError(f"The checkpoint's {INDEX} cannot be read: fetch it again.") from e
    if not isinstance(index, dict):
        raise CheckpointError(f"The checkpoint's {INDEX} cannot be read: fetch it again.")
    return index


def _class_of(index: dict[str, object], name: str) -> str | None:
    """The class that model_index.json declares for a component, e.g. ["diffusers", "Class"]."""
    entry = index.get(name)
    return str(entry[1]) if isinstance(entry, list) and len(entry) == 2 and entry[1] else None


def _has_files(folder: Path, pattern: str) -> bool:
    return folder.is_dir() and any(folder.glob(pattern))


def _read_headers(folder: Path, name: str) -> None:
    if not _has_files(folder, "config.json"):
        raise CheckpointError(f"The checkpoint's {name} has no config.json: fetch it again.")
    _read_weights(folder, name)


def _read_weights(folder: Path, name: str) -> None:
    if not _has_files(folder, "*.safetensors"):
        raise CheckpointError(f"The checkpoint's {name} has no safetensors file: fetch it again.")
    for path in sorted(folder.glob("*.safetensors")):
        try:
            with safe_open(path, "np"):
                pass
        except (SafetensorError, OSError) as e:
            raise CheckpointError(
                f"The weight file {name}/{path.name} is damaged or not whole: fetch it again."
            ) from e
