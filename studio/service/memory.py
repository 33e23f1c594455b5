"""Memory: which frames of other shots a shot is drawn with."""

from __future__ import annotations

from engine.story import FrameSide
from studio.service.views import MemoryView


class Memory:
    """Pins and bans are edits of the project; a pack is what a take was really drawn with."""

    def pin(self, owner: str, project_id: str, shot_id: str, side: FrameSide) -> None:
        """From now on every other shot of the project has this frame in its memory, in front of all ranked
        ones.
        """
        raise NotImplementedError

    def unpin(self, owner: str, project_id: str, shot_id: str, side: FrameSide) -> None:
        raise NotImplementedError

    def ban(self, owner: str, project_id: str, shot_id: str, side: FrameSide) -> None:
        """From now on no shot has this frame in its memory."""
        raise NotImplementedError

    def unban(self, owner: str, project_id: str, shot_id: str, side: FrameSide) -> None:
        raise NotImplementedError

    def memory(self, owner: str, shot_id: str) -> MemoryView:
        """The memory pack recorded with the picked take; empty for a draft or a first shot."""
        raise NotImplementedError
