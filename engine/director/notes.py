"""Reads a director's note about one shot: "closer, from below, at night; she waves".

A note is a list of wishes. Terms of the camera, times, weathers, places, lengths and names of the cast are
found anywhere; what is left over is read as an action where it has somebody and a verb ("let her sit down").
What is neither stays in `unread`, so that nobody believes it was heard.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum

from engine.director.claims import claim
from engine.director.places import SKIPPED
from engine.director.verbs import Form, conjugate, verb_forms
from engine.story import Angle, Framing, Movement, Scale, Support, TimeOfDay
from engine.vocabulary import Vocabulary, word_set

_KINDS: dict[str, type[Enum]] = {
    "scale": Scale,
    "angle": Angle,
    "movement": Movement,
    "support": Support,
    "time": TimeOfDay,
}
_SAID: dict[tuple[str, Enum], str] = {
    ("scale", Scale.ECU): "ecu|extreme close up|very close up",
    ("scale", Scale.CU): "cu|close up|closeup|face|portrait",
    ("scale", Scale.MCU): "mcu|medium close up|bust shot",
    ("scale", Scale.MS): "ms|mid shot|waist shot|medium",
    ("scale", Scale.MLS): "mls|cowboy shot",
    ("scale", Scale.LS): "ls|wide shot|full shot|wide",
    ("scale", Scale.ELS): "els|extreme wide shot|very wide shot|panorama|vista",
    ("angle", Angle.LOW): "from below|low|looking up at",
    ("angle", Angle.HIGH): "from above|high|looking down on",
    ("angle", Angle.EYE_LEVEL): "straight on|at eye level",
    ("angle", Angle.DUTCH): "dutch|canted|tilted horizon",
    ("angle", Angle.OVERHEAD): "bird's eye|bird's eye view|top shot|from overhead",
    ("angle", Angle.WORMS_EYE): "worm's eye view",
    (
        "movement",
        Movement.STATIC,
    ): "still camera|the camera is still|locked off|no camera movement|no movement",
    ("movement", Movement.DOLLY_IN): "push in|pushes in|moves? in|camera approaches",
    ("movement", Movement.DOLLY_OUT): "pull back|pulls back|pull out|pulls out|camera retreats",
    ("movement", Movement.TRUCK_LEFT): "track left|tracks left|tracking left",
    ("movement", Movement.TRUCK_RIGHT): "track right|tracks right|tracking right",
    ("support", Support.HANDHELD): "hand held|shaky",
    ("framing", Framing.OVER_THE_SHOULDER): "over the shoulder|over her shoulder|over his shoulder",
    ("framing", Framing.POINT_OF_VIEW): "point of view|pov",
    ("framing", Framing.TWO_SHOT): "two shot",
}
_CLOSER = re.compile(r"\b(much |far )?(?:closer|tighter|nearer)\b(?: in)?", re.IGNORECASE)
_WIDER = re.compile(
    r"\b(much |far )?(?:wider|looser|further away|farther away|further back)\b", re.IGNORECASE
)
_LONGER = re.compile(r"\b(?:much )?(?:longer|slower|hold it)\b", re.IGNORECASE)
_SHORTER = re.compile(r"\b(?:much )?(?:shorter|faster|quicker)\b", re.IGNORECASE)
_SECONDS = re.compile(r"\b(\d+(?:[.,]\d+)?)\s*(?:s|sec|secs|second|seconds)\b", re.IGNORECASE)
_OTHER_WAY = re.compile(
    r"\b(?:the )?(?:other way(?: round)?|opposite direction|other direction)\b", re.IGNORECASE
)
_ALONE = re.compile(r"\b(?:alone|nobody else|on (?:her|his|their) own)\b", re.IGNORECASE)
_MAKE = re.compile(r"^(?:let|make|have|and|then|but|now|maybe|perhaps|please)\s+", re.IGNORECASE)
_PIECE = re.compile(r"[;:!?\n]+|\.(?=\s|$)|,\s*(?:and\s+|but\s+)?")
_FILLER = word_set("""
    a an the it its this that shot bit little make please more and but or in at on to of with from by as so do
    be is camera same only just not different differently otherwise again try something else one view angle
    size frame movement much very rather want would like i we you should could can there here then now maybe
    feel perhaps instead mood look let have for seconds second put set
""")
_WHERE = re.compile(
    r"\b(?:in|on|at|by|near|inside|through|along|across|to)\s+(?:(?:a|an|the|his|her|their|some)\s+)?"
    r"((?:(?!(?:a|an|the|in|on|at|by|to|of|from|and|with)\s)[\w’'-]+\s+){0,2})$",
    re.IGNORECASE,
)
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")


@dataclass(frozen=True)
class Action:
    """What somebody is to do: `who` is a pronoun or names of the cast, `deed` is in the present tense."""

    who: str
    deed: str


@dataclass
class Note:
    """What a note asks for. `closer` counts sizes (negative: wider), `pace` multiplies the length."""

    fields: dict[str, object] = field(default_factory=dict)
    closer: int = 0
    pace: float = 1.0
    seconds: float | None = None
    mirrored: bool = False
    alone: bool = False
    came: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    actions: list[Action] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)

    @property
    def empty(self) -> bool:
        """Whether nothing at all was understood."""
        asked = self.fields or self.closer or self.seconds or self.mirrored or self.alone
        return not (asked or self.pace != 1.0 or self.came or self.left or self.actions)


def read_note(
    text: str, cast: Sequence[str], places: Sequence[str], vocabulary: Vocabulary, here: str = ""
) -> Note:
    """Reads a note against the names of the film's cast and places; `here` is the setting of the shot now."""
    note = Note()
    for piece in filter(str.strip, _PIECE.split(text)):
        _read_piece(note, " ".join(piece.split()), cast, places, vocabulary, here)
    return note


def _read_piece(
    note: Note, piece: str, cast: Sequence[str], places: Sequence[str], vocabulary: Vocabulary, here: str
) -> None:
    action = _action(piece, cast)
    if action is not None:
        note.actions.append(action)
        _set_times(note, piece, vocabulary)
        _follow(note, piece, places, vocabulary, here)
        return
    piece = _take_terms(note, piece)
    piece = _take_names(note, piece, cast, places)
    for match in reversed(_set_times(note, piece, vocabulary)):
        piece = piece[: match[0]] + " " + piece[match[1] :]
    if "place" not in note.fields:
        piece = _take_setting(note, piece, vocabulary)
    words = [w for w in _WORD.findall(piece) if w.casefold() not in _FILLER]
    note.unread += [w for w in words if w not in note.unread]


def _set_times(note: Note, piece: str, vocabulary: Vocabulary) -> list[tuple[int, int]]:
    """Time of day and weather; returns where they stand."""
    found = vocabulary.find(piece, "time", "weather")
    for match in found:
        note.fields[match.kind] = TimeOfDay(match.canonical) if match.kind == "time" else match.canonical
    return [match.span for match in found]


def _take_terms(note: Note, piece: str) -> str:
    """Takes terms of the camera and of length out of a piece, the longest first."""
    seconds = _SECONDS.search(piece)
    if seconds:
        note.seconds = float(seconds.group(1).replace(",", "."))
        piece = _without(piece, seconds)
    for pattern, value in _terms():
        found = pattern.search(piece)
        if found:
            note.fields[value[0]] = value[1]
            piece = _without(piece, found)
    for pattern, sign in ((_CLOSER, 1), (_WIDER, -1)):
        found = pattern.search(piece)
        if found:
            note.closer += sign * (2 if found.group(1) else 1)
            piece = _without(piece, found)
    for pattern, factor in ((_LONGER, 1.5), (_SHORTER, 2 / 3)):
        found = pattern.search(piece)
        if found:
            note.pace *= factor
            piece = _without(piece, found)
    for pattern, name in ((_OTHER_WAY, "mirrored"), (_ALONE, "alone")):
        found = pattern.search(piece)
        if found:
            setattr(note, name, True)
            piece = _without(piece, found)
    return piece


def _take_names(note: Note, piece: str, cast: Sequence[str], places: Sequence[str]) -> str:
    """Takes names of the cast ("with Anna", "without the child") and of places out of a piece."""
    for name in sorted(cast, key=len, reverse=True):
        found = re.search(
            rf"\b(without|no|with|and|add|plus)?\s*(?:the\s+)?{re.escape(name)}\b", piece, re.IGNORECASE
        )
        if found:
            gone = (found.group(1) or "").casefold() in ("without", "no")
            (note.left if gone else note.came).append(name)
            piece = _without(piece, found)
    for name in sorted(places, key=len, reverse=True):
        found = re.search(rf"\b(?:(?:in|at|on|by)\s+)?(?:the\s+)?{re.escape(name)}\b", piece, re.IGNORECASE)
        if found:
            note.fields["place"] = name
            piece = _without(piece, found)
    return piece


def _take_setting(note: Note, piece: str, vocabulary: Vocabulary) -> str:
    """Takes a place that the film does not have yet, but the profile draws, out of a piece."""
    for match in vocabulary.find(piece, "setting"):
        found = _WHERE.search(piece[: match.span[0]])
        alone = {w.casefold() for w in _WORD.findall(piece[: match.span[0]])} <= _FILLER
        word = piece[slice(*match.span)]
        if found is None and (not alone or word.casefold() in SKIPPED):
            continue
        name = f"{found.group(1) if found else ''}{word}"
        note.fields["place"] = name[:1].upper() + name[1:]
        return f"{piece[: found.start() if found else match.span[0]]} {piece[match.span[1] :]}"
    return piece


def _follow(note: Note, piece: str, places: Sequence[str], vocabulary: Vocabulary, here: str) -> None:
    """The place of somebody's deed, where it is another one than the shot's: "she walks along the beach"."""
    setting = claim(piece, "setting", vocabulary).plain
    if setting and setting != here:
        word = next(m for m in vocabulary.find(piece, "setting") if m.canonical == setting)
        named = (name for name in places if re.search(rf"\b{re.escape(name)}\b", piece, re.IGNORECASE))
        note.fields["place"] = next(named, piece[slice(*word.span)].capitalize())


def _action(piece: str, cast: Sequence[str]) -> Action | None:
    """ "let her sit down" -> her, "sits down"; None where nobody does anything."""
    rest = piece
    while (shorter := _MAKE.sub("", rest)) != rest:
        rest = shorter
    names = "|".join(re.escape(name) for name in sorted(cast, key=len, reverse=True))
    one = rf"(?:the\s+)?(?:{names})" if names else r"(?!)"
    subject = re.compile(rf"^(he|she|they|it|him|her|them|{one}(?:\s+and\s+{one})*)\s+", re.IGNORECASE)
    found = subject.match(rest)
    if found is None:
        return None
    who, words = found.group(1), rest[found.end() :].split()
    adverbs: list[str] = []
    while words and (words[0].endswith("ly") or words[0].casefold() in ("now", "just", "only", "then")):
        adverbs.append(words.pop(0))
    if not words:
        return None
    verb = words[0].casefold().strip(".,")
    forms = {form: base for base, form in reversed(verb_forms().get(verb, ()))}
    if verb in ("is", "are"):
        deed = [verb, *words[1:]]
    elif forms:
        plural = who.casefold() in ("they", "them") or " and " in who.casefold()
        base = forms.get(Form.BASE) or forms.get(Form.PRESENT) or next(iter(forms.values()))
        deed = [conjugate(base, plural), *_agreeing(words[1:], plural)]
    else:
        return None
    return Action(who, " ".join([*adverbs, *deed]).rstrip(" ."))


def _agreeing(words: Sequence[str], plural: bool) -> list[str]:
    """A second verb after "and" in the present tense, too: "sit down and wave" -> "… and waves"."""
    out: list[str] = []
    for word in words:
        forms = {form: base for base, form in verb_forms().get(word.casefold(), ())}
        after_and = bool(out) and out[-1].casefold() == "and"
        out.append(conjugate(forms[Form.BASE], plural) if after_and and Form.BASE in forms else word)
    return out


def _terms() -> list[tuple[re.Pattern[str], tuple[str, Enum]]]:
    """Every way to say a term, the longest first, so that "medium close-up" is no "close-up"."""
    said: dict[str, tuple[str, Enum]] = {}
    for kind, members in _KINDS.items():
        if kind != "time":
            said |= {str(member.value): (kind, member) for member in members}
    for (kind, member), phrases in _SAID.items():
        said |= dict.fromkeys(phrases.split("|"), (kind, member))
    ordered = sorted(said, key=len, reverse=True)
    return [(re.compile(rf"\b{_loose(p)}\b", re.IGNORECASE), said[p]) for p in ordered if p not in _TOO_SHORT]


_TOO_SHORT = frozenset(("crane", "dolly"))  # the movement or the support? only with a direction


def _loose(phrase: str) -> str:
    """A phrase with hyphens, spaces and apostrophes as people type them."""
    return re.sub(r"[ -]", "[ -]", phrase.replace("'", "['’]"))


def _without(text: str, match: re.Match[str]) -> str:
    return f"{text[: match.start()]} {text[match.end() :]}"
