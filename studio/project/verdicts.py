"""What a judge said of the cuts of a film: rows that stay, shown while the two pictures are those it saw."""

from __future__ import annotations

from collections.abc import Mapping

from sqlmodel import Session, col, select

from engine.metrics.vlm_judge import Verdict as Said
from studio.project.commands import touch
from studio.project.film import FilmState
from studio.project.measures import cuts
from studio.store.tables import Project, Verdict


def keep_verdict(session: Session, project: Project, end: str, start: str, said: Said, judge: str) -> None:
    """Adds what was said of the cut between two pictures, named by their hashes."""
    session.add(
        Verdict(
            owner=project.owner,
            project_id=project.id,
            end_sha256=end,
            start_sha256=start,
            judge=judge,
            score=said.value,
            evidence=said.evidence,
            errors=list(said.errors),
        )
    )
    touch(project)


def read_verdicts(session: Session, project_id: str) -> dict[tuple[str, str], Verdict]:
    """The newest verdict on every cut that was ever judged, by the hashes of its two pictures."""
    rows = select(Verdict).where(Verdict.project_id == project_id)
    return {
        (row.end_sha256, row.start_sha256): row
        for row in session.exec(rows.order_by(col(Verdict.created), col(Verdict.id)))
    }


def judged_cuts(film: FilmState, newest: Mapping[tuple[str, str], Verdict]) -> dict[int, Verdict]:
    """Those verdicts whose cut still looks as it did, by the index of the shot before it."""
    if not newest:
        return {}
    return {index: newest[end, start] for index, end, start in cuts(film) if (end, start) in newest}
