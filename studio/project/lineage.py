"""What a pair was drawn from, and whether that is still so: staleness is computed from hashes, never stored.

A film is a build. The *conditions* of a take are what the filmmaker meant: words, previous end frame,
memory. They are recorded with it; here they are compared with what they would be now.

- *Stale*: the shot's own words, its pins, or the end frame that it continues from changed.
- *May drift*: frames that made up more than `DRIFT_SHARE` of its memory changed. Memory that comes from
later shots (pins)
  is a frozen snapshot without an edge, so there is no cycle.

Ranking frames needs CLIP, so what the pack would be now is not computed here: the recorded pack is
compared, share by share, with what its frames are today.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from engine.story import FrameSide
from studio.project.conditions import Card, Conditions, FrameRef, Packed, Words
from studio.project.film import FilmState
from studio.store.states import Mark
from studio.store.tables import Shot, Take

DRIFT_SHARE = 0.25
_FRAMES = (FrameSide.START, FrameSide.END)


class Freshness(str, Enum):
    """Whether a picture still says what its inputs say now."""

    FRESH = "fresh"
    MAY_DRIFT = "may drift"
    STALE = "stale"
    KEPT = "kept"


@dataclass(frozen=True)
class Staleness:
    freshness: Freshness = Freshness.FRESH
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class BankFrame:
    """A frame that memory may hold."""

    ref: FrameRef
    pinned: bool


def words_of(film: FilmState, shot: Shot) -> Words:
    """What the prompt of a shot is made of, now."""
    return Words(
        description=shot.description,
        scale=shot.scale,
        angle=shot.angle,
        movement=shot.movement,
        place=shot.place,
        place_look=film.place_looks.get(shot.place.casefold(), ""),
        time=shot.time,
        weather=shot.weather,
        cast=tuple(Card(name=name, look=film.looks.get(name.casefold(), "")) for name in shot.cast),
        look=film.project.look,
    )


class Lineage:
    """The lineage of one moment of a film. Pictures of shots are looked up once and shared by all
    questions.
    """

    def __init__(self, film: FilmState) -> None:
        self.film = film
        self._frames = [tuple(self._read(shot, side) for side in _FRAMES) for shot in film.shots]
        self._usable = [
            take is not None and take.recipe.get("profile") == film.project.profile
            for take in map(film.picked, film.shots)
        ]

    def _read(self, shot: Shot, side: FrameSide) -> FrameRef | None:
        take = self.film.picked(shot)
        if take is None:
            return None
        sha256 = take.start_sha256 if side is FrameSide.START else take.end_sha256
        return FrameRef(shot_id=shot.id, side=side, key=self.film.key(shot.id, side), sha256=sha256)

    def frame(self, shot_id: str, side: FrameSide) -> FrameRef | None:
        """A frame of a shot's picked take, as it is now; None for a draft or a shot that is not in the
        film.
        """
        index = self.film.index.get(shot_id)
        return None if index is None else self._frames[index][_FRAMES.index(side)]

    def memory_bank(self, index: int) -> list[BankFrame]:
        """Both frames of every earlier shot's picked take, without bans, and the pinned frames of any
        other shot.

        Frames drawn by another profile stay out unless they are pinned: they look different.
        """
        bank: list[BankFrame] = []
        for i, frames in enumerate(self._frames):
            for ref in frames:
                if ref is None or i == index:
                    continue
                mark = self.film.marks.get(ref.slot, Mark.NONE)
                pinned = mark is Mark.PINNED
                if mark is not Mark.BANNED and (pinned or (i < index and self._usable[i])):
                    bank.append(BankFrame(ref, pinned))
        return bank

    def present(self, index: int) -> Conditions:
        """The conditions that the shot at `index` would be drawn with now."""
        film, shot = self.film, self.film.shots[index]
        bank = self.memory_bank(index)
        bans = [slot for slot, mark in film.marks.items() if mark is Mark.BANNED and slot[0] in film.index]
        return Conditions(
            words=words_of(film, shot),
            previous=self._frames[index - 1][1] if index else None,
            pins=tuple(frame.ref for frame in bank if frame.pinned),
            bans=tuple(
                FrameRef(shot_id=id, side=side, key=film.key(id, side))
                for id, side in sorted(bans)
                if id != shot.id
            ),
            bank=tuple(dict.fromkeys(frame.ref.shot_id for frame in bank)),
        )

    def staleness(self, index: int) -> Staleness:
        """Whether the picked take of a shot is stale or may drift, and why, in words. A draft is fresh."""
        shot = self.film.shots[index]
        take = self.film.picked(shot)
        if take is None:
            return Staleness()
        then, now = Conditions.model_validate(take.conditions), self.present(index)
        reasons = [
            *_word_reasons(then.words, now.words),
            *self._previous_reasons(take, then.previous, now.previous),
            *self._pin_reasons(index, then, now),
        ]
        freshness = Freshness.STALE
        if not reasons:
            weight, reasons = self._drift(index, take, then, now)
            if weight <= DRIFT_SHARE:
                return Staleness()
            freshness = Freshness.MAY_DRIFT
        if shot.accepted is not None and shot.accepted == self.fingerprint(index):
            freshness = Freshness.KEPT
        return Staleness(freshness, tuple(dict.fromkeys(reasons)))

    def fingerprint(self, index: int) -> str:
        """Names everything that staleness looks at: "keep it as it is" holds until anything of it changes."""
        film, shot = self.film, self.film.shots[index]
        take, now = film.picked(shot), self.present(index)
        pack = [self._now(Packed.model_validate(frame)) for frame in (take.memory if take else [])]
        parts = (
            shot.picked or "",
            now.words.model_dump_json(),
            now.previous.sha256 if now.previous else "",
            *(f"{p.slot}{p.sha256 if film.index[p.shot_id] < index else ''}" for p in now.pins),
            *(str(ban.slot) for ban in now.bans),
            *now.bank,
            *(ref.sha256 if ref else "-" for ref in pack),
        )
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    def _previous_reasons(self, take: Take, then: FrameRef | None, now: FrameRef | None) -> Iterator[str]:
        if (then.sha256 if then else None) == (now.sha256 if now else None):
            return
        if now is None:
            assert then is not None
            yield f"{self._shot(then.shot_id)} before it has no picture any more"
        elif then is None:
            yield f"{self._shot(now.shot_id)} before it was drawn"
        elif then.shot_id != now.shot_id:
            yield f"it follows another shot now ({self._shot(now.shot_id)})"
        else:
            yield self._changed(take, now.shot_id)

    def _pin_reasons(self, index: int, then: Conditions, now: Conditions) -> Iterator[str]:
        before = {ref.slot: ref for ref in then.pins}
        after = {ref.slot: ref for ref in now.pins}
        for slot, ref in after.items():
            if slot not in before:
                yield f"frame {ref.key} was pinned"
            elif before[slot].sha256 != ref.sha256 and self.film.index[ref.shot_id] < index:
                yield f"pinned frame {ref.key} was redrawn"
        for slot, ref in before.items():
            if slot not in after:
                gone = slot[0] not in self.film.index
                yield (
                    f"pinned frame {ref.key} is gone"
                    if gone
                    else f"frame {self.film.key(*slot)} was unpinned"
                )

    def _drift(self, index: int, take: Take, then: Conditions, now: Conditions) -> tuple[float, list[str]]:
        """The share of the memory that changed, and why: of the recorded pack, then of frames new to the
        bank.

        A new frame may take any rank, or none; it is weighed as its part of the bank.
        """
        weight = 0.0
        reasons: list[str] = []
        for frame in map(Packed.model_validate, take.memory):
            reason = self._why_changed(index, take, frame)
            if reason is not None:
                weight += frame.share
                reasons.append(reason)
        arrived = [id for id in now.bank if id not in then.bank and self.film.index[id] < index]
        weight += len(arrived) / max(1, len(now.bank))
        reasons += [f"{self._shot(id)} came into the memory" for id in arrived]
        banned = {ref.slot for ref in now.bans}
        allowed = [
            ref
            for ref in then.bans
            if ref.slot not in banned and self.film.index.get(ref.shot_id, index) < index
        ]
        weight += len(allowed) / max(1, 2 * len(now.bank))
        reasons += [f"frame {self.film.key(*ref.slot)} is allowed again" for ref in allowed]
        return weight, reasons

    def _why_changed(self, index: int, take: Take, frame: Packed) -> str | None:
        """Why a ranked frame of the recorded pack is not what it was; None when it is, or when it was
        pinned.
        """
        if frame.shot_id is None or frame.side is None or frame.pinned:
            return None
        place, ref = self.film.index.get(frame.shot_id), self._now(frame)
        if place is None:
            return f"the shot of frame {frame.key} is gone"
        if place > index:
            return f"{self._shot(frame.shot_id)} comes later now"
        if self.film.marks.get((frame.shot_id, frame.side)) is Mark.BANNED:
            return f"frame {self.film.key(frame.shot_id, frame.side)} was banned"
        if ref is None:
            return f"{self._shot(frame.shot_id)} has no picture any more"
        return None if ref.sha256 == frame.sha256 else self._changed(take, frame.shot_id)

    def _now(self, frame: Packed) -> FrameRef | None:
        """What the slot of a packed frame shows today."""
        return None if frame.shot_id is None or frame.side is None else self.frame(frame.shot_id, frame.side)

    def _changed(self, take: Take, shot_id: str) -> str:
        """Why the picture of another shot differs from the one that `take` was drawn with."""
        other = self.film.picked(self.film.shots[self.film.index[shot_id]])
        redrawn = other is not None and other.created > take.created
        return (
            f"{self._shot(shot_id)} was redrawn"
            if redrawn
            else f"another take of {self._shot(shot_id)} was picked"
        )

    def _shot(self, shot_id: str) -> str:
        index = self.film.index.get(shot_id)
        return "the shot" if index is None else f"shot {index + 1}"


def _word_reasons(then: Words, now: Words) -> Iterator[str]:
    if then.description != now.description:
        yield "the description changed"
    for field in ("scale", "angle", "movement", "time", "weather"):
        before, after = getattr(then, field), getattr(now, field)
        if before != after:
            yield f"the {field} changed from {before or 'none'} to {after or 'none'}"
    if then.place != now.place:
        yield f"the place changed from {then.place or 'none'} to {now.place or 'none'}"
    elif then.place_look != now.place_look:
        yield f"the look of {now.place} changed"
    looks = {card.name: card.look for card in then.cast}
    names = [card.name for card in now.cast]
    yield from (f"{name} is not in the shot any more" for name in looks if name not in names)
    for card in now.cast:
        if card.name not in looks:
            yield f"{card.name} came into the shot"
        elif looks[card.name] != card.look:
            yield f"the look of {card.name} changed"
    if set(looks) == set(names) and list(looks) != names:
        yield "the order of the cast changed"
    if then.look != now.look:
        yield "the look of the film changed"
