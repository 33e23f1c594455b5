"""One shot, a bit different: a new D and C for one shot of a storyboard, from a note or just again (eq. 7).

With a note, what it asks for is done and the rest of the shot stays. Without one, the shot is covered another
way: another size and angle that cut well with both neighbours, and a line that is said a bit differently. The
director proposes; the filmmaker accepts. Same storyboard, note and seed, same proposal.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from engine.director import phrasebook
from engine.director.claims import claim
from engine.director.grammar import LONGEST, SHORTEST, framing_for, most_frames, never_asked, support_for
from engine.director.notes import Action, Note, read_note
from engine.director.wording import clip
from engine.errors import BadInput
from engine.profiles import Profile, world_vocabulary
from engine.story import Angle, CinematicAttributes, Movement, Scale, Shot, Storyboard
from engine.video.subtitles import spoken_seconds
from engine.vocabulary import Vocabulary

_SIZES = tuple(reversed(Scale))  # from wide to close
_MIRROR = {"left": "right", "right": "left", "up": "down", "down": "up", "in": "out", "out": "in"}
_TAILS = tuple(tail for tail in phrasebook.TAILS if tail.startswith(","))
_WOMAN = re.compile(r"\b(?:woman|girl|mother|queen|daughter|sister|wife)\b")
_READABLE = (
    "Nothing in the note could be read: say closer or wider, an angle, a movement, a length, a place, a "
    "time, a weather, who is in the shot, or what they do (“she sits down”)."
)

_INSTEAD = (
    "The note only says what the shot should not be, which leaves open what instead: say that, too (“from "
    "below, not from above”)."
)


@dataclass(frozen=True)
class Proposal:
    """A shot as it could be: `reasons` say what differs and why, `unread` which words were not understood."""

    shot: Shot
    reasons: tuple[str, ...]
    unread: tuple[str, ...]


def rewrite(board: Storyboard, index: int, note: str, *, profile: Profile, seed: int = 0) -> Proposal:
    """Proposes another version of the shot at `index` (from 0), given its neighbours.

    Raises BadInput for a note of which nothing could be read, or that asks for what the shot has already.
    """
    writer = _Rewriter(board, index, profile, seed)
    return writer.by_note(note) if note.strip() else writer.again()


class _Rewriter:
    def __init__(self, board: Storyboard, index: int, profile: Profile, seed: int) -> None:
        self.board = board
        self.shot = board.shots[index]
        self.around = [
            (number + 1, board.shots[number])
            for number in (index - 1, index + 1)
            if 0 <= number < len(board.shots)
        ]
        self.vocabulary: Vocabulary = profile.vocabulary or world_vocabulary()
        self.seed = seed
        self.rng = random.Random(f"{self.shot.model_dump_json()}{index}")
        self.never = never_asked(self.shot.description, self.vocabulary, profile)
        self.reasons: list[str] = []

    # ---- by a note

    def by_note(self, text: str) -> Proposal:
        """What the note asks for, and nothing else."""
        names = [member.name for member in self.board.cast]
        here = self.vocabulary.first(self._place(self.shot.attributes.place), "setting") or ""
        note = read_note(text, names, [place.name for place in self.board.places], self.vocabulary, here)
        if note.empty:
            raise BadInput(_READABLE)
        fields = self._wishes(note)
        if note.empty:
            raise BadInput(_INSTEAD)
        description = self._acted(note.actions, fields) if note.actions else self.shot.description
        shot = self._with(description, fields)
        if shot == self.shot:
            raise BadInput("The shot is like that already: ask for something else, or leave the note empty.")
        self._warn_of_old_place(shot)
        self._warn_of_jump_cuts(shot)
        return Proposal(shot, tuple(self.reasons), tuple(note.unread))

    def _wishes(self, note: Note) -> dict[str, Any]:
        now = self.shot.attributes
        fields: dict[str, Any] = {}
        for kind, value in note.fields.items():
            said = getattr(value, "value", value)
            if getattr(now, kind) != value:
                fields[kind] = value
                self.reasons.append(f"{kind}: {said}, as you asked")
                self._say_if_unknown(kind, str(said))
        if note.closer and "scale" not in note.fields:
            self._resize(note.closer, fields)
        if note.mirrored:
            words = [_MIRROR.get(word, word) for word in now.movement.value.split()]
            fields["movement"] = Movement(" ".join(words))
            self.reasons.append(f"movement: {fields['movement'].value}, the other way")
        self._refuse(note, fields)
        if "movement" in fields and "support" not in note.fields:
            fields["support"] = support_for(fields["movement"])
        if note.length.asked:
            rate = self.board.rate
            wanted = rate.frames(max(SHORTEST, min(LONGEST, note.length.of(rate.seconds(now.length)))))
            fields["length"] = min(most_frames(rate), wanted)
            most = ", the most that a shot can have" if fields["length"] < wanted else ""
            self.reasons.append(f"length: {rate.seconds(fields['length']):.1f} s{most}")
        self._people(note, fields)
        return fields

    def _refuse(self, note: Note, fields: dict[str, Any]) -> None:
        """What the note does not want is changed where it is clear to what, and else stays unread."""
        heeded = []
        for refusal in note.refused:
            kind = refusal.kind
            now = fields.get(kind, getattr(self.shot.attributes, kind))
            movement = fields.get("movement", self.shot.attributes.movement)
            instead = {"weather": "clear", "movement": Movement.STATIC, "support": support_for(movement)}.get(
                kind
            )
            if not self._is(kind, now, refusal.value):
                heeded.append(refusal)
            elif instead is None or instead == refusal.value:
                note.leave(refusal.words)
            else:
                heeded.append(refusal)
                fields[kind] = instead
                self.reasons.append(f"{kind}: {getattr(instead, 'value', instead)}, as you asked")
        note.refused = heeded

    def _is(self, kind: str, now: Any, value: Any) -> bool:
        """Whether a field says what a note names: "stormy" is rain, and the old castle a castle."""
        if kind == "weather":
            return value in (now, self.vocabulary.first(now, "weather"))
        if kind == "place" and value not in [place.name for place in self.board.places]:
            setting = self.vocabulary.first(value, "setting")
            return setting is not None and setting == self.vocabulary.first(self._place(now), "setting")
        return bool(now == value)

    def _resize(self, steps: int, fields: dict[str, Any]) -> None:
        """Closer or wider by so many sizes that look different to the profile."""
        sizes = self._drawable(_SIZES, "scale")
        now = _SIZES.index(self.shot.attributes.scale)
        there = [s for s in sizes if (_SIZES.index(s) - now) * steps > 0]
        there.sort(key=lambda s: abs(_SIZES.index(s) - now))
        if not there:
            edge = "closer" if steps > 0 else "wider"
            raise BadInput(
                f"There is no {edge} size than {self.shot.attributes.scale.value}: ask for something else."
            )
        fields["scale"] = there[min(abs(steps), len(there)) - 1]
        self.reasons.append(
            f"size: {fields['scale'].value}, {'closer' if steps > 0 else 'wider'} than before"
        )

    def _people(self, note: Note, fields: dict[str, Any]) -> None:
        cast = list(self.shot.attributes.cast)
        wanted = [name for name in cast if name not in note.left]
        wanted += [name for name in note.came if name not in wanted]
        if note.alone:
            wanted = wanted[:1]
        if wanted != cast:
            fields["cast"] = wanted
            fields["framing"] = note.fields.get("framing", framing_for(len(wanted)))
            self.reasons.append(f"in the shot: {', '.join(wanted) or 'nobody'}")

    def _acted(self, actions: Sequence[Action], fields: dict[str, Any]) -> str:
        """The actions as sentences, after the place that the old description opens with."""
        said = []
        cast = list(fields.get("cast", self.shot.attributes.cast))
        for action in actions:
            who, named = self._who(action.who, cast)
            said.append(clip(f"{who[:1].upper()}{who[1:]} {action.deed}"))
            deed = action.deed.casefold()
            named += [
                m.name for m in self.board.cast if re.search(rf"\b{re.escape(m.name.casefold())}\b", deed)
            ]
            cast += [name for name in dict.fromkeys(named) if name not in cast]
        if cast != list(fields.get("cast", self.shot.attributes.cast)):
            fields["cast"], fields["framing"] = cast, framing_for(len(cast))
        self.reasons.append("what happens is your note")
        moved = "place" in fields  # then the old first sentence tells the place that was left
        return " ".join(filter(None, ["" if moved else self._header(), *said]))

    def _who(self, said: str, cast: Sequence[str]) -> tuple[str, list[str]]:
        """How a sentence calls somebody, and the names of the cast that it means."""
        word = said.casefold()
        looks = {member.name: f"{member.name} {member.look}".casefold() for member in self.board.cast}
        women = [name for name, look in looks.items() if _WOMAN.search(look)]
        men = [name for name in looks if name not in women]
        if word in ("they", "them"):
            meant = list(cast[:2])
        elif word in ("she", "her"):
            meant = _first(women, cast)
        elif word in ("he", "him"):
            meant = _first(men, cast)
        elif word == "it":
            return "it", []
        else:
            meant = [name for name in looks if re.search(rf"\b{re.escape(name.casefold())}\b", word)]
        return " and ".join(self._ref(name) for name in meant) or said, meant

    def _ref(self, name: str) -> str:
        """ "the girl" for Girl where the film calls her so, else the name."""
        spoken = re.compile(rf"\bthe {re.escape(name)}\b", re.IGNORECASE)
        found = next((m for shot in self.board.shots if (m := spoken.search(shot.description))), None)
        return found.group(0).lower() if found else name

    def _header(self) -> str:
        """The first sentence of the old description, where it tells the place and nobody's deed."""
        first, _, rest = self.shot.description.partition(". ")
        words = f" {first.casefold()} "
        somebody = any(f" {name.casefold()} " in words for name in self.shot.attributes.cast)
        return f"{first}." if rest and not somebody and len(first.split()) <= 8 else ""

    # ---- just again

    def again(self) -> Proposal:
        """Another way to cover the same moment; each seed gives another one."""
        now = self.shot.attributes
        choices = self._coverage()
        scale, angle = choices[self.seed % len(choices)]
        fields: dict[str, Any] = {"scale": scale, "angle": angle, "movement": self._movement(scale)}
        fields["support"] = support_for(fields["movement"])
        self.reasons.append(f"{scale.value}, {angle.value} instead of {now.scale.value}, {now.angle.value}")
        if fields["movement"] is not now.movement:
            self.reasons.append(f"the camera: {fields['movement'].value} instead of {now.movement.value}")
        description = self._said_again()
        shot = self._with(description, fields)
        self._warn_of_jump_cuts(shot)
        return Proposal(shot, tuple(self.reasons), ())

    def _coverage(self) -> list[tuple[Scale, Angle]]:
        """Sizes and angles that are not the present ones, cut with both neighbours, hold everybody, and were
        seen with what happens; near sizes first.
        """
        now = self.shot.attributes
        seen = self._drawable(_SIZES, "scale")
        sizes = [size for size in seen if size.value not in self.never] or seen
        angles = self._drawable(tuple(Angle), "angle")
        people = len(now.cast)
        closest = _SIZES.index(Scale.MS if people > 1 else Scale.CU if people else Scale.LS)
        taken = {(shot.attributes.scale, shot.attributes.angle) for _, shot in self.around}
        taken.add((now.scale, now.angle))
        fitting = [s for s in sizes if _SIZES.index(s) <= closest] or list(sizes)
        pairs = [(s, a) for s in fitting for a in angles if (s, a) not in taken]
        self.rng.shuffle(pairs)
        here = _SIZES.index(now.scale)
        pairs.sort(key=lambda p: (p[0] is now.scale) + 0.5 * abs(_SIZES.index(p[0]) - here) + _rarity(p[1]))
        return pairs

    def _movement(self, scale: Scale) -> Movement:
        """A move with a motive that no neighbour makes: along with a walk, in on a face, out, or none."""
        action = self.vocabulary.first(self.shot.description, "action") or ""
        wish = Movement.STATIC
        if action.startswith("walks"):
            wish = Movement.PAN_LEFT if action.endswith("left") else Movement.PAN_RIGHT
        elif _SIZES.index(scale) > _SIZES.index(self.shot.attributes.scale) and self.shot.attributes.cast:
            wish = Movement.DOLLY_IN
        elif _SIZES.index(scale) < _SIZES.index(self.shot.attributes.scale):
            wish = Movement.DOLLY_OUT
        made = any(shot.attributes.movement is wish for _, shot in self.around)
        return Movement.STATIC if made or wish.value in self.never else wish

    def _said_again(self) -> str:
        """The same moment with another mood at its end ("…, deep in thought"); empty frames stay as told."""
        text = self.shot.description.rstrip()
        if not text or not self.shot.attributes.cast or text.endswith(("!", "?", '"', "”")):
            return text
        bare = text.rstrip(" .")
        for tail in _TAILS:
            bare = bare.removesuffix(tail)
        told = clip(bare + _TAILS[(self.rng.randrange(len(_TAILS)) + self.seed) % len(_TAILS)])
        if told == text:
            told = clip(bare)
        self.reasons.append("the line with another mood")
        return told

    # ---- shared

    def _drawable(self, members: Sequence[Any], kind: str) -> list[Any]:
        """Members that the profile draws under their own name, so that a change of size or angle is seen."""
        known = self.vocabulary.canonicals(kind)
        return [member for member in members if not known or member.value in known]

    def _say_if_unknown(self, kind: str, said: str) -> None:
        known = self.vocabulary.canonicals(kind)
        if kind in ("scale", "angle", "movement") and known:
            canonical = self.vocabulary.first(said, kind)
            if canonical is None:
                self.reasons.append(f"“{said}” is not among the words that this profile can draw")
            elif canonical != said:
                self.reasons.append(f"this profile draws “{said}” as {canonical}")

    def _with(self, description: str, fields: dict[str, Any]) -> Shot:
        attributes = CinematicAttributes.model_validate({**self.shot.attributes.model_dump(), **fields})
        spoken = spoken_seconds(attributes.dialogue)
        if "length" in fields and spoken > self.board.rate.seconds(attributes.length):
            self.reasons.append(f"the dialogue needs about {spoken:.1f} s")
        return self.shot.model_copy(update={"description": description, "attributes": attributes})

    def _place(self, name: str) -> str:
        """A place with the look of its card."""
        looks = (place.look for place in self.board.places if place.name.casefold() == name.casefold())
        return f"{name} {next(looks, '')}"

    def _warn_of_old_place(self, shot: Shot) -> None:
        """A new place, and a description that still tells the old one: the model would get both."""
        if shot.attributes.place == self.shot.attributes.place:
            return
        said = claim(shot.description, "setting", self.vocabulary).plain
        if said and said != self.vocabulary.first(self._place(shot.attributes.place), "setting"):
            self.reasons.append(f"the description still says {said}: change it, too")

    def _warn_of_jump_cuts(self, shot: Shot) -> None:
        for number, other in self.around:
            same = (other.attributes.scale, other.attributes.angle) == (
                shot.attributes.scale,
                shot.attributes.angle,
            )
            if same and other.attributes.place == shot.attributes.place:
                self.reasons.append(f"size and angle are those of shot {number}: the cut may jump")


def _first(candidates: Sequence[str], cast: Sequence[str]) -> list[str]:
    """Whom a pronoun means: one who fits and is in the shot, else in the film, else anybody in the shot."""
    there = [name for name in cast if name in candidates]
    return (there or list(candidates) or list(cast))[:1]


def _rarity(angle: Angle) -> float:
    """How much less often an angle is used than eye level."""
    return {Angle.EYE_LEVEL: 0.0, Angle.HIGH: 0.5, Angle.LOW: 0.5}.get(angle, 1.5)
