"""What STEP² is given and what it hands back, as plain immutable data. This module needs no torch.

A pair is drawn from *conditions* (what the filmmaker means) by a *recipe* (how the machine did it).
Frames are always the stored 8-bit PNG files, named by the SHA-256 of the file, so a restart changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from engine.errors import BadInput
from engine.story import FrameSide


@dataclass(frozen=True)
class StoredFrame:
    """An 8-bit PNG exactly as stored; its identity is the hash of the file."""

    sha256: str
    path: Path


@dataclass(frozen=True)
class MemoryFrame:
    """A frame of the memory bank; `key` is what people read: "2E" (end of shot 2), "ref:Fisherman"."""

    key: str
    frame: StoredFrame
    pinned: bool = False


@dataclass(frozen=True)
class PackedFrame:
    """One frame as it went into the memory pack M_i (eq. 1).

    `rank` counts from 1; `share` is the part of the canvas that it really got (2^-rank on even grids);
    `similarity` is its CLIP cosine with D_i, None when it was not measured; `box` is y, x, h, w in packed
    tokens.
    """

    key: str
    sha256: str
    rank: int
    share: float
    similarity: float | None
    pinned: bool
    box: tuple[int, int, int, int]


@dataclass(frozen=True)
class KeptFrame:
    """The half of the pair that stays while the other is redrawn in its context."""

    side: FrameSide
    frame: StoredFrame


@dataclass(frozen=True)
class PairConditions:
    """Everything that eq. 8 conditions on: D_i, C_i and the history.

    `prompt` is D_i and C_i as one text (engine.step2.prompt.compose), read by the understanding model;
    `description` is D_i alone, by which CLIP ranks the memory; `memory` is the bank in any order, bans taken
    out.
    """

    prompt: str
    description: str
    previous_end: StoredFrame | None = None
    memory: tuple[MemoryFrame, ...] = ()
    kept: KeptFrame | None = None


def pictures_of(conditions: PairConditions, packed: Sequence[PackedFrame]) -> list[StoredFrame]:
    """The stored frames of a pack, in order of rank."""
    frames = {m.frame.sha256: m.frame for m in conditions.memory}
    return [frames[p.sha256] for p in packed]


@dataclass(frozen=True)
class PairRecipe:
    """How the machine drew a pair. The same recipe on the same machine gives the same pixels; a hosted
    service, which takes no seed, gives others.
    """

    profile: str
    weights: str
    seed: int
    steps: int
    guidance: float
    width: int
    height: int
    batch: int
    dtype: str
    device: str
    versions: dict[str, str] = field(default_factory=dict)
    memory_guidance: float = 1.0


@dataclass(frozen=True)
class PairTake:
    """A drawn start-end pair: two PNG files without metadata, and where they came from."""

    start: bytes
    end: bytes
    recipe: PairRecipe
    memory: tuple[PackedFrame, ...]


def check_seeds(seeds: Sequence[int]) -> None:
    """Raises BadInput for no seed, or for one that no random generator takes."""
    if not seeds:
        raise BadInput("Ask for at least one take.")
    if bad := [seed for seed in seeds if not 0 <= seed < 2**63]:
        raise BadInput(f"A seed must be a whole number from 0 to 2^63 - 1, not {bad[0]}.")
