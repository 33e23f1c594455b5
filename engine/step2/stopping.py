"""A drawing that is stopped within a step: one of a large model takes a minute on a small card."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from engine.errors import Cancelled
from engine.profile import Placement, Profile
from engine.step2.pipeline import Step2Pipeline


@contextmanager
def stopping(pipe: Step2Pipeline, profile: Profile, cancelled: Callable[[], bool] | None) -> Iterator[None]:
    """While it lasts, `cancelled` is asked before every block of the transformer, and ends the drawing with
    Cancelled. Blocks that are compiled whole are traced with what hangs on them: there it is asked before
    each pass through all of them, of which guidance takes two a step.
    """
    if cancelled is None:
        yield
        return
    traced = profile.compiled and profile.reuse is None and profile.placement is not Placement.STREAM

    def stop_when_asked(*_: Any) -> None:
        if cancelled():
            raise Cancelled()

    asking = [pipe.transformer] if traced else pipe.transformer.transformer_blocks
    handles = [part.register_forward_pre_hook(stop_when_asked) for part in asking]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
