"""Weights of the stages on disk, written whole or not at all, and where they come from."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from engine.errors import BadInput
from engine.step2.checkpoint import file_hash, weights_hash


@dataclass
class Progress:
    """How far a stage has come, over all its runs; `films` is how many it drew its samples from, at most.
    `origin` identifies the weights that it began from: their `origin_of`, or for an adapter the fingerprint
    of the model that it sits on.
    """

    samples: int = 0
    steps: int = 0
    cpu_hours: float = 0.0
    films: int = 0  # none where a stage makes its samples as they come, or did not count yet
    start: str = "from nothing"
    origin: str = ""


P = TypeVar("P", bound=Progress)


def save_weights(path: Path, modules: dict[str, nn.Module], progress: Progress, half: bool = False) -> None:
    """Weights of named modules in one safetensors file, progress beside it; written whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    state: dict[str, Tensor] = {}
    for name, module in modules.items():
        for key, value in module.state_dict().items():
            tensor = value.detach().to("cpu").contiguous()
            state[f"{name}.{key}"] = tensor.half() if half and tensor.is_floating_point() else tensor
    part = path.with_suffix(".part")
    save_file(state, part, metadata={"progress": json.dumps(asdict(progress))})
    os.replace(part, path)
    write_progress(path.with_suffix(".json"), progress)


def load_weights(path: Path, modules: dict[str, nn.Module], missing_ok: bool = False) -> Progress:
    """Fills the modules from a file of `save_weights`; returns how far it had come.

    `missing_ok` leaves a module as it is when the file holds nothing of it.
    """
    state = load_file(path)
    for name, module in modules.items():
        own = {k[len(name) + 1 :]: v.float() for k, v in state.items() if k.startswith(f"{name}.")}
        if own or not missing_ok:
            module.load_state_dict(own)
    return read_progress(path.with_suffix(".json"))


def holds(path: Path, name: str) -> bool:
    """Whether a file of `save_weights` has weights of that module."""
    with safe_open(path, "pt") as file:
        return any(key.startswith(f"{name}.") for key in file.keys())  # noqa: SIM118 - no mapping


def write_progress(record: Path, progress: Progress) -> None:
    """What is to lie beside weights, written whole or not at all."""
    part = record.with_name(f"{record.name}.part")
    part.write_text(json.dumps(asdict(progress), indent=1), encoding="utf-8")
    os.replace(part, record)


def read_progress(record: Path) -> Progress:
    """What lies beside weights. Raises BadInput when it is there and cannot be read."""
    return read_record(record, Progress) if record.exists() else Progress()


def read_record(record: Path, kind: type[P]) -> P:
    """What must lie beside weights: without it they would be trained anew, and written over. Raises BadInput
    when it is missing or cannot be read.
    """
    try:
        return TypeAdapter(kind).validate_json(record.read_bytes())
    except (OSError, ValidationError) as error:
        how = "cannot be read" if record.exists() else "is missing"
        raise BadInput(
            f"{record} {how}, and nothing else says how the weights beside it were trained: bring it back, "
            f"or move {record.parent} away to begin anew."
        ) from error


def origin_of(start: Path) -> str:
    """What identifies weights to begin from, a file's or a checkpoint folder's: 16 hex digits."""
    return (weights_hash(start) if start.is_dir() else file_hash(start))[:16]


def holds_origin(path: Path, origin: str) -> bool:
    """Whether there are weights at `path` that began from those of that `origin_of`."""
    return path.exists() and read_progress(path.with_suffix(".json")).origin == origin


def check_start(path: Path, start: Path | None) -> None:
    """Raises BadInput when there are weights at `path` that did not begin from `start`: training goes on with
    those, and would ignore it.
    """
    if start is None:
        return
    if not start.exists():
        raise BadInput(f"There is nothing at {start}: name weights that are there with --start.")
    if path.exists() and read_progress(path.with_suffix(".json")).origin != origin_of(start):
        raise BadInput(
            f"{path} began from something else than {start}: remove {path.parent} to begin anew, or leave "
            "out --start to go on with what is there."
        )


def load_or_begin(path: Path, modules: dict[str, nn.Module], start: Path | None = None) -> Progress:
    """Fills the modules from `path`, else from `start`; with neither they stay as they are."""
    if path.exists() or start is None:
        return load_weights(path, modules) if path.exists() else Progress()
    return replace(load_weights(start, modules), origin=origin_of(start))
