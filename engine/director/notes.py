"""Reads a director's note about one shot: "closer, from below, at night; she waves".

A note is a list of wishes. Terms of the camera, times, weathers, places, lengths and names of the cast are
found anywhere; what is left over is read as an action where it has somebody and a verb ("let her sit down").
What a note does not want ("no fog", "not from above") is never read as a wish for it. What is neither stays
in `unread`, so that nobody believes it was heard.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from engine.director.camera_terms import camera_terms
from engine.director.claims import claim
from engine.director.denied import is_denied, over
from engine.director.leaving import DENIES, is_absent, named_in, some_of, take_absent, take_leaving
from engine.director.lengths import Length
from engine.director.places import SKIPPED
from engine.director.verbs import Form, conjugate, verb_forms
from engine.story import Movement, TimeOfDay
from engine.vocabulary import Vocabulary, word_set

_CLOSER = re.compile(r"\b(much |far )?(?:closer|tighter|nearer)\b(?: in)?", re.IGNORECASE)
_WIDER = re.compile(
    r"\b(much |far )?(?:wider|looser|further away|farther away|further back)\b", re.IGNORECASE
)
_OTHER_WAY = re.compile(
    r"\b(?:the )?(?:other way(?: round)?|opposite direction|other direction)\b", re.IGNORECASE
)
_ALONE = re.compile(
    r"\b(?:alone|(?:nobody|no[ -]one|without any(?:one|body)) else|on (?:her|his|their) own)\b", re.IGNORECASE
)
_STILL = re.compile(
    r"\b(?:(?:no|without|without any) (?:camera )?(?:moves?|movements?)"
    r"|(?:don['’]?t|do not|never) move the camera)\b",
    re.IGNORECASE,
)
# "Not so wide", "too close": size and pace the other way.
_OVERDONE = re.compile(
    r"\b(?:not (?:quite )?(?:so|as|that|too|very)|less|(?:(?:a bit|a little|much|way|far) )?too) "
    r"(?:(?P<far>wide|far(?: away)?|loose)|(?P<near>close|tight|near)|(?P<long>long|slow)"
    r"|(?P<short>short|fast|quick))\b(?![ -](?:up|shot)\b)",
    re.IGNORECASE,
)
_WISHED_AGAIN = re.compile(r"\b(?:but|instead(?! of)|rather(?! than)|and|then|just|only)\b", re.IGNORECASE)
_HELPS = re.compile(
    r"\b(?:does|do|is|are|was|were|will|should|must|can|could|may|has|have|(?:to)) *$", re.IGNORECASE
)
_MAKE = re.compile(r"^(?:let|make|have|and|then|but|now|maybe|perhaps|please)\s+", re.IGNORECASE)
_PIECE = re.compile(r"[;:!?\n]+|\.(?=\s|$)|,(?!\d)\s*(?:and\s+|but\s+)?")  # "1,5 seconds" is one piece
_FILLER = word_set("""
    a an the it its this that shot bit little make please more and but or in at on to of with from by as so do
    be is camera same only just not different differently otherwise again try something else one view angle
    size frame movement much very rather want would like i we you should could can there here then now maybe
    feel perhaps instead mood look let have for seconds second put set take
""")
_FILLER_OF_DENIALS = _FILLER | word_set(
    "any use show go get need out not no too am are be been being keep nor"
)
_SOMETIMES = word_set("now just only then never always still")
_HELPING = word_set(
    "is are has have does do can cannot isn't aren't hasn't haven't doesn't don't can't won't"
)
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


@dataclass(frozen=True)
class Refusal:
    """What a note does not want a field to be, and the words that say so."""

    kind: str
    value: object
    words: tuple[str, ...]


@dataclass
class Note:
    """What a note asks for. `closer` counts sizes (negative: wider)."""

    fields: dict[str, object] = field(default_factory=dict)
    closer: int = 0
    length: Length = field(default_factory=Length)
    mirrored: bool = False
    alone: bool = False
    came: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    actions: list[Action] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)

    def leave(self, words: Sequence[str]) -> None:
        """Keeps words as not understood, each once."""
        self.unread += [word for word in dict.fromkeys(words) if word not in self.unread]

    @property
    def empty(self) -> bool:
        """Whether nothing at all was understood."""
        asked = self.fields or self.closer or self.length.asked or self.mirrored or self.alone
        return not (asked or self.came or self.left or self.actions or self.refused)


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
    gone, piece = take_absent(piece, cast)
    note.left += gone
    action = _action(piece, cast)
    of_the_shot = vocabulary.find(piece, "time", "weather") or Length().take(piece) != piece
    if action is not None and action.who.casefold() == "it" and of_the_shot:
        action = None  # "it is not snowing any more", "let it take 2 seconds"
    if action is not None and is_absent(action.deed):
        note.leave(_WORD.findall(piece))  # "she is not in the shot": who she is, the cast does not say
        return
    if action is not None:
        note.actions.append(action)
        _set_times(note, piece, vocabulary)
        _follow(note, piece, places, vocabulary, here)
        return
    gone, piece = take_leaving(piece, cast)
    note.left += gone
    piece = _take_idioms(note, piece)
    while found := DENIES.search(piece):
        helped = _HELPS.search(piece[: found.start()]) or found[0].casefold().endswith(("n't", "n’t"))
        if helped and named_in(piece[: found.start()], cast):
            note.leave(_WORD.findall(piece))  # "the child should not wave": no wish for the child
            return
        end = _denial_ends(piece, found.end(), vocabulary)
        _read_denied(note, piece[found.start() : end], found, (cast, places, vocabulary, here))
        piece = f"{piece[: found.start()]} {piece[end:]}"
    _read_wish(note, piece, cast, places, vocabulary, here)


def _denial_ends(piece: str, start: int, vocabulary: Vocabulary) -> int:
    """Where a denial that begins before `start` ends: at "but", but not at the "and" of "no rain and fog"."""
    for again in _WISHED_AGAIN.finditer(piece, start):
        after = piece[again.end() :].strip()
        weathers = vocabulary.find(after, "weather")
        listed = again[0].casefold() == "and" and weathers and weathers[0].span == (0, len(after))
        if not listed:
            return again.start()
    return len(piece)


def _read_denied(
    note: Note,
    piece: str,
    denial: re.Match[str],
    world: tuple[Sequence[str], Sequence[str], Vocabulary, str],
) -> None:
    """Reads what a note does not want: who is to leave, and what a field is not to be."""
    inner = Note()
    _read_wish(inner, piece[len(denial[0]) :], *world)
    said = tuple(w for w in _WORD.findall(piece) if w.casefold() not in _FILLER)
    unread = [w for w in inner.unread if w.casefold() not in _FILLER_OF_DENIALS]
    clear = not (unread or inner.closer or inner.length.asked or inner.mirrored or inner.alone or inner.left)
    if not clear or denial["less"]:
        note.leave(said if len(piece) > len(denial[0]) else ())  # "from above, too"
        return
    note.left += inner.came
    note.refused += [*inner.refused, *(Refusal(kind, value, said) for kind, value in inner.fields.items())]
    if not (inner.came or inner.fields or inner.refused):
        note.leave(said)


def _read_wish(
    note: Note, piece: str, cast: Sequence[str], places: Sequence[str], vocabulary: Vocabulary, here: str
) -> None:
    piece = _take_terms(note, piece)
    piece = _take_names(note, piece, cast, places)
    for match in reversed(_set_times(note, piece, vocabulary)):
        piece = piece[: match[0]] + " " + piece[match[1] :]
    if "place" not in note.fields:
        piece = _take_setting(note, piece, vocabulary)
    note.leave([w for w in _WORD.findall(piece) if w.casefold() not in _FILLER])


def _set_times(note: Note, piece: str, vocabulary: Vocabulary) -> list[tuple[int, int]]:
    """Time of day and weather, also one that is over ("the rain stops"); returns where they stand."""
    spans = []
    ending = over(piece, vocabulary)
    for match in vocabulary.find(piece, "time", "weather"):
        value = TimeOfDay(match.canonical) if match.kind == "time" else match.canonical
        gone = is_denied(piece, match.span) or (match.kind == "weather" and match.canonical in ending)
        if gone:
            note.refused.append(Refusal(match.kind, value, tuple(_WORD.findall(piece[match.span[0] :]))))
        else:
            note.fields[match.kind] = value
        spans.append((match.span[0], len(piece) if gone else match.span[1]))
    return spans


def _take_terms(note: Note, piece: str) -> str:
    """Takes terms of the camera and of length out of a piece, the longest first."""
    piece = note.length.take(piece)
    for pattern, value in camera_terms():
        found = pattern.search(piece)
        if found:
            note.fields[value[0]] = value[1]
            piece = _without(piece, found)
    for pattern, sign in ((_CLOSER, 1), (_WIDER, -1)):
        found = pattern.search(piece)
        if found:
            note.closer += sign * (2 if found.group(1) else 1)
            piece = _without(piece, found)
    piece = note.length.take_pace(piece)
    for pattern, name in ((_OTHER_WAY, "mirrored"), (_ALONE, "alone")):
        found = pattern.search(piece)
        if found:
            setattr(note, name, True)
            piece = _without(piece, found)
    return piece


def _take_names(note: Note, piece: str, cast: Sequence[str], places: Sequence[str]) -> str:
    """Takes names of the cast ("with Anna") and of places out of a piece."""
    for name in sorted(cast, key=len, reverse=True):
        found = re.search(rf"\b(?:with|and|add|plus)?\s*(?:the\s+)?{re.escape(name)}\b", piece, re.IGNORECASE)
        if found:
            note.came.append(name)
            piece = _without(piece, found)
    for name in sorted(places, key=len, reverse=True):
        found = re.search(rf"\b(?:(?:in|at|on|by)\s+)?(?:the\s+)?{re.escape(name)}\b", piece, re.IGNORECASE)
        if found:
            note.fields["place"] = name
            piece = _without(piece, found)
    return piece


def _take_idioms(note: Note, piece: str) -> str:
    """Takes out what is said with a "no" or "not" and yet is a wish: "no movement", "not so wide"."""
    piece = note.length.take_limits(piece)
    found = _STILL.search(piece)
    if found:
        note.fields["movement"] = Movement.STATIC
        piece = _without(piece, found)
    found = _ALONE.search(piece)
    if found and found[0].casefold() != "alone":
        note.alone = True
        piece = _without(piece, found)
    found = _OVERDONE.search(piece)
    if found:
        note.closer += bool(found["far"]) - bool(found["near"])
        note.length.pace *= 2 / 3 if found["long"] else 1.5 if found["short"] else 1
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
    subject = re.compile(rf"^(he|she|they|it|him|her|them|{some_of(cast)})\s+", re.IGNORECASE)
    found = subject.match(rest)
    if found is None:
        return None
    who, words = found.group(1), rest[found.end() :].split()
    adverbs: list[str] = []
    while words and (words[0].endswith("ly") or words[0].casefold() in _SOMETIMES):
        adverbs.append(words.pop(0))
    if not words:
        return None
    plural = who.casefold() in ("they", "them") or " and " in who.casefold()
    if words[0].casefold() in ("should", "must") and words[1:]:
        words.pop(0)
        words[0] = conjugate("be", plural) if words[0].casefold() == "be" else words[0]
    verb = words[0].casefold().strip(".,").replace("’", "'")
    forms = {form: base for base, form in reversed(verb_forms().get(verb, ()))}
    if verb in _HELPING and words[1:]:
        deed = [verb, *words[1:]]
    elif verb == "not" and any(form is Form.BASE for w in words[1:2] for _, form in verb_forms().get(w, ())):
        deed = [conjugate("do", plural), *words]
    elif forms:
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


def _without(text: str, match: re.Match[str]) -> str:
    return f"{text[: match.start()]} {text[match.end() :]}"
