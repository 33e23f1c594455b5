"""A language model that is asked for one validated object at a time.

`LanguageModel.ask` streams: it yields what the model has written so far, and why it was asked again, and
returns the object. The model is told the JSON schema in words, and by the server's own structured output
where the server has that.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, Callable, Coroutine, Generator, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from pydantic import BaseModel

from engine.agents.answers import Misread, read_object, schema_body, shown, with_schema
from engine.agents.background import in_background
from engine.agents.choice import Source, Target
from engine.agents.pictures import small_png
from engine.watched import IsCancelled

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic_ai.models import Model
    from pydantic_ai.settings import ModelSettings

T = TypeVar("T", bound=BaseModel)

TRIES = 4
"""How often a model may write one answer: the first time, and after each complaint."""


@dataclass(frozen=True)
class Limits:
    """Patience with a model, in seconds: for a connection, for the next word, and for one whole answer.

    A local model is loaded first, without a limit; it has only the last one.
    """

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
    """The model writes: its answer so far, as unfinished JSON, without what it thinks or says around that."""

    text: str


@dataclass(frozen=True)
class AskedAgain:
    """The answer could not be used, for this reason, and the model was told so."""

    reason: str


News = Heard | AskedAgain
Connect = Callable[[Limits], AbstractAsyncContextManager["Model"]]


@dataclass
class LanguageModel:
    """One open model. `native` and `seeded` are whether it still seems to take a JSON schema, and a seed, as
    part of a request.
    """

    target: Target
    connect: Connect
    limits: Limits = field(default_factory=Limits)
    native: bool = True
    seeded: bool = True

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
        from engine.agents.trouble import told

        try:
            async with self.connect(self.limits) as model:
                while True:
                    try:
                        return await self._within(self._run(model, question, report))
                    except Exception as error:
                        changed = self._give_up(error)
                        if not changed:
                            raise
                        report(AskedAgain(changed))
        except Exception as error:
            trouble = told(error, self.target, self.limits)
            if trouble is None:
                raise
            raise trouble from None  # a library's error may hold the request, and with it the key

    def _give_up(self, error: Exception) -> str:
        """Leaves out what the server may not take, one thing at a time: says what, and nothing where the
        error has another reason.
        """
        from engine.agents.trouble import names_schema, refused_request

        if self.target.source is not Source.SERVER:
            return ""
        refused = refused_request(error)
        if refused and self.seeded and not (self.native and names_schema(error)):
            self.seeded = False
            return "the server did not take the request, so it is asked without a seed"
        if refused and self.native:
            self.native = False
            return "the server did not take the request, so the JSON schema is told in words alone"
        if self.native and getattr(error, "wordy", False):
            self.native = False
            return "no answer was a JSON object, so the JSON schema is told in words alone"
        return ""

    async def _within(self, run: Any) -> T:
        result: T = await asyncio.wait_for(run, self.limits.answer)
        return result

    def _settings(self, model: Model, question: Question[T]) -> ModelSettings:
        from pydantic_ai.settings import ModelSettings

        # Without "never", a system message in the middle of the conversation announces each complaint, and
        # the chat templates of many open models refuse that.
        settings = ModelSettings(framing_announcement="never")
        if self.seeded:
            settings["seed"] = question.seed
        if self.native:
            # Not as the library's own output type, which reads answers by stricter rules than `read_object`.
            settings["extra_body"] = schema_body(question.form, model.profile.get("json_schema_transformer"))
        return settings

    async def _run(self, model: Model, question: Question[T], report: Callable[[News], None]) -> T:
        from pydantic_ai import Agent, ModelRetry, TextOutput, capture_run_messages

        complained: list[str] = []
        begun = False

        def complain(sentences: Sequence[str]) -> ModelRetry:
            complained.append(" ".join(sentences))
            if len(complained) < question.tries:
                report(AskedAgain(complained[-1]))
            return ModelRetry("\n".join(sentences))

        def parse(text: str) -> T:
            nonlocal begun
            try:
                answer = read_object(text, question.form)
            except Misread as error:
                begun = begun or error.begun
                raise complain(error.faults) from None
            begun = True
            complaints = question.check(answer)
            if complaints:
                raise complain(complaints)
            return answer

        agent: Any = Agent(
            model,
            output_type=TextOutput(parse),
            instructions=with_schema(question.instructions, question.form),
            retries=question.tries - 1,
            model_settings=self._settings(model, question),
        )

        async def listen(context: Any, events: AsyncIterable[Any]) -> None:
            text = ""
            async for event in events:
                piece = _words(event)
                if not piece:
                    continue
                if not text and len(_answers(context.messages)) > len(complained):
                    complained.append("The answer was empty.")  # the library asks again by itself
                    report(AskedAgain(complained[-1]))
                text += piece
                if said := shown(text):
                    report(Heard(said))

        with capture_run_messages() as messages:
            try:
                run = await agent.run(_content(question.parts), event_stream_handler=listen)
            except Exception as error:
                error.complaint = complained[-1] if complained else ""  # type: ignore[attr-defined]
                error.finish = finish = _finish(messages)  # type: ignore[attr-defined]
                error.wordy = not begun and _all_tried(error, finish)  # type: ignore[attr-defined]
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


def _finish(messages: Sequence[Any]) -> str:
    """Why the last answer ended: "stop", "length" where there was no more room for it, "content_filter"."""
    answers = _answers(messages)
    return str(answers[-1].finish_reason or "") if answers else ""


def _answers(messages: Sequence[Any]) -> list[Any]:
    return [message for message in messages if message.kind == "response"]


def _all_tried(error: Exception, finish: str) -> bool:
    """Whether a model answered as often as it may. A refusal or want of room is another matter."""
    from pydantic_ai import UnexpectedModelBehavior

    return type(error) is UnexpectedModelBehavior and finish not in ("length", "content_filter")


def _words(event: Any) -> str:
    """The text in an event of a streamed answer."""
    kind = getattr(event, "event_kind", "")
    if kind == "part_start" and getattr(event.part, "part_kind", "") == "text":
        return str(event.part.content)
    if kind == "part_delta" and getattr(event.delta, "part_delta_kind", "") == "text":
        return str(event.delta.content_delta)
    return ""
