"""The VLM judge of the paper's section 5.2: OVQ, VTC, ISC and STS from 0 to 1, and continuity notes per cut.

| score | asked                                             | of the film                  |
|-------|---------------------------------------------------|------------------------------|
| OVQ   | once for every `WINDOW` shots: overall quality    | mean, weighted by shots      |
| VTC   | once a shot: does it show its D and C             | mean over shots              |
| ISC   | once for every `WINDOW` shots, one shot shared    | mean, weighted by pairs      |
| STS   | once a cut: does it cut well, and what is wrong   | mean over cuts               |

It sees first and last frames, not moving pictures, and says so: its figures are the judged storyboard's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, field_validator

from engine.agents.model import LanguageModel, Question
from engine.agents.prompts import prompt
from engine.errors import BadInput
from engine.refiner.model_refiner import card
from engine.story import CastMember, FrameRate, Shot
from engine.watched import IsCancelled

WINDOW = 6  # shots, so 12 pictures: about what models look at well in one question


class Score(str, Enum):
    """What is judged."""

    OVQ = "OVQ"
    VTC = "VTC"
    ISC = "ISC"
    STS = "STS"


class VerdictForm(BaseModel):
    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    evidence: str = Field(min_length=1, max_length=500)
    score: float = Field(ge=0, le=1)

    @field_validator("score", mode="before")
    @classmethod
    def _number(cls, value: object) -> object:
        """True would be read as 1, the best there is, where a model answered yes to a question."""
        if isinstance(value, bool):
            raise ValueError("a number from 0 to 1 is asked for, not true or false")
        return value


class CutForm(VerdictForm):
    errors: list[str] = Field(max_length=8)


@dataclass(frozen=True)
class JudgedShot:
    """A shot with its drawn pair."""

    shot: Shot
    start: Path
    end: Path


@dataclass(frozen=True)
class Verdict:
    """One answer of the judge about shots `first` to `last` (from 1). `errors` are notes on a cut; `asked`
    is the key of the inquiry.
    """

    score: Score
    first: int
    last: int
    value: float
    evidence: str
    errors: tuple[str, ...] = ()
    asked: str = ""

    @property
    def weight(self) -> int:
        """How much of the film it is about: shots, or neighbours."""
        return self.last - self.first + (self.score in (Score.OVQ, Score.VTC))


@dataclass(frozen=True)
class Judgement:
    """All verdicts of a film, and the mean of each score. A film of one shot has no ISC and no STS."""

    judge: str
    verdicts: tuple[Verdict, ...]

    @property
    def means(self) -> dict[Score, float]:
        """The film's scores, 0 to 1."""
        found = {}
        for score in Score:
            mine = [v for v in self.verdicts if v.score is score]
            if mine:
                found[score] = sum(v.value * v.weight for v in mine) / sum(v.weight for v in mine)
        return found

    @property
    def notes(self) -> dict[int, tuple[str, ...]]:
        """Continuity errors by the shot before the cut, from 1; cuts without any are left out."""
        return {v.first: v.errors for v in self.verdicts if v.errors}


@dataclass(frozen=True)
class Inquiry:
    """What is asked of the judge at once: words and pictures about shots `first` to `last`; one request."""

    score: Score
    first: int
    last: int
    parts: tuple[str | Path, ...]

    @property
    def instructions(self) -> str:
        return f"{prompt('judge')}\n\n{prompt(f'judge_{self.score.value.lower()}')}"

    @property
    def key(self) -> str:
        """Names the words and the pictures: the same key was asked the same."""
        said = [self.instructions, *self.parts]
        return hashlib.sha256(
            b"\0".join(part.encode() if isinstance(part, str) else part.read_bytes() for part in said)
        ).hexdigest()

    def ask(self, model: LanguageModel, seed: int = 0, cancelled: IsCancelled | None = None) -> Verdict:
        """The judge's answer. Raises ModelTrouble and Cancelled."""
        form: type[VerdictForm] = CutForm if self.score is Score.STS else VerdictForm
        answer = model.answer(Question(self.instructions, self.parts, form, seed=seed), cancelled)
        errors = tuple(e.strip() for e in answer.errors if e.strip()) if isinstance(answer, CutForm) else ()
        return Verdict(self.score, self.first, self.last, answer.score, answer.evidence, errors, self.key)


def judge_film(
    model: LanguageModel,
    shots: Sequence[JudgedShot],
    cast: Sequence[CastMember],
    rate: FrameRate,
    *,
    scores: Sequence[Score] = tuple(Score),
    seed: int = 0,
    cancelled: IsCancelled | None = None,
) -> Iterator[Verdict]:
    """Yields a verdict at a time, in the order of `inquiries`.

    Raises BadInput for a film without shots, and ModelTrouble.
    """
    if not shots:
        raise BadInput("There are no drawn shots to judge: draw them first.")
    for inquiry in inquiries(shots, cast, rate, scores):
        yield inquiry.ask(model, seed, cancelled)


def inquiries(
    shots: Sequence[JudgedShot],
    cast: Sequence[CastMember],
    rate: FrameRate,
    scores: Sequence[Score] = tuple(Score),
) -> list[Inquiry]:
    """Everything that is asked about a film, cuts last; each costs one request."""
    count = len(shots)

    def about(number: int) -> str:
        return f"Shot {number}.\n{card(shots[number - 1].shot, cast, rate)}"

    def pictures(first: int, last: int, cards: bool) -> tuple[str | Path, ...]:
        parts: list[str | Path] = []
        for number in range(first, last + 1):
            shot = shots[number - 1]
            parts += [about(number) if cards else f"Shot {number}.", "First frame:", shot.start]
            parts += ["Last frame:", shot.end]
        return tuple(parts)

    def cut(number: int) -> tuple[str | Path, ...]:
        before, after = shots[number - 1], shots[number]
        return (
            *(f"Before the cut. {about(number)}", "Its last frame:", before.end),
            *(f"After the cut. {about(number + 1)}", "Its first frame:", after.start),
        )

    def until(first: int) -> int:
        return min(first + WINDOW - 1, count)

    found = [
        *(Inquiry(Score.OVQ, a, until(a), pictures(a, until(a), False)) for a in range(1, count + 1, WINDOW)),
        *(Inquiry(Score.VTC, n, n, pictures(n, n, True)) for n in range(1, count + 1)),
        *(Inquiry(Score.ISC, a, until(a), pictures(a, until(a), True)) for a in range(1, count, WINDOW - 1)),
        *(Inquiry(Score.STS, n, n + 1, cut(n)) for n in range(1, count)),
    ]
    return [inquiry for inquiry in found if inquiry.score in scores]
