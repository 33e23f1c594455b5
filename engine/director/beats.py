"""The beat sheet: from what happens in a theme to exactly as many lines as the film has shots."""

from __future__ import annotations

import itertools
import random
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from engine.director import phrasebook
from engine.director.breakdown import Actor, Breakdown, Event
from engine.director.denied import first_there
from engine.director.events import in_frame, kind_told, role_is_look, settled
from engine.director.phrasebook import EventKind, Moment, fill
from engine.director.places import Spot
from engine.director.wording import (
    LONGEST,
    clip,
    header,
    introduction,
    joined,
    leaves_open_where,
    lies,
    lowered,
    opened_by,
    where_in_frame,
    without_setting,
)
from engine.story import TimeOfDay
from engine.vocabulary import Vocabulary

_SEEN = 2  # people of a line who are surely seen: as many as every profile draws
_TRIES = 40  # moments looked at for one that was not told yet


class Role(str, Enum):
    """What a line does in the film; the camera is chosen by it."""

    ESTABLISH = "establish"
    APPROACH = "approach"
    EVENT = "event"
    REACTION = "reaction"
    ENDING = "ending"
    CUTAWAY = "cutaway"
    VIEW = "view"  # of a place, in a film in which nobody is


_FROM_A_WELL = (Role.APPROACH, Role.REACTION, Role.CUTAWAY)


@dataclass(frozen=True)
class Line:
    """One beat: its sentence, who is in frame (indices into the cast), where and when, and how close."""

    text: str
    who: tuple[int, ...]
    role: Role
    close: int
    kind: EventKind
    spot: Spot
    time: TimeOfDay
    weather: str
    dialogue: str = ""
    scene: int = 0


@dataclass(frozen=True)
class _Plan:
    """A line before it is worded: who has been introduced is only known in film order."""

    moment: Moment
    role: Role
    event: int
    back: bool = False  # in the first place again


def write_beats(found: Breakdown, shots: int, vocabulary: Vocabulary, rng: random.Random) -> list[Line]:
    """Exactly `shots` lines: the theme's own events in order, and what leads to and follows from them."""
    writer = _Writer(found, vocabulary, rng)
    return writer.write(shots)


class _Writer:
    def __init__(self, found: Breakdown, vocabulary: Vocabulary, rng: random.Random) -> None:
        self.found = found
        self.vocabulary = vocabulary
        self.rng = rng
        self.phrases = [e.source.rstrip(" .,;:") for e in found.events if not e.verb and e.source]
        self.events = settled(found)
        self.met: set[str] = set()
        self.used: set[str] = set()
        self.wells: dict[tuple[int, Role], Iterator[_Plan]] = {}
        self.shown: Counter[int] = Counter()  # member of the cast -> lines that show it

    def write(self, shots: int) -> list[Line]:
        plans = self._plan(shots)
        lines: list[Line] = []
        established = plans[0].role is Role.ESTABLISH
        for plan in plans:
            previous = lines[-1] if lines else None
            line = self._line(plan, previous, established)
            tries = _TRIES if plan.role in _FROM_A_WELL else 0
            while tries and self._told(line, plan):
                role = Role.APPROACH if plan.role is Role.APPROACH else Role.REACTION
                line = self._line(next(self.wells[plan.event, role]), previous, established)
                tries -= 1
            self.used.add(line.text)
            self.shown.update(line.who[:_SEEN])
            lines.append(line)
        return over_the_day(lines, self.found)

    def _told(self, line: Line, plan: _Plan) -> bool:
        """Whether a line was told before, or is a walk that the plan's event tells."""
        return line.text in self.used or line.text.endswith(f" {self.events[plan.event].predicate}.")

    # ---- which lines

    def _plan(self, shots: int) -> list[_Plan]:
        events = self.events
        if shots < len(events):
            events = self._pick(events, shots)
        self.events = events
        last = len(events) - 1
        cores = {i: _Plan(Moment("{event}", "SO", 2), Role.EVENT, i) for i in range(len(events))}
        before: dict[int, list[_Plan]] = {i: [] for i in cores}
        after: dict[int, list[_Plan]] = {i: [] for i in cores}
        opening: list[_Plan] = []
        ending: list[_Plan] = []
        wells = self.wells = {
            (i, w): self._moments(i, w) for i in cores for w in (Role.APPROACH, Role.REACTION)
        }
        order = itertools.chain(
            ("open", (last, Role.REACTION), "end", (0, Role.APPROACH)),
            itertools.cycle(
                [(i, w) for i in cores for w in (Role.REACTION, Role.APPROACH)]
                + [(0, Role.APPROACH), (last, Role.REACTION)]
            ),
        )
        for slot in itertools.islice(order, shots - len(events)):
            if slot == "open":
                opening.append(self._opening())
            elif slot == "end":
                ending.append(self._ending(last, shots))
            elif isinstance(slot, tuple):
                (before if slot[1] is Role.APPROACH else after)[slot[0]].append(next(wells[slot]))
        body = [p for i in cores for p in (*before[i], cores[i], *after[i])]
        return [*opening, *body, *ending]

    def _pick(self, events: list[Event], shots: int) -> list[Event]:
        """Fewer events than there are: whole sentences if that suffices, else the most telling ones."""
        whole = [_whole(list(g)) for _, g in itertools.groupby(events, key=lambda e: e.sentence)]
        if len(whole) > 1:
            events = whole
        if shots >= len(events):
            return events
        bounds = [round(i * len(events) / shots) for i in range(shots + 1)]
        return [max(events[a:b], key=self._telling) for a, b in itertools.pairwise(bounds)]

    def _telling(self, event: Event) -> tuple[int, int]:
        acts = bool(self.vocabulary.find(event.source, "action"))
        fits = len(event.source) <= LONGEST
        return (2 * bool(event.subject) + acts + fits, len(event.others))

    def _moments(self, index: int, role: Role) -> Iterator[_Plan]:
        """An endless supply of moments before or after an event, the most fitting first."""
        event = self.events[index]
        table = phrasebook.BEFORE if role is Role.APPROACH else phrasebook.AFTER
        for moment in table[kind_told(event)]:
            if self._can(moment, event):
                yield _Plan(moment, role, index)
        # Before they meet, people are only seen apart.
        others = tuple(Moment(m.template.replace("{S}", "{O}"), "O", m.close) for m in phrasebook.IDLE)
        together = others if role is Role.APPROACH else (*others, *phrasebook.IDLE_TOGETHER)
        idle = [m for m in (*phrasebook.IDLE, *together) if self._can(m, event)]
        for tails in itertools.count():
            self.rng.shuffle(idle)
            for n, moment in enumerate(idle):
                tail = phrasebook.TAILS[(n + tails) % len(phrasebook.TAILS)]
                yield _Plan(replace(moment, template=moment.template.replace("{tail}", tail)), role, index)
                if n % 6 == 5:
                    cut = phrasebook.CUTAWAYS[(n // 6 + tails) % len(phrasebook.CUTAWAYS)]
                    yield _Plan(Moment(cut, "", 0), Role.CUTAWAY, index)

    def _can(self, moment: Moment, event: Event) -> bool:
        with_other = bool(self._other(event))
        template = moment.template
        if "{pair}" in template and not self._plural(self._subject(event)):
            return False
        return ("{O}" not in template or with_other) and (
            "{T}" not in template or bool(event.thing) or (with_other and role_is_look(template))
        )

    def _opening(self) -> _Plan:
        event = self.events[0]
        inside = event.spot is not None and event.spot.setting == "room"
        lines = phrasebook.ESTABLISH.get(
            EventKind.WORK if inside else kind_told(event), phrasebook.ESTABLISH[EventKind.OTHER]
        )
        return _Plan(Moment(f"{{header}}. {self.rng.choice(lines)}.", "S", 0), Role.ESTABLISH, 0)

    def _ending(self, last: int, shots: int) -> _Plan:
        event = self.events[last]
        kind = kind_told(event)
        event = replace(event, subject=self._lead(event), others=self._company(event))
        first_spot, last_spot = self.events[0].spot, event.spot
        back = shots >= 5 and first_spot != last_spot and kind is not EventKind.PARTING
        fitting = [m for m in phrasebook.ENDING.get(kind, ()) if self._can(m, event)]
        if not fitting or back:
            together = bool(self._company(event)) and kind not in (EventKind.LOSS, EventKind.FIGHT)
            alone = phrasebook.ENDING_PAIR if self._plural(self._lead(event)) else phrasebook.ENDING_ALONE
            fitting = list(phrasebook.ENDING_TOGETHER if together else alone)
        moment = fitting[0]
        if back:
            moment = replace(moment, template="Back {at}, " + moment.template.replace("{at}", ""))
        return _Plan(moment, Role.ENDING, last, back)

    # ---- how they read

    def _subject(self, event: Event) -> tuple[Actor, ...]:
        return event.subject or tuple(self.found.actors[:1])

    def _lead(self, event: Event) -> tuple[Actor, ...]:
        """Whose film it is at the end: the first who acted, unless the end has lost them."""
        over = any(re.search(r"\b(?:dead|dies?|killed)\b", e.predicate) for e in self.events)
        return self._subject(event if over else self.events[0])

    def _company(self, event: Event) -> tuple[Actor, ...]:
        """Who else is there at the end."""
        lead = self._lead(event)
        return tuple(a for a in (*self._subject(event), *event.others) if a not in lead)[:1]

    def _plural(self, actors: Sequence[Actor]) -> bool:
        return len(actors) > 1 or any(a.plural for a in actors)

    def _other(self, event: Event) -> tuple[Actor, ...]:
        return tuple(a for a in event.others if a not in self._subject(event))[:1]

    def _line(self, plan: _Plan, previous: Line | None, established: bool) -> Line:
        event = self.events[plan.event]
        spot = self.events[0].spot if plan.back else event.spot
        assert spot is not None  # settled() saw to it
        assert event.time is not None
        assert event.weather is not None
        subject, other = self._subject(event), self._other(event)
        if plan.role is Role.ENDING:
            subject, other = self._lead(event), self._company(event)
        kind = kind_told(event)
        if plan.role is Role.EVENT:
            text = self._event_text(
                event, trimmed=established or (previous is not None and previous.spot == spot)
            )
            shown = (*event.subject, *event.others)
            close = 1 if kind is EventKind.JOURNEY else 2
        else:
            text = fill(
                plan.moment.template, self._slots(plan, subject, other, spot), self._plurals(subject, other)
            )
            shown = tuple(
                a for mark, group in (("S", subject), ("O", other)) if mark in plan.moment.who for a in group
            )
            close = plan.moment.close
            self.met |= {a.key for a in shown}
        who = in_frame([a for a in shown if a in subject], [a for a in shown if a not in subject], self.shown)
        text = self._placed(text, shown, who, spot)
        time = event.time
        if plan.role is Role.ENDING and len(self.found.times) > 1 and len({e.time for e in self.events}) == 1:
            time = self.found.times[-1]  # "from dawn to dusk"
        scene = 1
        if previous is not None:
            scene = previous.scene + (previous.spot != spot or previous.time != time)
        dialogue = self._dialogue(event, who) if plan.role is Role.EVENT else ""
        return Line(text, who, plan.role, close, kind, spot, time, event.weather, dialogue, scene)

    def _placed(self, text: str, shown: Sequence[Actor], who: Sequence[int], spot: Spot) -> str:
        """The sentence, opened by where in the frame somebody alone is when it does not say so itself."""
        if len(who) != 1 or self._plural(shown) or not leaves_open_where(text):
            return text
        walks = (first_there(text, self.vocabulary, "action") or "").startswith("walks")
        where = where_in_frame(f"{shown[0].key}, {spot.the}", walks)
        return opened_by(where, text, self.found.cast[who[0]].name)

    def _dialogue(self, event: Event, who: Sequence[int]) -> str:
        if not event.quote:
            return ""
        speakers = [m for a in event.subject for m in a.members]
        seen = next((m for m in who if m in speakers), speakers[0] if speakers else None)
        speaker = self.found.cast[seen].name if seen is not None else ""
        return f"{speaker.upper()}: {event.quote}" if speaker else event.quote

    def _slots(
        self, plan: _Plan, subject: Sequence[Actor], other: Sequence[Actor], spot: Spot
    ) -> dict[str, str]:
        event = self.events[plan.event]
        weather = event.weather or ""
        inside = spot.setting == "room"
        fall = (
            ""
            if inside
            else {"rain": " in the rain", "snow": " in the snow", "fog": " in the fog"}.get(weather, "")
        )
        lead = subject[0] if subject else None
        plural = len(subject) > 1
        shown = {"S": subject, "O": other}.get(plan.moment.who, ())
        alone = shown[0].key if shown and not self._plural(shown) else ""
        return {
            "pair": "",
            "header": header(event, spot, self._phrase(), self.vocabulary),
            "S": self._name(subject),
            "O": self._name(other, in_template="O" in plan.moment.who or "{O}" in plan.moment.template),
            "T": event.thing or " and ".join(a.ref for a in other),
            "he": "they" if plural or lead is None else lead.he,
            "his": "their" if plural or lead is None else lead.his,
            "him": "them" if plural or lead is None else lead.him,
            "at": spot.at,
            "along": spot.along,
            "place": spot.the,
            "lies": lies(spot),
            "Place": spot.the[:1].upper() + spot.the[1:],
            "weather": fall,
            "dir": "left" if plan.back else "right",
            "where": where_in_frame(f"{alone}, {spot.the}") if alone else "",
            "fallen": f"{fall.strip()} " if fall else "",
        }

    def _phrase(self) -> str:
        """The theme itself, where it is a phrase in which nobody is named."""
        named = self.phrases and any(a.key in self.phrases[0].casefold() for a in self.found.actors)
        return "" if named or not self.phrases else self.phrases[0]

    def _plurals(self, subject: Sequence[Actor], other: Sequence[Actor]) -> dict[str, bool]:
        return {
            "S": self._plural(subject),
            "O": self._plural(other),
        }

    def _name(self, actors: Sequence[Actor], in_template: bool = True) -> str:
        """As the theme introduces them the first time, by their short name from then on."""
        return joined(a.ref if a.key in self.met or not in_template else introduction(a) for a in actors)

    def _event_text(self, event: Event, *, trimmed: bool) -> str:
        """The event as the theme words it, with people already met called by their short names."""
        if not event.predicate:
            text = self._sentence(event)
        else:
            who = self._name(event.subject) if event.subject else lowered(event.subject_text)
            rest = self._known_others(event.predicate, event)
            if trimmed:
                rest = without_setting(rest, self.vocabulary)
            text = f"{who} {rest}".strip()
        self.met |= {a.key for a in (*event.subject, *event.others)}
        text = clip(text)
        return text[:1].upper() + text[1:]

    def _sentence(self, event: Event) -> str:
        """A whole sentence as written, its opening pronoun replaced by the name that it stands for."""
        first, _, rest = event.source.partition(" ")
        if first.casefold() in ("he", "she", "they") and event.subject:
            return f"{self._name(event.subject)} {rest}"
        return event.source

    def _known_others(self, predicate: str, event: Event) -> str:
        for actor in event.others:
            if actor.key in self.met and actor.ref.startswith("the "):
                pattern = rf"\b(?:an?)\s+(?=(?:[\w\-]+\s+){{0,3}}{re.escape(actor.key)}\b)"
                predicate = re.sub(pattern, "the ", predicate, count=1, flags=re.IGNORECASE)
        return predicate


def over_the_day(lines: list[Line], found: Breakdown) -> list[Line]:
    """The times of day that a theme lists, one after another, where nothing that happens tells them."""
    if len(found.hours) < 2 or any(e.verb for e in found.events):
        return lines
    out: list[Line] = []
    for i, line in enumerate(lines):
        time = found.hours[i * len(found.hours) // len(lines)]
        changed = bool(out) and (out[-1].spot != line.spot or out[-1].time != time)
        out.append(replace(line, time=time, scene=out[-1].scene + changed if out else 1))
    return out


def _whole(events: Sequence[Event]) -> Event:
    """The events of one sentence as one: the first, told by the whole sentence, with everybody in it."""
    first = events[0]
    people = (a for e in events for a in (*e.subject, *e.others) if a not in first.subject)
    own = first.source.split(" ", 1)[0].casefold() in ("i", "you", "we")  # "I walk" is told of a traveller
    told = " and ".join(e.predicate for e in events if e.subject == first.subject) if own else ""
    return replace(first, predicate=told, others=tuple(dict.fromkeys((*first.others, *people))))
