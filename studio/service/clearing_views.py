"""What is about to go for good, and what was exported, as the page shows it."""

from __future__ import annotations

from datetime import datetime

from studio.service.parts import View


class FilmPurgeView(View):
    """What deleting a film for good takes away; `refusal` says why it cannot be ("" when it can)."""

    film_id: str
    title: str
    goes: tuple[str, ...]
    """In words: "12 shots", "30 takes"."""
    frees: int
    """Bytes on the disk that no other film uses."""
    refusal: str


class ExportView(View):
    """One export of a film. `bytes` is the size of its MP4."""

    id: str
    url: str
    created: datetime
    seconds: float
    bytes: int
