"""Memory that ran out, said in one sentence that offers something smaller."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from engine.catalogue import profile_of
from engine.errors import UnsupportedError
from engine.fitting import smaller
from engine.profile import Profile

_CPU = ("not enough memory", "DefaultCPUAllocator", "can't allocate memory")


@contextmanager
def telling_memory(profile: Profile, takes: int) -> Iterator[None]:
    """Turns an out-of-memory error of the card or the processor into an UnsupportedError."""
    try:
        yield
    except (torch.OutOfMemoryError, MemoryError) as e:
        raise UnsupportedError(advice(profile, takes)) from e
    except RuntimeError as e:
        if not any(word in str(e) for word in _CPU):
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
