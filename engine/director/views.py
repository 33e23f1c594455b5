"""The beat sheet of a film in which nobody is: its places, and what happens there by itself."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

from engine.director.beats import Line, Role, over_the_day
from engine.director.breakdown import Breakdown, Event
from engine.director.events import settled
from engine.director.nobody import ENDINGS, NOBODY_THERE, denies_people, views
from engine.director.phrasebook import EventKind, fill
from engine.director.places import Spot, named_spot
from engine.director.wording import clip, header, lies, lowered, without_setting
from engine.story import TimeOfDay
from engine.vocabulary import Vocabulary


@dataclass(frozen=True)
class _Station:
    """Where the film is for a while; `event` is told there, where it has a predicate."""

    event: Event
    count: int  # of its lines


def write_views(found: Breakdown, shots: int, vocabulary: Vocabulary, rng: random.Random) -> list[Line]:
    """Exactly `shots` lines without anybody: what the theme says happens, in its order, among its places."""
    phrases = [e.source.rstrip(" .,;:") for e in found.events if not e.verb and e.source]
    phrase = phrases[0] if phrases and len(phrases) == len(found.events) else ""
    supply = views(rng)
    lines: list[Line] = []
    stations = _stations(found, shots, vocabulary)
    for station in stations:
        told_at = 1 if not lines and station.count > 1 else 0  # the film opens with its place
        for number in range(station.count):
            previous, last = lines[-1] if lines else None, len(lines) == shots - 1
            role = Role.VIEW
            if station.event.predicate and number == told_at:
                role = Role.EVENT
            elif not lines:
                role = Role.ESTABLISH
            elif last and shots >= 4:
                role = Role.ENDING
            text = _text(role, station.event, previous, supply, phrase, vocabulary, rng)
            lines.append(_line(text, role, station.event, previous))
    return over_the_day(lines, found)


def _stations(found: Breakdown, shots: int, vocabulary: Vocabulary) -> list[_Station]:
    """What happens, or else where the film goes, with the lines that each gets: together `shots`."""
    events = [e for e in settled(found) if e.predicate]
    if not events:
        some = next(iter(found.events), Event((), "", "be", "", (), "", None, None, None))
        time, weather = next(iter(found.times), TimeOfDay.DAY), found.weather
        spots = [] if found.implied else _named(found, vocabulary)
        events = [
            Event((), "", "be", "", (), "", spot, time, weather, source=some.source)
            for spot in (*found.spots, *spots)
        ]
    if len(events) > shots:
        events = [events[i * len(events) // shots] for i in range(shots)]
    counts = [shots // len(events) + (i < shots % len(events)) for i in range(len(events))]
    return [_Station(event, count) for event, count in zip(events, counts, strict=True)]


def _named(found: Breakdown, vocabulary: Vocabulary) -> list[Spot]:
    """More places that the theme lists, each of another setting: "forests, rivers, mountains"."""
    listed: dict[str, Spot] = {}
    for event in found.events:
        for match in vocabulary.find(event.source, "setting"):
            name = event.source[slice(*match.span)]
            listed.setdefault(match.canonical, named_spot(name, match.canonical))
    known = {spot.setting for spot in found.spots}
    return [spot for setting, spot in listed.items() if setting not in known]


def _text(
    role: Role,
    event: Event,
    previous: Line | None,
    supply: Iterator[str],
    phrase: str,
    vocabulary: Vocabulary,
    rng: random.Random,
) -> str:
    spot = event.spot
    assert spot is not None  # settled() saw to it
    if role is Role.EVENT:
        known = previous is not None and previous.spot == spot
        rest = without_setting(event.predicate, vocabulary) if known else event.predicate
        said = denies_people(f"{event.subject_text} {rest}") or "empty" in rest
        text = clip(f"{lowered(event.subject_text)} {rest}".strip() + ("" if said else NOBODY_THERE))
        return text[:1].upper() + text[1:]
    inside = spot.setting == "room"
    fall = {"rain": " in the rain", "snow": " in the snow", "fog": " in the fog"}.get(event.weather or "", "")
    slots = {
        "at": spot.at,
        "place": spot.the,
        "lies": lies(spot),
        "weather": "" if inside else fall,
        "header": header(event, spot, phrase, vocabulary),
    }
    if role is Role.ESTABLISH:
        return fill("{header}. Nobody is there.", slots, {})
    return fill(rng.choice(ENDINGS) if role is Role.ENDING else next(supply), slots, {})


def _line(text: str, role: Role, event: Event, previous: Line | None) -> Line:
    assert event.spot is not None
    assert event.time is not None
    scene = 1
    if previous is not None:
        scene = previous.scene + (previous.spot != event.spot or previous.time != event.time)
    return Line(text, (), role, 1, EventKind.OTHER, event.spot, event.time, event.weather or "", "", scene)
