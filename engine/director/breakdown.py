"""What a script breakdown holds: who, where, when, and what happens."""

from __future__ import annotations

from dataclasses import dataclass, field

from engine.director.people import Kind
from engine.director.places import Spot
from engine.story import CastMember, TimeOfDay


@dataclass(frozen=True)
class Actor:
    """Somebody who acts as one in sentences: a person, or several under one name ("the brothers")."""

    members: tuple[int, ...]  # indices into Breakdown.cast
    key: str
    first: str  # as the theme introduces them: "an old fisherman"
    ref: str  # from then on: "the fisherman"
    plural: bool
    kind: Kind

    @property
    def he(self) -> str:
        if self.plural:
            return "they"
        if self.kind.creature:
            return "it"
        return "she" if self.kind.person in ("woman", "girl") else "he"

    @property
    def him(self) -> str:
        return {"they": "them", "she": "her", "he": "him", "it": "it"}[self.he]

    @property
    def his(self) -> str:
        return {"they": "their", "she": "her", "he": "his", "it": "its"}[self.he]


@dataclass(frozen=True)
class Event:
    """One thing that happens. `predicate` is its verb and the rest, in the present tense."""

    subject: tuple[Actor, ...]
    subject_text: str  # the subject as written, for one that is nobody ("the last train")
    verb: str
    predicate: str
    others: tuple[Actor, ...]
    thing: str  # "the kite": what the event is about, where that is no person
    spot: Spot | None
    time: TimeOfDay | None
    weather: str | None
    quote: str = ""
    sentence: int = 0  # which sentence of the theme it is from
    source: str = ""  # that sentence
    over: frozenset[str] = frozenset()  # weathers that are not, or no more, from here on
    later: bool = False  # its time of day opens a later sentence ("At night they …"), so it was not so before


@dataclass
class Breakdown:
    """All that the director read out of a theme."""

    cast: list[CastMember] = field(default_factory=list)
    creatures: list[str] = field(default_factory=list)
    actors: list[Actor] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    spots: list[Spot] = field(default_factory=list)
    times: list[TimeOfDay] = field(default_factory=list)
    hours: list[TimeOfDay] = field(default_factory=list)  # those of them that are told as such, not "dark"
    weather: str = ""
    implied: bool = False  # no place is in the theme, so it plays where such people usually are
    foreign: bool = False  # some sentence does not read as English, and is left as it is
    invented: bool = False  # nobody is in the theme, so a traveller walks through it
    empty: bool = False  # nobody is in the theme, and it says so: the film is of its places alone
