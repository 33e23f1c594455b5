"""Figures that need the ranker's network, known by what they depend on.

The drawing process works them out (`studio.jobs.measure`); the page's process only looks them up, so it never
loads a network. A figure's name is a hash of its kind, the ranker that made it, and what it was made from:
hashes of frames, and the text of a description. So it is never out of date: other inputs have another name.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from sqlmodel import Session, col, select

from engine.profile import Mode
from engine.profiles import get_profile, ranker_stamp, resized
from engine.step2.conditions import MemoryFrame, PackedFrame, StoredFrame
from engine.step2.packing import layout, whole
from studio.project.film import FilmState
from studio.project.lineage import BankFrame, BankPicture, Lineage
from studio.store.states import MeasureKind
from studio.store.tables import Measure

_AT_ONCE = 5000
"""SQLite takes only so many parameters in a query."""


@dataclass(frozen=True)
class Ranker:
    """Whose figures, and by which ranker: the first half of every name."""

    owner: str
    stamp: str

    @classmethod
    def of(cls, film: FilmState) -> Ranker:
        """The ranker of a film's profile."""
        return cls(
            film.project.owner, ranker_stamp(resized(get_profile(film.project.profile), film.project.aspect))
        )

    def words(self, description: str, sha256: str) -> str:
        """Name of the similarity of a frame and a description."""
        return self._name(MeasureKind.WORDS, description, sha256)

    def cut(self, end: str, start: str) -> str:
        """Name of the continuity of a cut: hashes of the end frame and the start frame that follows."""
        return self._name(MeasureKind.CUT, end, start)

    def grid(self) -> str:
        """Name of the size of the memory pack in packed tokens."""
        return self._name(MeasureKind.GRID, "", "")

    def _name(self, kind: MeasureKind, left: str, right: str) -> str:
        parts = (self.owner, self.stamp, kind.value, left, right)
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def known(session: Session, names: Iterable[str]) -> Mapping[str, dict[str, Any]]:
    """Those figures that are known, by name."""
    wanted = list(dict.fromkeys(names))
    found: dict[str, dict[str, Any]] = {}
    for at in range(0, len(wanted), _AT_ONCE):
        some = col(Measure.id).in_(wanted[at : at + _AT_ONCE])
        found.update(session.exec(select(Measure.id, Measure.value).where(some)).all())
    return found


def cuts(film: FilmState) -> Iterator[tuple[int, str, str]]:
    """Every cut between two pictures: index of the shot before it, hashes of its end and the next start."""
    takes = [film.picked(shot) for shot in film.shots]
    for index, (before, after) in enumerate(pairwise(takes)):
        if before is not None and after is not None:
            yield index, before.end_sha256, after.start_sha256


@dataclass(frozen=True)
class Preview:
    """The pack that a shot would be drawn with now; `packed` is empty while `missing` figures are unknown."""

    packed: tuple[tuple[BankFrame | BankPicture, PackedFrame], ...]
    grid: tuple[int, int]
    missing: int


def preview(session: Session, lineage: Lineage, index: int) -> Preview:
    """The memory pack of the shot at `index`, by the same rule that draws it (eq. 1), without a network."""
    bank = lineage.whole_bank(index)
    if not bank:
        return Preview((), (0, 0), 0)
    ranker = Ranker.of(lineage.film)
    description = lineage.film.shots[index].description
    names = [ranker.words(description, frame.ref.sha256) for frame in bank]
    found = known(session, [*names, ranker.grid()])
    missing = sum(name not in found for name in [*names, ranker.grid()])
    if missing:
        return Preview((), (0, 0), missing)
    height, width = (int(found[ranker.grid()][side]) for side in ("height", "width"))
    nowhere = Path()  # the layout reads names only
    frames = [MemoryFrame(f.ref.key, StoredFrame(f.ref.sha256, nowhere), f.pinned) for f in bank]
    similarities = [float(found[name]["similarity"]) for name in names]
    pack = layout if get_profile(lineage.film.project.profile).mode is Mode.PAIRS else whole
    packed = pack(frames, similarities, height, width)
    return Preview(tuple((bank[i], frame) for i, frame in packed), (height, width), 0)
