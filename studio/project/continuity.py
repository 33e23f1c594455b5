"""Cuts that stand out: the end of a shot beside the start of the next one, compared with the film's others.

A cut to another place, time or weather is meant to jump, so cuts are compared with those of their own kind
only. The rule is the usual one for outliers: beyond median + 3 robust standard deviations (1.4826 times the
median absolute deviation) of all cuts of that kind, this one left out, where there are at least `FEWEST`.
A deviation counts as at least `LEAST`, or in a very even film every breath would stand out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from statistics import median

from sqlmodel import Session

from studio.project.film import FilmState
from studio.project.measures import Ranker, cuts, known
from studio.project.rows import Reading
from studio.store.tables import Measure, Shot

FEWEST = 4
"""Other cuts of the same kind that it takes to call one unusual."""
LIMIT = 3.0
LEAST_ALIKE, LEAST_SHIFT = 0.01, 1.5
"""The least robust deviation of similarity, and of colour shift (delta E)."""


class CutKind(str, Enum):
    """Whether the film stays where it is."""

    WITHIN = "within"
    ACROSS = "across"


@dataclass(frozen=True)
class Cut:
    """A cut that was measured. `reasons` say what stands out; empty for a cut like the others."""

    kind: CutKind
    similarity: float
    shift: float
    reasons: tuple[str, ...] = ()


def kind_of(before: Shot, after: Shot) -> CutKind:
    """Another place, time of day or weather is a cut across; so is another scene."""
    same = all(
        getattr(before, field).casefold() == getattr(after, field).casefold()
        for field in ("place", "time", "weather")
    )
    return CutKind.WITHIN if same and before.scene == after.scene else CutKind.ACROSS


def continuity(session: Session, film: FilmState, reading: Reading | None = None) -> dict[int, Cut]:
    """Every measured cut of a film, by the index of the shot before it."""
    ranker, shots = Ranker.of(film), film.shots
    names = {index: ranker.cut(end, start) for index, end, start in cuts(film)}
    wanted = tuple(names.values())
    if reading is None:
        found = known(session, wanted)
    else:
        found = reading.keep("cuts", (Measure,), lambda: known(session, wanted), wanted)
    measured = {
        index: Cut(
            kind=kind_of(shots[index], shots[index + 1]),
            similarity=float(found[name]["similarity"]),
            shift=float(found[name]["shift"]),
        )
        for index, name in names.items()
        if name in found
    }
    return judge(measured)


def judge(measured: Mapping[int, Cut]) -> dict[int, Cut]:
    """The same cuts, with what stands out among those of their kind."""
    return dict(_judge(tuple(measured.items())))


@lru_cache(maxsize=64)
def _judge(measured: tuple[tuple[int, Cut], ...]) -> tuple[tuple[int, Cut], ...]:
    """As `judge`; remembered, for a page looks at a film much more often than its cuts change."""
    found = dict(measured)
    return tuple((index, _judged(index, cut, found)) for index, cut in measured)


def _judged(index: int, cut: Cut, measured: Mapping[int, Cut]) -> Cut:
    others = [other for at, other in measured.items() if at != index and other.kind is cut.kind]
    if len(others) < FEWEST:
        return cut
    reasons = []
    alike = [other.similarity for other in others]
    if cut.similarity < median(alike) - LIMIT * _deviation(alike, LEAST_ALIKE):
        reasons.append(
            f"the pictures are less alike ({cut.similarity:.2f}) than at the other cuts "
            f"(about {median(alike):.2f})"
        )
    shifts = [other.shift for other in others]
    if cut.shift > median(shifts) + LIMIT * _deviation(shifts, LEAST_SHIFT):
        reasons.append(
            f"the colours jump further ({cut.shift:.0f}) than at the other cuts (about {median(shifts):.0f})"
        )
    return Cut(cut.kind, cut.similarity, cut.shift, tuple(reasons))


def _deviation(values: Sequence[float], least: float) -> float:
    middle = median(values)
    return max(least, 1.4826 * median(abs(value - middle) for value in values))
