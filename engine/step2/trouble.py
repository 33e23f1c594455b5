"""Memory that ran out, said in one sentence that offers something smaller."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from engine.catalogue import profile_of
from engine.errors import UnsupportedError
from engine.fitting import smaller
from engine.profile import Profile
from engine.streaming import is_out_of_memory


@contextmanager
def telling_memory(profile: Profile, takes: int) -> Iterator[None]:
    """Turns an error that means that memory ran out into an UnsupportedError."""
    try:
        yield
    except (RuntimeError, MemoryError) as e:
        if not is_out_of_memory(e):
            raise
        raise UnsupportedError(advice(profile, takes)) from e
    finally:
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


def advice(profile: Profile, takes: int) -> str:
    """What to do about it: fewer takes, else the next smaller variant, else other programs."""
    less = smaller(profile)
    other = ""
    if less:
        small = profile_of(less)
        other = (
            f"choose the profile {less}, which takes {small.needs.vram:.0f} GiB where {profile.name} takes "
            f"{profile.needs.vram:.0f}"
        )
    fewer = "draw fewer takes at once" if takes > 1 else ""
    steps = [step for step in (fewer, other) if step] or ["close other programs that use it"]
    return f"Memory ran out while drawing: {', or '.join(steps)}."
