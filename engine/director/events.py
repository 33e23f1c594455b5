"""Events as beats are made of them: settled in place and time, of a sort, with people that fit a frame."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from engine.director.breakdown import Actor, Breakdown, Event
from engine.director.phrasebook import EventKind, kind_of
from engine.story import TimeOfDay

_IS_NOT = re.compile(r"\bnever\b|^\w+ ?not\b|^\w+n['’]t\b")


def role_is_look(template: str) -> bool:
    """Whether {T} in a template may be a person: one looks at people as at things, but carries no people."""
    return "look" in template


def kind_told(event: Event) -> EventKind:
    """What an event is for whoever is in frame: what never comes, or is nobody's deed, is a wait."""
    waits = not event.subject or _IS_NOT.search(event.predicate) is not None
    kind = EventKind.WAITING if waits else kind_of(event.verb)
    indoors = event.spot is not None and event.spot.setting == "room"
    # Flying a kite is no flight, and a room is crossed in one step.
    return EventKind.OTHER if kind is EventKind.JOURNEY and (event.thing or indoors) else kind


def in_frame(subject: Sequence[Actor], others: Sequence[Actor], shown: Mapping[int, int]) -> tuple[int, ...]:
    """Members of all actors, so ordered that a limit on people keeps somebody of every side.

    Of more than two, whoever was `shown` least comes first, so that nobody is out of frame all the time.
    """
    sides = [_one_of_each(subject), _one_of_each(others)]
    if sum(map(len, sides)) > 2:
        sides = [sorted(side, key=lambda m: shown.get(m, 0)) for side in sides]
    return tuple(dict.fromkeys(m for row in itertools.zip_longest(*sides) for m in row if m is not None))


def _one_of_each(actors: Sequence[Actor]) -> list[int]:
    rows = itertools.zip_longest(*(a.members for a in actors))
    return [m for row in rows for m in row if m is not None]


def settled(found: Breakdown) -> list[Event]:
    """The events with a place, a time and a weather each; a theme in which nothing happens gets a walk."""
    lead = next((e.subject for e in found.events if e.subject), tuple(found.actors[:1]))
    events = [e for e in found.events if e.verb]
    if not events and not lead:
        return []
    if not events:
        spot = found.spots[0]
        source = found.events[0].source if found.events else ""
        walk = f"{'walk' if len(lead) > 1 or lead[0].plural else 'walks'} right, {spot.along}"
        events = [
            Event(
                lead,
                "",
                "walk",
                walk,
                tuple(a for a in found.actors if a not in lead)[:1],
                "",
                spot,
                None,
                None,
                source=source,
            )
        ]
    spot = found.spots[0]
    known = next((e for e in events if e.time is not None), None)
    time = TimeOfDay.DAY
    if known is not None and known.time is not None and not known.later:
        time = known.time
    elif known is None and found.times:
        time = found.times[0]
    weather = found.weather
    settled = []
    for event in events:
        spot, time = event.spot or spot, event.time or time
        weather = event.weather or _without(weather, event)
        settled.append(replace(event, spot=spot, time=time, weather=weather))
        weather = _without(weather, event)  # "the rain stops"
    return settled


def _without(weather: str, event: Event) -> str:
    return "clear" if weather in event.over else weather
