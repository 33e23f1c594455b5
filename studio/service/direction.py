"""The director: a theme or a screenplay becomes the shot list."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


class Direction:
    """Runs the built-in director in this process (it needs no torch)."""

    def direct(
        self,
        owner: str,
        project_id: str,
        theme: str,
        shots: int = 5,
        seed: int = 0,
        seconds: float | None = None,
    ) -> Iterator[Any]:
        """Yields the director's stages (frozen dataclasses of `engine.director`) as they come.

        When the last one was yielded, the shot list, cast, places, title and look are written as ONE
        command: the shots that were there go to the trash, and a single undo brings them back. Stopping
        the iteration earlier writes nothing.
        """
        raise NotImplementedError
