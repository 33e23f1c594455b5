"""What a pair was drawn from, and whether that is still so: staleness is computed from hashes, never stored.

A film is a build. The *conditions* of a take are what the filmmaker meant: words, previous end frame,
memory. They are recorded with it; here they are compared with what they would be now.

- *Stale*: the shot's own words, its reference pictures or pins, or the end frame that it continues from
  changed.
- *May drift*: frames that made up more than `DRIFT_SHARE` of its memory changed. Memory that comes from
  later shots (pins, or a film whose memory looks at all shots) is a frozen snapshot without an edge, so
  there is no cycle.

Ranking frames needs CLIP, so what the pack would be now is not computed here: the recorded pack is
compared, share by share, with what its frames are today.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from engine.catalogue import look
from engine.story import FrameSide
from studio.project.conditions import Conditions, FrameRef, Packed, Recorded, ReferenceRef
from studio.project.film import FilmState
from studio.project.references import concerns, reference_reasons, reference_refs
from studio.project.words import word_reasons, words_of
from studio.store.states import Mark, MemoryScope
from studio.store.tables import Shot, Take

DRIFT_SHARE = 0.25
_FRAMES = (FrameSide.START, FrameSide.END)
_SCOPE_REASONS = {
    MemoryScope.ALL: "the memory looks at all shots now",
    MemoryScope.EARLIER: "the memory looks at earlier shots only now",
}


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
    later: bool = False


@dataclass(frozen=True)
class BankPicture:
    """A reference picture of the shot: it is always pinned."""

    ref: ReferenceRef
    pinned: bool = True
    later: bool = False


class Lineage:
    """The lineage of one moment of a film. What all shots share is worked out once.

    `records` (see `load_records`) is needed for questions about what takes were drawn from.
    """

    def __init__(self, film: FilmState, records: Mapping[str, Recorded] | None = None) -> None:
        self.film = film
        self.scope = MemoryScope(film.project.memory_scope)
        self._records = records or {}
        self._frames = [tuple(self._read(shot, side) for side in _FRAMES) for shot in film.shots]
        self._ranked_by: dict[str, list[tuple[FrameRef, ...]]] = {}
        everything = [ref for frames in self._frames for ref in frames if ref is not None]
        self._references = tuple(reference_refs(film).values())
        self._pinned = [ref for ref in everything if film.marks.get(ref.slot) is Mark.PINNED]
        self._bans = [
            FrameRef(shot_id=id, side=side, key=film.key(id, side))
            for (id, side), mark in sorted(film.marks.items())
            if mark is Mark.BANNED and id in film.index
        ]

    def _read(self, shot: Shot, side: FrameSide) -> FrameRef | None:
        take = self.film.picked(shot)
        if take is None:
            return None
        sha256 = take.start_sha256 if side is FrameSide.START else take.end_sha256
        return FrameRef(shot_id=shot.id, side=side, key=self.film.key(shot.id, side), sha256=sha256)

    def _ranked(self, profile: str) -> list[tuple[FrameRef, ...]]:
        """Of each shot, what a shot drawn by `profile` may rank."""
        kind = look(profile)
        if kind not in self._ranked_by:
            shots = range(len(self.film.shots))
            self._ranked_by[kind] = [self._rankable(i, kind) for i in shots]
        return self._ranked_by[kind]

    def _rankable(self, index: int, kind: str) -> tuple[FrameRef, ...]:
        """Frames of a shot that others may rank: not banned, and drawn by a profile of the same `kind`, that
        is, one whose pictures are the same (`catalogue.look`).

        Frames of another one look different; they come into a memory only when they are pinned, or when the
        project asks for the frames of all profiles.
        """
        take = self.film.picked(self.film.shots[index])
        project = self.film.project
        if take is None or not (project.all_profiles or look(take.recipe.get("profile", "")) == kind):
            return ()
        marks = self.film.marks
        return tuple(
            ref for ref in self._frames[index] if ref is not None and marks.get(ref.slot) is not Mark.BANNED
        )

    def frame(self, shot_id: str, side: FrameSide) -> FrameRef | None:
        """A frame of a shot's picked take, as it is now; None for a draft or a shot out of the film."""
        index = self.film.index.get(shot_id)
        return None if index is None else self._frames[index][_FRAMES.index(side)]

    def memory_bank(self, index: int, profile: str | None = None) -> list[BankFrame]:
        """Pinned frames of all other shots, and both frames of every earlier shot, without bans. Where the
        film's memory looks at all shots, later ones too, as they are now. `profile` is what draws
        the shot; None: the project's.
        """
        own = self.film.shots[index].id
        place = self.film.index
        bank = {
            ref.slot: BankFrame(ref, pinned=True, later=place[ref.shot_id] > index)
            for ref in self._pinned
            if ref.shot_id != own
        }
        ranked = self._ranked(profile or self.film.project.profile)
        others = ranked[:index]
        if self.scope is MemoryScope.ALL:
            others = [*others, *ranked[index + 1 :]]
        for frames in others:
            for ref in frames:
                bank.setdefault(ref.slot, BankFrame(ref, pinned=False, later=place[ref.shot_id] > index))
        return list(bank.values())

    def references(self, index: int) -> tuple[ReferenceRef, ...]:
        """The reference pictures of the shot's people, of its place, and of the look."""
        return tuple(ref for ref in self._references if concerns(ref, self.film.shots[index]))

    def whole_bank(self, index: int) -> list[BankFrame | BankPicture]:
        """Everything that the memory of the shot is made from: reference pictures, then `memory_bank`."""
        return [*map(BankPicture, self.references(index)), *self.memory_bank(index)]

    def present(self, index: int, profile: str | None = None) -> Conditions:
        """The conditions that the shot at `index` would be drawn with now, by the project's profile or one
        that is named.

        What a take was drawn from is compared with what its own profile would be given: which profile draws
        is part of the recipe, so switching it makes no picture stale. `previous` is the frame before the cut,
        whatever drew it and whether or not it is banned: those decide about the memory alone, and a shot may
        be asked to start from that very frame.
        """
        shot = self.film.shots[index]
        ranked = self._ranked(profile or self.film.project.profile)
        pins = tuple(ref for ref in self._pinned if ref.shot_id != shot.id)
        earlier = (frames[0].shot_id for frames in ranked[:index] if frames)
        return Conditions.model_construct(
            words=words_of(self.film, shot),
            prompt="",
            previous=self._frames[index - 1][1] if index else None,
            pins=pins,
            bans=tuple(ref for ref in self._bans if ref.shot_id != shot.id),
            bank=tuple(dict.fromkeys((*earlier, *(ref.shot_id for ref in pins)))),
            kept=None,
            scope=self.scope,
            references=self.references(index),
            aspect=self.film.project.aspect,
        )

    def staleness(self, index: int) -> Staleness:
        """Whether the picked take of a shot is stale or may drift, and why, in words. A draft is fresh."""
        shot = self.film.shots[index]
        take = self.film.picked(shot)
        if take is None:
            return Staleness()
        record, now = self._records[take.id], self.present(index, take.recipe.get("profile"))
        then = record.conditions
        reasons = [
            *word_reasons(then.words, now.words, self.film),
            *reference_reasons(then.references, now.references, then.words, now.words),
            *(["the aspect of the film changed"] if then.aspect != now.aspect else []),
            *self._previous_reasons(index, take, then, now.previous),
            *self._pin_reasons(index, record, now),
        ]
        freshness = Freshness.STALE
        if not reasons:
            weight, reasons = self._drift(index, take, record, now)
            if weight <= DRIFT_SHARE:
                return Staleness()
            freshness = Freshness.MAY_DRIFT
        if shot.accepted is not None and shot.accepted == self.fingerprint(index):
            freshness = Freshness.KEPT
        return Staleness(freshness, tuple(dict.fromkeys(reasons)))

    def fingerprint(self, index: int) -> str:
        """Names everything that staleness looks at: "keep it as it is" holds until anything of it changes."""
        film, shot = self.film, self.film.shots[index]
        take = film.picked(shot)
        now = self.present(index, take.recipe.get("profile") if take else None)
        pack = [self._now(frame) for frame in self._records[take.id].pack] if take else []
        parts = (
            shot.picked or "",
            now.words.model_dump_json(),
            now.previous.sha256 if now.previous else "",
            *(f"{p.slot}{p.sha256 if film.index[p.shot_id] < index else ''}" for p in now.pins),
            *(str(ban.slot) for ban in now.bans),
            *now.bank,
            *([] if now.scope is MemoryScope.EARLIER else [now.scope.value]),
            *(ref.sha256 if ref else "-" for ref in pack),
            *(f"{ref.subject.value}{ref.subject_id}{ref.sha256}" for ref in now.references),
            *([now.aspect] if now.aspect else []),
        )
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    def _previous_reasons(
        self, index: int, take: Take, then: Conditions, now: FrameRef | None
    ) -> Iterator[str]:
        """Why the end frame that a shot continues from is not the one that its take was drawn with."""
        was = then.previous
        if (was.sha256 if was else None) == (now.sha256 if now else None):
            return
        if now is None:
            before = self.film.shots[index - 1].id if index else None
            if before is None:
                yield "it is the first shot now"
            elif was is not None and was.shot_id == before:
                yield f"{self._shot(before)}, before it, has no picture any more"
            else:
                yield f"it follows {self._shot(before)} now, which is not drawn"
        elif was is None:
            # A shot that could remember earlier ones was not the first: the one before it had no picture.
            first = not set(then.bank) - {ref.shot_id for ref in then.pins}
            how = "it was drawn as the first" if first else "the shot before it had no picture then"
            if take.imported and not first:  # what came before it did not come along
                how = "it was not drawn after it"
            yield f"it follows {self._shot(now.shot_id)} now; {how}"
        elif was.shot_id != now.shot_id:
            yield f"it follows another shot now ({self._shot(now.shot_id)})"
        else:
            yield self._changed(take, now.shot_id)

    def _pin_reasons(self, index: int, record: Recorded, now: Conditions) -> Iterator[str]:
        then = record.conditions
        before = {ref.slot: ref for ref in then.pins}
        after = {ref.slot: ref for ref in now.pins}
        idle = _leads_anyway(record, [ref for slot, ref in after.items() if slot not in before])
        for slot, ref in after.items():
            if slot not in before and idle:
                continue
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

    def _drift(self, index: int, take: Take, record: Recorded, now: Conditions) -> tuple[float, list[str]]:
        """The share of the memory that changed, and why: of the recorded pack, then of frames new to the
        bank.

        A new frame may take any rank, or none; it is weighed as its part of the bank.
        """
        weight = 0.0
        reasons: list[str] = []
        for frame in record.pack:
            reason = self._why_changed(index, take, frame)
            if reason is not None:
                # a ban is meant to be seen, however little of the pack the frame was
                weight += 1.0 if self._banned(frame) else frame.share
                reasons.append(reason)
        before, place = {*record.conditions.bank, *_snapshots(record)}, self.film.index
        arrived = [id for id in now.bank if id not in before and place[id] < index]
        weight += len(arrived) / max(1, len(now.bank))
        reasons += [f"{self._shot(id)} came into the memory" for id in arrived]
        banned = {ref.slot for ref in now.bans}
        gone = [ref for ref in record.conditions.bans if ref.slot not in banned]
        allowed = [ref for ref in gone if place.get(ref.shot_id, index) < index]
        weight += len(allowed) / max(1, 2 * len(now.bank))
        reasons += [f"frame {self.film.key(*ref.slot)} is allowed again" for ref in allowed]
        if record.conditions.scope is not now.scope:
            weight += self._scope_weight(index, record)
            reasons.append(_SCOPE_REASONS[now.scope])
        return weight, reasons

    def _scope_weight(self, index: int, record: Recorded) -> float:
        """How much of the memory another scope may change: the snapshots that it would lose, or the part of
        the other shots that it would see for the first time. Their pictures do not matter: no edge.
        """
        if self.scope is MemoryScope.EARLIER:
            return sum(frame.share for frame in record.pack if frame.later and not frame.pinned)
        shots = len(self.film.shots)
        return (shots - 1 - index) / max(1, shots - 1)

    def _why_changed(self, index: int, take: Take, frame: Packed) -> str | None:
        """Why a ranked frame of the recorded pack is not what it was; None when it is, or was pinned."""
        if frame.shot_id is None or frame.side is None or frame.pinned:
            return None
        place, ref = self.film.index.get(frame.shot_id), self._now(frame)
        if place is None:
            if frame.later:
                return None
            return f"the shot of frame {frame.key} is gone"
        if self._banned(frame):
            return f"frame {self.film.key(frame.shot_id, frame.side)} was banned"
        if frame.later:
            return None
        if place > index:
            return f"{self._shot(frame.shot_id)} comes later now"
        if ref is None:
            return f"{self._shot(frame.shot_id)} has no picture any more"
        return None if ref.sha256 == frame.sha256 else self._changed(take, frame.shot_id)

    def _banned(self, frame: Packed) -> bool:
        """Whether the frame is banned now."""
        if frame.shot_id is None or frame.side is None:
            return False
        return self.film.marks.get((frame.shot_id, frame.side)) is Mark.BANNED

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


def _snapshots(record: Recorded) -> Iterator[str]:
    """The later shots whose frames a recorded pack holds as snapshots."""
    yield from (frame.shot_id for frame in record.pack if frame.later and frame.shot_id is not None)


def _leads_anyway(record: Recorded, pins: Sequence[FrameRef]) -> bool:
    """Whether frames that were pinned since had the first ranks of the recorded pack without it.

    Pins go in front, so that pack would be the same. With older pins or reference pictures in it, which come
    in order of similarity with the new ones, that is not certain.
    """
    if any(frame.pinned for frame in record.pack):
        return False
    lead = sorted(record.pack, key=lambda frame: frame.rank)[: len(pins)]
    return {(frame.shot_id, frame.side, frame.sha256) for frame in lead} == {
        (*pin.slot, pin.sha256) for pin in pins
    }
