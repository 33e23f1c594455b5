"""Memory of models that nobody holds any more. Light: a process without torch has nothing to free."""

from __future__ import annotations

import gc
import sys


def free_memory() -> None:
    """Gives it back, the card's too. Modules and hooks name each other: only a collection frees them."""
    gc.collect()
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        torch.cuda.empty_cache()
