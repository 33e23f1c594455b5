"""The judge at work: it looks at the picked pairs on a thread of its own, and what it says stays."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlmodel import Session

from engine.agents.choice import Role
from engine.agents.model import Target, open_model
from engine.errors import BadInput, StageError
from engine.metrics.vlm_judge import Inquiry, JudgedShot, Score, Verdict, inquiries
from studio.project.film import FilmState, load_film, owned_project
from studio.project.judging import (
    add_verdict,
    begin_judging,
    end_judging,
    last_judging,
    verdicts_of,
)
from studio.service.agents import agents_of
from studio.service.room import Room
from studio.store.errors import NotFound
from studio.store.tables import Judging

log = logging.getLogger(__name__)

CLOSED = "The judging was given up before its end."
BROKEN = "Something in the studio went wrong; the log in the terminal says more."


@dataclass(frozen=True)
class _Order:
    """What is asked, of whom, and the row (by id) that takes the answers; `known` are answers by key that a
    judging which did not come to its end has paid for already.
    """

    owner: str
    project: str
    row: str
    target: Target
    inquiries: tuple[Inquiry, ...]
    known: Mapping[str, Verdict]


class Judgings(Room):
    """Judging, and stopping the judge."""

    def judge(self, owner: str, project_id: str, scores: Sequence[Score] = tuple(Score)) -> Iterator[Verdict]:
        """Lets the judge look at the picked pairs; yields verdicts as they come, and keeps them: what it says
        of cuts shows beside those cuts as long as their pictures are the same. What the same judge answered
        before it was interrupted is not asked again, where words and pictures are the same.

        Raises BadInput when no judge was chosen, one is at work already or a shot has no picture;
        ModelTrouble; Cancelled after `stop_judging`.
        """
        yield from self._answers(self._order(owner, project_id, scores))

    def start_judging(self, owner: str, project_id: str) -> None:
        """As `judge`, on a thread of its own: it goes on when the page is closed, and the film's head tells
        how far it is. Raises BadInput as `judge` does; what goes wrong later stands in the head.
        """
        order = self._order(owner, project_id)
        threading.Thread(target=self._work, args=(order,), name="judge", daemon=True).start()

    def stop_judging(self, owner: str, project_id: str) -> None:
        """Stops the judge after the question that it is at; what it has said stays."""
        with self.home.database.read() as session:
            owned_project(session, owner, project_id)
        self.judges.stop(project_id)

    def _order(self, owner: str, project_id: str, scores: Sequence[Score] = tuple(Score)) -> _Order:
        with self.home.database.write() as session:
            project = owned_project(session, owner, project_id)
            film = load_film(session, project)
            shots = self._judged(film)
            if not shots:
                raise BadInput("There are no drawn shots to judge: draw them first.")
            target = agents_of(project).target(Role.JUDGE)
            if target is None:
                raise BadInput("Nobody judges yet: choose a vision model as the judge under Agents.")
            before = last_judging(session, project_id)
            if before is not None and not before.over:
                raise BadInput("The judge is looking at this film already.")
            begun = before is not None and bool(before.trouble) and before.judge == target.title
            known = {said.asked: said for said in verdicts_of(before)} if before is not None and begun else {}
            row = begin_judging(session, film, target.title)
            asked = tuple(inquiries(shots, film.story_cast(), film.rate, scores))
            return _Order(owner, project_id, row.id, target, asked, known)

    def _work(self, order: _Order) -> None:
        try:
            for _ in self._answers(order):
                pass
        except StageError:
            pass  # it stands in the row
        except Exception:
            log.exception("The judge of %s failed", order.project)

    def _answers(self, order: _Order) -> Iterator[Verdict]:
        trouble = CLOSED
        try:
            with self.judges.begin(order.project) as stopped, open_model(order.target) as model:
                for inquiry in order.inquiries:
                    verdict = order.known.get(inquiry.key) or inquiry.ask(model, cancelled=stopped)
                    with self.home.database.write() as session:
                        project = owned_project(session, order.owner, order.project)
                        row = _row(session, order)
                        add_verdict(session, project, row, verdict, len(order.inquiries))
                    yield verdict
            trouble = ""
        except StageError as error:
            trouble = str(error)
            raise
        except Exception:
            trouble = BROKEN
            raise
        finally:
            with self.home.database.write() as session:
                project = owned_project(session, order.owner, order.project)
                end_judging(project, _row(session, order), trouble)

    def _judged(self, film: FilmState) -> tuple[JudgedShot, ...]:
        shots = []
        for number, shot in enumerate(film.shots, 1):
            take = film.picked(shot)
            if take is None:
                raise BadInput(f"Shot {number} has no picture yet: draw first, then let the film be judged.")
            start, end = self.home.frame(take.start_sha256), self.home.frame(take.end_sha256)
            shots.append(JudgedShot(film.story_shot(shot), start, end))
        return tuple(shots)


def _row(session: Session, order: _Order) -> Judging:
    row = session.get(Judging, order.row)
    if row is None:
        raise NotFound("This judging is gone.")
    return row
