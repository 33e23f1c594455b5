"""The director played by a language model: a chain of thought in five stages (STAGE, eq. 7).

    theme -> cast and places -> beats (with lengths) -> shots -> continuity check

Each stage is one validated object. What is wrong with it (the number of shots, the film's length, a name that
is not in the cast) is said back to the model; when that does not help, the director gives up with a
sentence, and nothing is repaired behind the author's back. Long films are thought in parts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeVar

from pydantic import BaseModel

from engine.agents.choice import Target
from engine.agents.model import AskedAgain, Heard, LanguageModel, Limits, Question, open_model
from engine.agents.prompts import prompt
from engine.director.forms import CastForm, Terms, ThemeForm, beats_form, continuity_form, shots_form
from engine.director.grammar import SHORTEST, check_length, most_frames
from engine.director.reading import check_numbers, clean
from engine.director.stages import (
    Beats,
    CastList,
    Filmed,
    Logline,
    PlaceList,
    ShotList,
    Stage,
    Warnings,
    Working,
)
from engine.director.telling import painter_limits, shot_line
from engine.profiles import Profile
from engine.story import CastMember, CinematicAttributes, FrameRate, Place, Shot, Storyboard, slate_letters
from engine.watched import IsCancelled

F = TypeVar("F", bound=BaseModel)
MOST_BEATS = 40  # in one answer: more, and models lose count
MOST_SHOTS_AT_ONCE = 8
LONGEST_BEAT = 20.0  # seconds, where the film's length leaves the choice


class ModelDirector:
    """G_dire as a language model on a server, or on this machine."""

    def __init__(
        self, target: Target, limits: Limits | None = None, cancelled: IsCancelled | None = None
    ) -> None:
        self.target = target
        self._limits = limits
        self._cancelled = cancelled

    def direct(
        self, theme: str, *, shots: int, profile: Profile, seed: int = 0, seconds: float | None = None
    ) -> Iterator[Stage]:
        """See `engine.director.stages.Director`. Any language that the model reads.

        Raises ModelTrouble on the way, with one sentence that says what to do.
        """
        check_numbers(shots, seconds)
        text = clean(theme)
        if seconds is not None:
            check_length(shots, seconds, FrameRate())
        return self._stages(theme, text, shots, profile, seed, seconds)

    def _stages(
        self, theme: str, text: str, shots: int, profile: Profile, seed: int, seconds: float | None
    ) -> Iterator[Stage]:
        with open_model(self.target, self._limits) as model:
            yield from _Thinking(model, theme, text, shots, profile, seed, seconds, self._cancelled).stages()


@dataclass(frozen=True)
class _Beat:
    """One shot's part of the story, as stage 3 settled it."""

    text: str
    scene: int
    place: str
    time: Any
    weather: str
    frames: int


@dataclass
class _Thinking:
    """One film being thought out."""

    model: LanguageModel
    theme: str
    text: str
    shots: int
    profile: Profile
    seed: int
    seconds: float | None
    cancelled: IsCancelled | None

    def __post_init__(self) -> None:
        self.rate = FrameRate()
        self.terms = Terms.of(self.profile)
        self.settled = [f"The text of the film:\n\n{self.text}"]

    def stages(self) -> Iterator[Stage]:
        """The whole chain."""
        yield Working("reading")
        theme = yield from self._ask("theme", ThemeForm, prompt("director_theme", shots=self.shots))
        self._settle("Theme", theme)
        yield Logline(theme.title, theme.logline)

        people = yield from self._ask("cast and places", CastForm, prompt("director_cast"), _named_once)
        self._settle("Cast and places", people)
        cast = [CastMember(name=p.name, look=p.look) for p in people.cast]
        places = [Place(name=p.name, look=p.look, interior=p.interior) for p in people.places]
        yield CastList(tuple(cast))

        beats: list[_Beat] = []
        for first, last in _parts(self.shots, MOST_BEATS):
            beats += yield from self._beats(first, last, beats, [p.name for p in places])
        yield PlaceList(tuple(places), beats[0].time, beats[0].weather)
        yield Beats(tuple(beat.text for beat in beats))

        filmed: list[Shot] = []
        for first, last in _parts(self.shots, MOST_SHOTS_AT_ONCE):
            made = yield from self._shots(first, last, beats, filmed, [c.name for c in cast])
            filmed += made
            yield Filmed(first, tuple(made))

        notes: list[str] = []
        for first, last in _parts(self.shots, MOST_BEATS):
            notes += yield from self._continuity(first, last, filmed)
        yield self._warnings(notes, filmed, cast, places)
        yield ShotList(
            Storyboard(
                title=theme.title,
                theme=self.theme,
                logline=theme.logline,
                look=theme.look,
                rate=self.rate,
                cast=cast,
                places=places,
                shots=filmed,
            )
        )

    def _beats(
        self, first: int, last: int, before: Sequence[_Beat], places: Sequence[str]
    ) -> Generator[Stage, None, list[_Beat]]:
        """Stage 3 for shots `first` to `last`, which get their share of a length that is fixed."""
        count = last - first + 1
        shortest = self.rate.frames(SHORTEST)
        total: int | None = None
        longest = self.rate.frames(LONGEST_BEAT)
        if self.seconds is not None:
            whole = max(self.rate.frames(self.seconds), shortest * self.shots)
            total = whole * last // self.shots - whole * (first - 1) // self.shots
            longest = min(total - shortest * (count - 1), most_frames(self.rate))
        length = f"All lengths together must be exactly {total} frames."
        if total is None:
            usual = f"{self.rate.frames(2)} to {self.rate.frames(5)}"
            length = f"A shot lasts {shortest} to {longest} frames; most last {usual}."
        order = prompt(
            "director_beats",
            first=first,
            last=last,
            shots=self.shots,
            count=count,
            rate=self.rate,
            second=self.rate.frames(1),
            length=length,
        )
        form = beats_form(count, shortest, longest, places, self.terms)

        def check(answer: Any) -> list[str]:
            wrong = []
            frames = sum(beat.frames for beat in answer.beats)
            if total is not None and frames != total:
                off = f"{total - frames} too few" if frames < total else f"{frames - total} too many"
                wrong.append(
                    f"The lengths add up to {frames} frames, {off}: they must add up to exactly {total}. "
                    "Change some lengths and write all beats again."
                )
            return wrong

        answer: Any = yield from self._ask("beats", form, order, check, range(first, last + 1))
        found = []
        scene = before[-1].scene if before else 0
        for b in answer.beats:
            scene = scene + 1 if b.new_scene or scene == 0 else scene
            found.append(_Beat(b.text, scene, b.place, b.time, b.weather, b.frames))
        lines = [
            f"{n}. (scene {b.scene}; {b.place}, {b.time.value} {b.weather}; {b.frames} frames) {b.text}"
            for n, b in enumerate(found, first)
        ]
        self.settled.append("Beats:\n" + "\n".join(lines))
        return found

    def _shots(
        self, first: int, last: int, beats: Sequence[_Beat], before: Sequence[Shot], names: Sequence[str]
    ) -> Generator[Stage, None, list[Shot]]:
        """Stage 4 for shots `first` to `last`."""
        count = last - first + 1
        form = shots_form(count, names, self.terms)
        order = prompt("director_shots", first=first, last=last, count=count)
        answer: Any = yield from self._ask("shots", form, order, numbers=range(first, last + 1))
        slates: dict[int, int] = {}
        for shot in before:
            slates[shot.scene] = slates.get(shot.scene, 0) + 1
        made = []
        for beat, shot in zip(beats[first - 1 : last], answer.shots, strict=True):
            index = slates[beat.scene] = slates.get(beat.scene, 0) + 1
            attributes = CinematicAttributes(
                scale=shot.scale,
                angle=shot.angle,
                movement=shot.movement,
                length=beat.frames,
                framing=shot.framing,
                support=shot.support,
                purpose=shot.purpose,
                place=beat.place,
                time=beat.time,
                weather=beat.weather,
                cast=list(dict.fromkeys(shot.cast)),
                dialogue=shot.dialogue,
                sound=shot.sound,
            )
            made.append(
                Shot(
                    description=shot.description,
                    attributes=attributes,
                    scene=beat.scene,
                    slate=slate_letters(index - 1),
                )
            )
        self.settled.append("Shots:\n" + "\n".join(shot_line(n, shot) for n, shot in enumerate(made, first)))
        return made

    def _continuity(self, first: int, last: int, filmed: list[Shot]) -> Generator[Stage, None, list[str]]:
        """Stage 5: puts corrected descriptions in their places, and says what was corrected."""
        order = prompt("director_continuity", first=first, last=last)
        found: Any = yield from self._ask("continuity", continuity_form(first, last), order)
        notes = []
        for correction in found.corrections:
            at = correction.shot - 1
            if correction.description == filmed[at].description:
                continue
            filmed[at] = filmed[at].model_copy(update={"description": correction.description})
            notes.append(f"Shot {correction.shot} was corrected for continuity: {correction.problem}")
        return notes

    def _warnings(
        self, notes: Sequence[str], shots: Sequence[Shot], cast: Sequence[CastMember], places: Sequence[Place]
    ) -> Warnings:
        """What the profile cannot draw of what was written, and what the continuity check corrected."""
        if self.profile.vocabulary is None:
            return Warnings((), tuple(notes))
        texts = [shot.description for shot in shots] + [c.look for c in cast] + [p.look for p in places]
        names = [c.name for c in cast] + [p.name for p in places]
        return Warnings(tuple(self.profile.vocabulary.unknown(". ".join(texts), names)[:40]), tuple(notes))

    def _ask(
        self,
        stage: str,
        form: type[F],
        order: str,
        check: Callable[[F], Sequence[str]] = lambda _answer: (),
        numbers: range | None = None,
    ) -> Generator[Stage, None, F]:
        """One answer; says on the way what the model is at."""
        question = Question(
            prompt("director", limits=painter_limits(self.profile, self.terms)),
            ["\n\n".join(self.settled), order],
            form,
            check,
            seed=self.seed,
        )
        asking = self.model.ask(question, self.cancelled)
        said = ""
        try:
            while True:
                news = next(asking)
                match news:
                    case AskedAgain(reason=reason):
                        yield Working(f"{stage}: asked again ({reason.rstrip('.')})")
                        said = ""
                    case Heard(text=text):
                        doing = f"writing {stage}"
                        if numbers is not None:
                            at = min(max(_begun(text), 1), len(numbers))
                            doing = f"{doing}, {numbers[at - 1]} of {self.shots}"
                        if doing != said:
                            said = doing
                            yield Working(doing)
        except StopIteration as done:
            answer: F = done.value
            return answer
        finally:
            asking.close()

    def _settle(self, heading: str, answer: BaseModel) -> None:
        self.settled.append(f"{heading}:\n{answer.model_dump_json(indent=1)}")


def _parts(count: int, most: int) -> list[tuple[int, int]]:
    """1..count in as few even parts of at most `most` as there can be, each as (first, last)."""
    pieces = -(-count // most)
    edges = [count * i // pieces for i in range(pieces + 1)]
    return [(a + 1, b) for a, b in pairwise(edges)]


def _named_once(answer: CastForm) -> list[str]:
    wrong = []
    for what, names in (("cast", [c.name for c in answer.cast]), ("places", [p.name for p in answer.places])):
        folded = [name.casefold() for name in names]
        twice = sorted({name for name in names if folded.count(name.casefold()) > 1})
        if twice:
            wrong.append(f"Everyone and everything has one name: {', '.join(twice)} is in the {what} twice.")
    return wrong


def _begun(text: str) -> int:
    """How many items of the list in an unfinished answer are begun: the objects inside its array."""
    inside = re.sub(r'"(?:[^"\\]|\\.)*"?', "", text)
    return max(inside.count("{") - 1, 0)
