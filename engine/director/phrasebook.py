"""What happens around an event: moments that lead to it and follow from it, in words that can be drawn.

A line is a sentence with `{slots}` for the film's own people, things and places, and `<verbs>` that agree
with their subject. S is who acts, O is who is met, T is the thing that it is about. Every line carries a
plain action (stands, walks, waves, turns, sits): that is what even the smallest checkpoint can show.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from engine.director.verbs import conjugate

_VERB = re.compile(r"<(\w+)>")


class EventKind(str, Enum):
    """What sort of thing an event is; it decides what is shown before and after it."""

    MEETING = "meeting"
    LOSS = "loss"
    SEARCH = "search"
    JOURNEY = "journey"
    WAITING = "waiting"
    FIGHT = "fight"
    PARTING = "parting"
    WORK = "work"
    OTHER = "other"


_KINDS: dict[EventKind, str] = {
    EventKind.MEETING: """
        find discover meet see encounter rescue save notice spot recognise recognize reunite love
        kiss marry forgive hug embrace visit greet befriend help fall adopt comfort thank trust
        welcome free
    """,
    EventKind.LOSS: """
        lose miss forget drop break
    """,
    EventKind.SEARCH: """
        search seek hunt chase look follow pursue explore track want hope spy investigate
    """,
    EventKind.JOURNEY: """
        walk travel cross climb return go arrive run escape sail ride wander journey flee enter
        reach come march row drive fly hike swim roam trudge venture approach hurry bring carry
    """,
    EventKind.WAITING: """
        wait sit watch sleep dream stare remember think hide mourn rest live stay be fear wake
        listen wish
    """,
    EventKind.FIGHT: """
        fight attack defend duel battle confront challenge face steal rob betray kill capture catch
        threaten argue haunt defeat destroy compete race slay trick
    """,
    EventKind.PARTING: """
        leave part separate abandon say bid die vanish disappear depart sacrifice
    """,
    EventKind.WORK: """
        build make paint cook write repair plant bake sing play teach learn practise practice
        craft fix mend grow tell train create invent rehearse perform sew carve draw read study dig
        plow plough fish sell buy
    """,
}
_BY_VERB = {verb: kind for kind, verbs in _KINDS.items() for verb in verbs.split()}


def kind_of(verb: str) -> EventKind:
    """The sort of event that a verb tells."""
    return _BY_VERB.get(verb, EventKind.OTHER)


@dataclass(frozen=True)
class Moment:
    """A line of the phrasebook: its template, and who is in frame (any of "SO", or nobody).

    `close` is how close it wants to be: 0 as wide as the place, 3 a face.
    """

    template: str
    who: str
    close: int


def _moments(*rows: tuple[str, str, int]) -> tuple[Moment, ...]:
    return tuple(Moment(*row) for row in rows)


# Moments that name O or T are only used where the event has one.
BEFORE: dict[EventKind, tuple[Moment, ...]] = {
    EventKind.MEETING: _moments(
        ("{S} <walk> {dir}, {along}.", "S", 1),
        ("{O} <sit> {where}{at}, all alone.", "O", 1),
        ("{S} <hear> something and <turn>.", "S", 2),
    ),
    EventKind.LOSS: _moments(
        ("{S} <walk> {dir}, {along}, with {T}.", "S", 1), ("{S} <look> at {T} and <smile>.", "S", 2)
    ),
    EventKind.SEARCH: _moments(
        ("{O} <walk> {dir}, {along}.", "O", 1),
        ("{S} <stand> {where}{at} and <look> around.", "S", 1),
        ("{S} <turn>, ready to go.", "S", 3),
    ),
    EventKind.JOURNEY: _moments(
        ("{S} <stand> {where}{at} and <look> at the way ahead.", "S", 2),
        ("{S} <turn> for one last look back.", "S", 3),
    ),
    EventKind.WAITING: _moments(
        ("{S} <walk> {dir}, {along}.", "S", 1), ("{S} <stop> {where}and <look> around.", "S", 2)
    ),
    EventKind.FIGHT: _moments(
        ("{S} <walk> {dir}, {along}.", "S", 1),
        ("{O} <stand> {where}{at}, on guard.", "O", 2),
        ("{S} <stop> {where}and <look> ahead.", "S", 3),
    ),
    EventKind.PARTING: _moments(
        ("{S} <stand> {where}{at}, without a word.", "S", 2), ("{O} <look> at {S}.", "O", 3)
    ),
    EventKind.WORK: _moments(
        ("{S} <walk> {dir}, {along}, to {his} work.", "S", 1), ("{S} <stop> {where}and <think>.", "S", 2)
    ),
    EventKind.OTHER: _moments(
        ("{S} <walk> {dir}, {along}.", "S", 1),
        ("{S} <stop> {where}and <look> around.", "S", 2),
        ("{O} <stand> {where}{at}, waiting.", "O", 1),
    ),
}
AFTER: dict[EventKind, tuple[Moment, ...]] = {
    EventKind.MEETING: _moments(
        ("{O} <look> up at {S}.", "O", 3),
        ("{S} <stand> quite still {where}and <look> at {T}.", "S", 3),
        ("{S} <reach> out to {O}.", "SO", 2),
        ("{pair}{S} <turn> to each other.", "S", 2),
        ("{S} <smile> at {O}.", "S", 3),
        ("{S} and {O} <<sit>> down together.", "SO", 1),
    ),
    EventKind.LOSS: _moments(
        ("{S} <turn> and <look> around for {T}.", "S", 3),
        ("{S} <stand> {where}{at}, helpless.", "S", 1),
        ("{S} <sit> down {where}, close to tears.", "S", 2),
    ),
    EventKind.SEARCH: _moments(
        ("{S} <stop> {where}and <look> around.", "S", 3),
        ("{O} <turn> and <look> back.", "O", 3),
        ("{S} <call> out, but nobody answers.", "S", 1),
    ),
    EventKind.JOURNEY: _moments(
        ("{S} <stop> {where}to catch {his} breath.", "S", 3),
        ("{S} <sit> down {where}{at} to rest.", "S", 1),
        ("{S} <stand> up again {where}and <look> ahead.", "S", 2),
    ),
    EventKind.WAITING: _moments(
        ("{S} <look> up.", "S", 3), ("{S} <turn>, as if somebody had called.", "S", 2)
    ),
    EventKind.FIGHT: _moments(
        ("{O} <turn> to {S}.", "O", 3),
        ("{S} and {O} <<face>> each other.", "SO", 2),
        ("{S} <stand> firm.", "S", 2),
    ),
    EventKind.PARTING: _moments(
        ("{O} <wave>.", "O", 2), ("{S} <turn> away.", "S", 3), ("{O} <stand> {where}{at}, alone.", "O", 1)
    ),
    EventKind.WORK: _moments(
        ("{S} <look> closely at {T}.", "S", 3),
        ("{O} <watch> {S} and <smile>.", "O", 3),
        ("{S} <sit> down {where}for a moment, tired and happy.", "S", 2),
    ),
    EventKind.OTHER: _moments(
        ("{O} <turn> to {S}.", "O", 3),
        ("{S} <stand> still {where}and <look> at {T}.", "S", 3),
        ("{S} <turn> and <look> back.", "S", 3),
    ),
}
ENDING: dict[EventKind, tuple[Moment, ...]] = {
    EventKind.LOSS: _moments(("{S} <stand> {where}{at}, alone{weather}.", "S", 0)),
    EventKind.FIGHT: _moments(
        ("{S} and {O} <<stand>> {at}, and it is over.", "SO", 0),
        ("{S} <stand> {where}{at}, and it is over.", "S", 0),
    ),
    EventKind.PARTING: _moments(("{S} <walk> {dir}, {along}, and never <look> back.", "S", 0)),
    EventKind.JOURNEY: _moments(("{S} <walk> {dir}, {along}, smaller and smaller.", "S", 0)),
    EventKind.SEARCH: _moments(("{S} <walk> on {dir}, {along}, and <disappear>.", "S", 0)),
}
WHERE = ("on the left", "on the right")
CROSSING = "in the centre"
ESTABLISH: dict[EventKind, tuple[str, ...]] = {
    EventKind.JOURNEY: (
        "{S} <stand> {where}{fallen}at the start of the way",
        "{S} <stand> {where}{fallen}and <look> ahead",
    ),
    EventKind.WAITING: ("{S} <stand> {where}{fallen}and <wait>", "{S} <sit> {where}{fallen}and <look> out"),
    EventKind.WORK: ("{S} <stand> {where}{fallen}and <look> around",),
    EventKind.FIGHT: ("{S} <stand> {where}{fallen}and <look> ahead", "{S} <stand> {where}{fallen}and <wait>"),
    EventKind.OTHER: (
        "{S} <stand> {where}{fallen}and <look> into the distance",
        "{S} <stand> {where}{fallen}and <look> around",
    ),
}
ENDING_PAIR = _moments(("{S} <stand> side by side {at}{weather}.", "S", 0))
ENDING_TOGETHER = _moments(("{S} and {O} <<stand>> side by side {at}{weather}.", "SO", 0))
ENDING_ALONE = _moments(("{S} <stand> {where}{at}{weather} and <look> into the distance.", "S", 0))

# For long films: whoever is in the film, doing what people do between events. Combined with TAILS.
IDLE = _moments(
    ("{S} <walk> {dir}, {along}{tail}.", "S", 1),
    ("{S} <stop> {where}and <look> around{tail}.", "S", 2),
    ("{S} <turn>{tail}.", "S", 2),
    ("{S} <look> up{tail}.", "S", 3),
    ("{S} <stand> {where}{at}{tail}.", "S", 1),
    ("{S} <sit> down {where}{at}{tail}.", "S", 1),
    ("{S} <look> back{tail}.", "S", 3),
    ("{S} <listen>{tail}.", "S", 3),
    ("{S} <wait> {where}{at}{tail}.", "S", 2),
    ("{S} <wave>{tail}.", "S", 2),
    ("{S} <smile>{tail}.", "S", 3),
    ("{S} <walk> on {dir}{tail}.", "S", 1),
)
IDLE_TOGETHER = _moments(
    ("{S} and {O} <<stand>> side by side{tail}.", "SO", 2),
    ("{S} <turn> to {O}{tail}.", "SO", 2),
    ("{S} and {O} <<sit>> together {at}{tail}.", "SO", 1),
    ("{O} <look> at {S}{tail}.", "O", 3),
)
TAILS = (
    "",
    "{weather}",
    ", deep in thought",
    ", without a word",
    " for a moment",
    " once more",
    ", tired now",
    ", breathing deeply",
    ", with new courage",
    ", as time goes by",
)
CUTAWAYS = (
    "Nobody is {at}{weather}.",
    "{Place} {lies} empty{weather}.",
    "A wide view of {place}{weather}, and nobody is there.",
)


def fill(template: str, slots: Mapping[str, str], plural: Mapping[str, bool]) -> str:
    """The sentence of a template: slots filled, verbs in agreement, a capital first.

    `<verb>` agrees with S or O, whichever opened the sentence; `<<verb>>` is always plural ("S and O stand").
    """
    text = re.sub(r"<<(\w+)>>", lambda m: conjugate(m.group(1), True), template)
    out: list[str] = []
    subject = "S"
    for part in re.split(r"(\{S\}|\{O\}|<\w+>)", text):
        said = "".join(out).rstrip()
        if part in ("{S}", "{O}") and (not said or said.endswith((".", ":", ";"))):
            subject = part[1]
        verb = _VERB.fullmatch(part)
        out.append(conjugate(verb.group(1), plural.get(subject, False)) if verb else part)
    sentence = "".join(out)
    for _ in range(2):  # a tail holds a slot itself
        for name, value in slots.items():
            sentence = sentence.replace(f"{{{name}}}", value)
    sentence = re.sub(r"\s+([.,;:])", r"\1", " ".join(sentence.split()))
    return re.sub(r"(?:^|(?<=[.!?] ))[a-z]", lambda m: m.group().upper(), sentence)
