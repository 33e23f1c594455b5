"""What jobs ordered of paid services, as rows: a job that is killed, or ordered again, pays nothing twice."""

from __future__ import annotations

from collections.abc import Sequence

from sqlmodel import Session, col, select

from studio.jobs import queue
from studio.jobs.bench import Bench
from studio.store.tables import RemoteOperation, now


class JobLedger:
    """`engine.video.remote.ledger.Ledger` in the database, for one job and one renderer."""

    def __init__(self, bench: Bench, renderer: str) -> None:
        self._bench = bench
        self._renderer = renderer
        self._used: str | None = None
        self._begun: str | None = None

    def find(self, request: str, seed: int) -> str | None:
        """The open operation with this seed; else one with another seed that no clip row holds yet."""
        with self._bench.home.database.read() as session:
            rows = [row for row in self._open(session, request) if row.operation]
        mine = [row for row in rows if row.seed == seed] + [row for row in rows if row.collected is None]
        if not mine:
            return None
        self._used = mine[0].id
        return mine[0].operation

    def begin(self, request: str, seed: int) -> bool:
        """Writes a row without an operation; or strikes out one that is there already, and says so."""
        job = self._bench.job
        with self._bench.home.database.write() as session:
            queue.held(session, job.id, self._bench.worker_id)
            unanswered = [row for row in self._open(session, request) if not row.operation]
            for row in unanswered:
                row.closed = now()
                session.add(row)
            if unanswered:
                return False
            row = RemoteOperation(
                owner=job.owner,
                project_id=job.project_id,
                job_id=job.id,
                renderer=self._renderer,
                request=request,
                seed=seed,
                operation="",
            )
            session.add(row)
        self._begun = row.id
        return True

    def drop(self, request: str, seed: int) -> None:
        """Deletes the row that was begun."""
        with self._bench.home.database.write() as session:
            session.delete(session.get_one(RemoteOperation, self._begun))

    def record(self, request: str, seed: int, operation: str) -> None:
        """Writes the operation down, whoever holds the job by now: it is paid."""
        with self._bench.home.database.write() as session:
            row = session.get_one(RemoteOperation, self._begun)
            row.operation, row.closed = operation, None
            session.add(row)
        self._used = self._begun

    def close(self, operation: str) -> None:
        """Strikes out an operation that will never give a clip."""
        with self._bench.home.database.write() as session:
            queue.held(session, self._bench.job.id, self._bench.worker_id)
            row = session.get(RemoteOperation, self._used) if self._used else None
            if row is not None and row.operation == operation:
                row.closed = now()
                session.add(row)

    def _open(self, session: Session, request: str) -> Sequence[RemoteOperation]:
        """The rows of this film and request that are not struck out, the newest first."""
        query = select(RemoteOperation).where(
            RemoteOperation.project_id == self._bench.job.project_id,
            RemoteOperation.request == request,
            col(RemoteOperation.closed).is_(None),
        )
        return session.exec(query.order_by(col(RemoteOperation.created).desc())).all()

    def collect(self, session: Session) -> None:
        """Marks the operation that was used as collected, in the transaction that keeps its clip."""
        row = session.get(RemoteOperation, self._used) if self._used else None
        if row is not None:
            row.collected = now()
            session.add(row)
