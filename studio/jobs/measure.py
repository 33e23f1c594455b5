"""Works out what the page shows of memory and cuts: only here is the ranker's network at hand.

A figure that is known already is not worked out again, see `studio.project.measures`.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session

from engine.errors import Cancelled, StageError
from engine.step2.measurer import FrameMeasurer
from studio.jobs import queue
from studio.jobs.bench import Bench
from studio.jobs.orders import MeasureOrder
from studio.jobs.pictures import stored
from studio.project.commands import touch
from studio.project.film import load_film
from studio.project.lineage import Lineage
from studio.project.measures import Ranker, cuts, known
from studio.store.states import JobState, MeasureKind
from studio.store.tables import Measure, Project

log = logging.getLogger("studio.worker")
ALL_SHOTS = 40
"""In films of up to so many shots, a new picture is compared with every shot's words at once."""


@dataclass(frozen=True)
class _Missing:
    """Figures that are not known yet: name by inputs."""

    words: dict[str, dict[str, str]]
    cuts: dict[tuple[str, str], str]
    grid: str | None


def measure(bench: Bench) -> None:
    """Works on a measure job to its end. Raises StageError with one sentence, Cancelled, or LeaseLost."""
    order = MeasureOrder.model_validate(bench.job.order)
    if not bench.painters.has(bench.job.profile):
        bench.report(0, 0, "loading the ranker", at_once=True)
    with bench.home.database.read() as session:
        aspect = session.get_one(Project, bench.job.project_id).aspect
    measurer = bench.painters.measurer(bench.job.profile, aspect)
    began = time.monotonic()
    rows = _work_out(bench, measurer, order.shots)
    with bench.home.database.write() as session:
        job = queue.held(session, bench.job.id, bench.worker_id)
        _keep(session, rows)
        queue.end(session, job, JobState.DONE, seconds=time.monotonic() - began)


def measure_after_drawing(bench: Bench, measurer: FrameMeasurer) -> None:
    """After a pair was drawn and kept: its cuts, and what the shots that may remember it would remember now.

    The job is done by then, so nothing that goes wrong here is its trouble: it is told in the log, and what
    is missing is worked out when a page asks for it.
    """
    title = bench.job.title
    try:
        _measure_drawn(bench, measurer)
    except Cancelled:
        log.info("%s: drawn and kept; its frames are compared with others later", title)
    except StageError as error:
        log.error("%s: drawn and kept, but comparing its frames with others failed: %s", title, error)
    except Exception:
        log.exception("%s: drawn and kept, but comparing its frames with others failed", title)


def _measure_drawn(bench: Bench, measurer: FrameMeasurer) -> None:
    with bench.home.database.read() as session:
        film = load_film(session, session.get_one(Project, bench.job.project_id))
    index = film.index.get(bench.job.shot_id or "", 0)
    near = film.shots if len(film.shots) <= ALL_SHOTS else film.shots[index : index + 2]
    rows = _work_out(bench, measurer, [shot.id for shot in near])
    with bench.home.database.write() as session:
        _keep(session, rows)
        touch(session.get_one(Project, bench.job.project_id))


def _work_out(bench: Bench, measurer: FrameMeasurer, shots: Iterable[str]) -> list[Measure]:
    """Rows for all that is missing for these shots' memory, and for the cuts of the film."""
    home = bench.home
    with home.database.read() as session:
        project = session.get_one(Project, bench.job.project_id)
        if project.profile != bench.job.profile:
            return []  # the film has another profile since: its figures are another painter's to give
        missing = _missing(session, Lineage(load_film(session, project)), shots)
    rows: list[Measure] = []

    def found(name: str, kind: MeasureKind, value: dict[str, Any]) -> None:
        rows.append(Measure(id=name, owner=bench.job.owner, kind=kind.value, value=value))

    if missing.grid is not None:
        height, width = measurer.grid()
        found(missing.grid, MeasureKind.GRID, {"height": height, "width": width})
    for description, frames in missing.words.items():
        bench.check()
        alike = measurer.description_similarities(description, [stored(home, sha256) for sha256 in frames])
        for name, similarity in zip(frames.values(), alike, strict=True):
            found(name, MeasureKind.WORDS, {"similarity": similarity})
    if missing.cuts:
        from engine.continuity import colour_shift  # OpenCV, only when it is needed

        bench.check()
        pairs = [(stored(home, end), stored(home, start)) for end, start in missing.cuts]
        alike = measurer.frame_similarities(pairs)
        for name, (end, start), similarity in zip(missing.cuts.values(), pairs, alike, strict=True):
            shift = colour_shift(end.path, start.path)
            found(name, MeasureKind.CUT, {"similarity": similarity, "shift": shift})
    return rows


def _missing(session: Session, lineage: Lineage, shots: Iterable[str]) -> _Missing:
    film = lineage.film
    ranker = Ranker.of(film)
    words: dict[str, dict[str, str]] = {}
    for index in (film.index[id] for id in shots if id in film.index):
        frames = words.setdefault(film.shots[index].description, {})
        for frame in lineage.whole_bank(index):
            sha256 = frame.ref.sha256
            frames[sha256] = ranker.words(film.shots[index].description, sha256)
    pairs = {(end, start): ranker.cut(end, start) for _, end, start in cuts(film)}
    names = [ranker.grid(), *pairs.values(), *(name for frames in words.values() for name in frames.values())]
    there = known(session, names)
    open_words = {
        text: {sha256: name for sha256, name in frames.items() if name not in there}
        for text, frames in words.items()
    }
    return _Missing(
        words={text: frames for text, frames in open_words.items() if frames},
        cuts={pair: name for pair, name in pairs.items() if name not in there},
        grid=None if ranker.grid() in there else ranker.grid(),
    )


def _keep(session: Session, rows: list[Measure]) -> None:
    """Another worker may have been faster: the figures are the same."""
    there = known(session, [row.id for row in rows])
    session.add_all(row for row in rows if row.id not in there)
