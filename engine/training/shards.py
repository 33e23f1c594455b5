"""Shards: what is computed once of a few films, `kind-000250.safetensors` from its first seed on."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from engine.errors import BadInput

MAKER = "maker"  # metadata: the fingerprint of the network that made a shard


def fingerprint(*models: nn.Module, salt: str = "") -> str:
    """What identifies weights up to half precision, in which a checkpoint keeps them: 16 hex digits."""
    digest = hashlib.sha256(salt.encode())
    for model in models:
        for name, tensor in sorted(model.state_dict().items()):
            digest.update(name.encode())
            digest.update(tensor.detach().to("cpu", torch.float16).contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]


def write_shard(
    folder: Path, kind: str, first: int, count: int, maker: str, make: Callable[[], dict[str, Tensor]]
) -> Path:
    """Writes the tensors (count, …) that `make` gives, whole or not at all, unless as many are there and the
    same `maker` (a `fingerprint`) made them.
    """
    path = folder / f"{kind}-{first:06d}.safetensors"
    if path.exists():
        with safe_open(path, "pt") as held:
            size = held.get_slice(next(iter(held.keys()))).get_shape()[0]
            if size >= count and (held.metadata() or {}).get(MAKER) == maker:
                return path
    tensors = {name: tensor.contiguous() for name, tensor in make().items()}
    folder.mkdir(parents=True, exist_ok=True)
    save_file(tensors, path.with_suffix(".part"), {MAKER: maker})
    path.with_suffix(".part").replace(path)
    return path


def read_shards(
    folder: Path, kind: str, maker: str, known: set[Path]
) -> Iterator[tuple[int, dict[str, Tensor]]]:
    """(first seed, tensors) of each shard that is not `known` yet; it is known from then on.

    Raises BadInput for one that another network than `maker` made: beside the others it would be noise.
    """
    for path in sorted(set(folder.glob(f"{kind}-*.safetensors")) - known):
        with safe_open(path, "pt") as held:
            made_by = (held.metadata() or {}).get(MAKER)
        if made_by != maker:
            raise BadInput(
                f"{path} was made by other weights than those that are here now: run `stage train mini` with "
                "as many --films as before to make it again, or remove it."
            )
        known.add(path)
        yield int(path.stem.split("-")[1]), load_file(path)
