"""The studio's one door: every action of the page, the HTTP API and the command line, once.

`Studio` is put together from one class a subject. Every method takes the owner first (an opaque string
that the caller has authenticated) and answers `NotFound` for rows of others, exactly as for rows that do
not exist. All errors for people are `engine.errors.StageError` with one sentence. Every method may be
called from any thread; none loads torch. Drawing happens in a process of its own, started by
`start_worker()`.

| subject            | module        | methods                                                                     |
|--------------------|---------------|-----------------------------------------------------------------------------|
| projects           | projects.py   | create_project projects project changes delete_project restore_project ...  |
| shots, cast, undo  | edits.py      | edit_shot insert_shot duplicate_shot delete_shots restore_shot reorder ...   |
| director           | direction.py  | direct                                                                      |
| drawing, takes     | drawing.py    | draw draw_all_stale cancel retry jobs pick takes keep estimate               |
| memory             | memory.py     | pin unpin ban unban memory                                                  |
| film, media        | film.py       | export film media_path example                                              |
"""

from __future__ import annotations

from pathlib import Path

from studio.service.direction import Direction
from studio.service.drawing import Drawing
from studio.service.edits import Edits
from studio.service.film import Film
from studio.service.memory import Memory
from studio.service.projects import Projects


class Studio(Projects, Edits, Direction, Drawing, Memory, Film):
    """The service over one home folder. Use as a context manager, or call `close()`."""

    def __init__(self, home: Path) -> None:
        """Opens (and on first use makes, or migrates) the home folder.

        Raises StageError with one sentence when the folder cannot be written, the disk is full, or a newer
        version of the program made the database.
        """
        raise NotImplementedError

    def close(self) -> None:
        """Stops the worker (a running job goes back to the queue) and closes the database."""
        raise NotImplementedError

    def __enter__(self) -> Studio:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()
