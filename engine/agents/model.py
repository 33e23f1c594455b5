"""A language model that is asked for one validated object at a time.

`LanguageModel.ask` streams: it yields what the model has written so far, and why it was asked again, and
returns the object. The model is told the JSON schema by the server's own structured output where the server
has that, and in words where it has not.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterable, Callable, Coroutine, Generator, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError

from engine.agents.background import in_background
from engine.agents.choice import Source, Target
from engine.agents.pictures import small_png
from engine.watched import IsCancelled

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic_ai.models import Model

T = TypeVar("T", bound=BaseModel)

TRIES = 4
"""How often a model may write one answer: the first time, and after each complaint."""


@dataclass(frozen=True)
class Limits:
    """Patience with a model, in seconds: for a connection, for the next word, and for one whole answer."""

    connect: float = 10.0
    silence: float = 180.0
    answer: float = 900.0


@dataclass(frozen=True)
class Question(Generic[T]):
    """What is asked. `parts` are texts and picture files in reading order; `check` names what is wrong with
    a well-formed answer, in sentences that are said back to the model.
    """

    instructions: str
    parts: Sequence[str | Path]
    form: type[T]
    check: Callable[[T], Sequence[str]] = lambda _answer: ()
    seed: int = 0
    tries: int = TRIES


@dataclass(frozen=True)
class Heard:
    """The model writes: its answer so far, as unfinished JSON."""

    text: str


@dataclass(frozen=True)
class AskedAgain:
    """The answer could not be used, for this reason, and the model was told so."""

    reason: str


News = Heard | AskedAgain
Connect = Callable[[Limits], AbstractAsyncContextManager["Model"]]


@dataclass
class LanguageModel:
    """One open model. `native` is whether it still seems to take a JSON schema as part of a request."""

    target: Target
    connect: Connect
    limits: Limits = field(default_factory=Limits)
    native: bool = True

    def ask(self, question: Question[T], cancelled: IsCancelled | None = None) -> Generator[News, None, T]:
        """The answer, with news on the way.

        Raises ModelTrouble with one sentence for all that can go wrong with a server or a model, and
        Cancelled.
        """

        def work(report: Callable[[News], None]) -> Coroutine[Any, Any, T]:
            return self._ask(question, report)

        return (yield from in_background(work, cancelled))

    def answer(self, question: Question[T], cancelled: IsCancelled | None = None) -> T:
        """The answer alone, for callers that show nothing on the way."""
        asking = self.ask(question, cancelled)
        while True:
            try:
                next(asking)
            except StopIteration as done:
                result: T = done.value
                return result

    async def _ask(self, question: Question[T], report: Callable[[News], None]) -> T:
        from engine.agents.trouble import refused_form, told

        try:
            async with self.connect(self.limits) as model:
                try:
                    return await self._within(self._run(model, question, report))
                except Exception as error:
                    if not (self.native and refused_form(error)):
                        raise
                self.native = False
                report(AskedAgain("this server takes no JSON schema, so it is told in words"))
                return await self._within(self._run(model, question, report))
        except Exception as error:
            trouble = told(error, self.target, self.limits)
            if trouble is None:
                raise
            raise trouble from None  # a library's error may hold the request, and with it the key

    async def _within(self, run: Any) -> T:
        result: T = await asyncio.wait_for(run, self.limits.answer)
        return result

    async def _run(self, model: Model, question: Question[T], report: Callable[[News], None]) -> T:
        from pydantic_ai import Agent, ModelRetry, NativeOutput, TextOutput, capture_run_messages
        from pydantic_ai.settings import ModelSettings

        complained: list[str] = []

        def complain(sentences: Sequence[str]) -> ModelRetry:
            complained.append(" ".join(sentences))
            if len(complained) < question.tries:
                report(AskedAgain(complained[-1]))
            return ModelRetry("\n".join(sentences))

        def parse(text: str) -> T:
            try:
                return question.form.model_validate_json(text[text.find("{") : text.rfind("}") + 1])
            except ValidationError as error:
                raise complain(_faults(error)) from error

        native: Any = NativeOutput(question.form, strict=True)
        agent: Any = Agent(
            model,
            output_type=native if self.native else TextOutput(parse),
            instructions=question.instructions if self.native else _with_schema(question),
            retries=question.tries - 1,
            model_settings=ModelSettings(seed=question.seed) if self.native else None,
        )

        @agent.output_validator  # type: ignore[untyped-decorator, unused-ignore]
        def check(answer: T) -> T:
            complaints = question.check(answer)
            if complaints:
                raise complain(complaints)
            return answer

        answers = 0

        async def listen(_context: Any, events: AsyncIterable[Any]) -> None:
            nonlocal answers
            text = ""
            async for event in events:
                piece = _words(event)
                if not piece:
                    continue
                if not text:
                    answers += 1
                    if answers > len(complained) + 1:
                        complained.append("")
                        report(AskedAgain("the answer was not of the asked form"))
                text += piece
                report(Heard(text))

        with capture_run_messages() as messages:
            try:
                run = await agent.run(_content(question.parts), event_stream_handler=listen)
            except Exception as error:
                error.complaint = _last_complaint(error, complained)  # type: ignore[attr-defined]
                error.cut_off = _cut_off(messages)  # type: ignore[attr-defined]
                raise
        answer: T = run.output
        return answer


@contextmanager
def open_model(target: Target, limits: Limits | None = None) -> Iterator[LanguageModel]:
    """The model of a target, closed at the end: a local one holds memory as long as it is open."""
    limits = limits or Limits()
    match target.source:
        case Source.SERVER:
            from engine.agents.server import connect_server

            yield LanguageModel(target, lambda patience: connect_server(target, patience), limits)
        case Source.LOCAL:
            from engine.agents.local import LocalProcess, connect_local

            with LocalProcess(target.model) as process:
                yield LanguageModel(target, lambda patience: connect_local(process, patience), limits)
        case Source.BUILT_IN:
            raise ValueError("the built-in agents are no language models")


def _content(parts: Sequence[str | Path]) -> list[Any]:
    from pydantic_ai import BinaryContent

    return [
        part if isinstance(part, str) else BinaryContent(small_png(part), media_type="image/png")
        for part in parts
    ]


def _with_schema(question: Question[Any]) -> str:
    """The instructions for a server that takes no schema as part of a request."""
    schema = json.dumps(question.form.model_json_schema(), ensure_ascii=False)
    order = "Answer with one JSON object and nothing else, of exactly this JSON schema:"
    return f"{question.instructions}\n\n{order}\n{schema}"


def _faults(error: ValidationError) -> list[str]:
    """What is wrong with an answer, as a model is told it: not more than it can take at once."""
    if error.errors()[0]["type"] == "json_invalid":
        return ["The answer is not a JSON object. Write the object alone, without any other words."]
    return [
        f"{'.'.join(str(part) for part in fault['loc'])}: {fault['msg']}." for fault in error.errors()[:8]
    ]


def _cut_off(messages: Sequence[Any]) -> bool:
    """Whether the last answer ended because there was no more room for it."""
    answers = [message for message in messages if message.kind == "response"]
    return bool(answers) and getattr(answers[-1], "finish_reason", None) == "length"


def _last_complaint(error: BaseException, complained: Sequence[str]) -> str:
    """The last thing that was wrong, in words."""
    at: BaseException | None = error
    while at is not None:
        if isinstance(at, ValidationError):
            return _faults(at)[0]
        at = at.__cause__ or at.__context__
    return complained[-1] if complained else ""


def _words(event: Any) -> str:
    """The text in an event of a streamed answer."""
    kind = getattr(event, "event_kind", "")
    if kind == "part_start" and getattr(event.part, "part_kind", "") == "text":
        return str(event.part.content)
    if kind == "part_delta" and getattr(event.delta, "part_delta_kind", "") == "text":
        return str(event.delta.content_delta)
    return ""
