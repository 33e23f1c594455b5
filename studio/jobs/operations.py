"""What jobs ordered of paid services, as rows: a job that is killed, or ordered again, pays nothing twice."""

from __future__ import annotations

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

    def find(self, request: str, seed: int) -> str | None:
        """The open operation with this seed; else one with another seed that no clip row holds yet."""
        with self._bench.home.database.read() as session:
            query = select(RemoteOperation).where(
                RemoteOperation.project_id == self._bench.job.project_id,
                RemoteOperation.request == request,
                col(RemoteOperation.closed).is_(None),
            )
            rows = session.exec(query.order_by(col(RemoteOperation.created).desc())).all()
        mine = [row for row in rows if row.seed == seed] + [row for row in rows if row.collected is None]
        if not mine:
            return None
        self._used = mine[0].id
        return mine[0].operation

    def record(self, request: str, seed: int, operation: str) -> None:
        """Writes the operation down, whoever holds the job by now: it is paid."""
        job = self._bench.job
        row = RemoteOperation(
            owner=job.owner,
            project_id=job.project_id,
            job_id=job.id,
            renderer=self._renderer,
            request=request,
            seed=seed,
            operation=operation,
        )
        with self._bench.home.database.write() as session:
            session.add(row)
        self._used = row.id

    def close(self, operation: str) -> None:
        """Strikes out an operation that will never give a clip."""
        with self._bench.home.database.write() as session:
            queue.held(session, self._bench.job.id, self._bench.worker_id)
            row = session.get(RemoteOperation, self._used) if self._used else None
            if row is not None and row.operation == operation:
                row.closed = now()
                session.add(row)

    def collect(self, session: Session) -> None:
        """Marks the operation that was used as collected, in the transaction that keeps its clip."""
        row = session.get(RemoteOperation, self._used) if self._used else None
        if row is not None:
            row.collected = now()
            session.add(row)
