"""What a judge said of a whole film: rows that grow by an answer at a time and stay."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict

from sqlmodel import Session, col, select

from engine.metrics.vlm_judge import Score, Verdict
from studio.project.commands import touch
from studio.project.film import FilmState
from studio.project.verdicts import keep_verdict
from studio.store.tables import Judging, Project

ABANDONED = "The studio was closed before the judge had answered everything: let it judge again."


def begin_judging(session: Session, film: FilmState, judge: str) -> Judging:
    """Adds a judging of the film as it looks now."""
    row = Judging(
        owner=film.project.owner,
        project_id=film.project.id,
        judge=judge,
        asked=0,
        pictures=[list(pair) for pair in pictures(film)],
        verdicts=[],
    )
    session.add(row)
    touch(film.project)
    return row


def add_verdict(session: Session, project: Project, row: Judging, said: Verdict, asked: int) -> None:
    """Adds an answer, one of `asked`; what is said of a cut is kept beside that cut, too."""
    row.asked, row.over, row.trouble = asked, False, ""  # another process may have taken it for abandoned
    row.verdicts = [*row.verdicts, asdict(said)]
    if said.score is Score.STS:
        end, start = row.pictures[said.first - 1][1], row.pictures[said.last - 1][0]
        keep_verdict(session, project, end, start, said, row.judge)
    touch(project)


def end_judging(project: Project, row: Judging, trouble: str = "") -> None:
    """Nothing more will come."""
    row.over, row.trouble = True, trouble
    touch(project)


def end_abandoned(session: Session) -> None:
    """Ends what no process works on any more: called when a home is opened."""
    for row in session.exec(select(Judging).where(col(Judging.over).is_(False))).all():
        end_judging(session.get_one(Project, row.project_id), row, ABANDONED)
        session.add(row)


def last_judging(session: Session, project_id: str) -> Judging | None:
    """The newest judging of a film."""
    rows = select(Judging).where(Judging.project_id == project_id)
    return session.exec(rows.order_by(col(Judging.created).desc(), col(Judging.id).desc()).limit(1)).first()


def verdicts_of(row: Judging) -> tuple[Verdict, ...]:
    """The answers of a row."""
    return tuple(
        Verdict(**{**said, "score": Score(said["score"]), "errors": tuple(said["errors"])})
        for said in row.verdicts
    )


def pictures(film: FilmState) -> Iterator[tuple[str, str]]:
    """Hashes of start and end of every shot that has a picture, in order."""
    for shot in film.shots:
        take = film.picked(shot)
        if take is not None:
            yield take.start_sha256, take.end_sha256
