"""The studio's one door: every action of the page, the HTTP API and the command line, once.

`Studio` is put together from one class a subject. Every method takes the owner first (an opaque string
that the caller has authenticated) and answers `NotFound` for rows of others, exactly as for rows that do
not exist. All errors for people are `engine.errors.StageError` with one sentence. Every method may be
called from any thread; none loads torch. Drawing happens in a process of its own, started by
`start_worker()`.

| subject          | module                       |
|------------------|------------------------------|
| projects         | projects.py                  |
| what draws       | profiles.py                  |
| shots, undo      | edits.py                     |
| cast and places  | people.py                    |
| their pictures   | references.py                |
| agents, judge    | agents.py, judging.py        |
| director         | direction.py, rewriting.py   |
| versions         | versions.py                  |
| drawing          | drawing.py                   |
| jobs             | work.py                      |
| takes            | takes.py                     |
| memory           | memory.py                    |
| clips            | clips.py                     |
| film, media      | film.py                      |
| sound, subtitles | sound.py                     |
"""

from __future__ import annotations

from pathlib import Path

from studio.jobs.supervisor import Supervisor
from studio.project.judging import end_abandoned
from studio.service.agents import Agency
from studio.service.clearing import Clearing
from studio.service.clips import Clips
from studio.service.directing import AtWork, Directing
from studio.service.direction import Direction
from studio.service.drawing import Drawing
from studio.service.edits import Edits
from studio.service.film import Films
from studio.service.judging import Judgings
from studio.service.media import Signer
from studio.service.memory import Memory
from studio.service.ordering import Ordering
from studio.service.people import People
from studio.service.profiles import Profiles
from studio.service.projects import Projects
from studio.service.references import References
from studio.service.rewriting import Rewrites
from studio.service.sound import Sound
from studio.service.takes import Takes
from studio.service.tracker import Trackers
from studio.service.versions import Versions
from studio.store.home import Home


class Studio(
    Projects,
    Edits,
    Ordering,
    People,
    References,
    Agency,
    Judgings,
    Direction,
    Versions,
    Rewrites,
    Drawing,
    Takes,
    Memory,
    Clips,
    Films,
    Profiles,
    Sound,
    Clearing,
):
    """The service over one home folder. Use as a context manager, or call `close()`.

    `painter` names another source of pictures, "module:function", than the built-in painters (see
    `studio.jobs.worker.painter_factory`).
    """

    def __init__(self, home: Path, painter: str | None = None) -> None:
        """Opens (and on first use makes, or migrates) the home folder.

        Raises StageError with one sentence when the folder cannot be written, the disk is full, or a newer
        version of the program made the database.
        """
        self.home = Home(home)
        with self.home.database.write() as session:
            end_abandoned(session)
        self.signer = Signer(self.home.secret)
        self.trackers = Trackers()
        self.directing = Directing()
        self.judges = AtWork()
        self.supervisor = Supervisor(self.home, painter)

    def close(self) -> None:
        """Stops the worker (a running job goes back to the queue) and closes the database."""
        self.supervisor.close()
        self.home.close()

    def __enter__(self) -> Studio:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()
