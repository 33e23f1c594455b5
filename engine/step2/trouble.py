"""Memory that ran out, said in one sentence that offers something smaller."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from engine.catalogue import profile_of
from engine.doctor import look_at_machine
from engine.errors import UnsupportedError
from engine.fitting import Machine, smaller
from engine.profile import Profile
from engine.profiles import get_profile
from engine.streaming import is_out_of_memory, is_out_of_ram


@contextmanager
def telling_memory(profile: Profile, takes: int, doing: str = "drawing") -> Iterator[None]:
    """Turns an error that means that memory ran out into an UnsupportedError; `doing` says at what."""
    try:
        yield
    except (RuntimeError, OSError, MemoryError) as e:
        if not is_out_of_memory(e):
            raise
        raise UnsupportedError(advice(profile, takes, look_at_machine(), doing, is_out_of_ram(e))) from e
    finally:
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


def advice(profile: Profile, takes: int, machine: Machine, doing: str = "drawing", ram: bool = False) -> str:
    """What to do about it: fewer takes, else the next smaller variant that the machine can run, else other
    programs. `ram`: it was the machine's own memory, not the card's.
    """
    less = smaller(profile, machine, lambda name: get_profile(name, profile.adapter).refusal, ram)
    other = ""
    if less:
        needs, own = profile_of(less).needs, profile.needs
        much, most = (needs.ram, own.ram) if ram else (needs.vram, own.vram)
        of = "memory" if ram else "the card"
        other = (
            f"choose the profile {less}, which takes {much:.0f} GiB of {of} where {profile.name} takes "
            f"{most:.0f}"
        )
    fewer = "draw fewer takes at once" if takes > 1 else ""
    steps = [step for step in (fewer, other) if step] or ["close other programs that use it"]
    return f"Memory ran out while {doing}: {', or '.join(steps)}."
