"""`python -m engine.agents.local_process MODEL`: transformers, constrained by outlines, over lines of JSON.

In:  {"id", "load": true}: get ready; {"id", "messages", "schema", "seed"}: one question;
     {"stop": id}: nobody waits for it any more
Out: {"id", "ready": true}: the model is loaded; {"id", "text"}: a piece of the answer; {"id", "done": true};
     {"id", "error": sentence}

It leaves when stdin closes, whatever it does at that moment.
"""

from __future__ import annotations

import base64
import io
import json
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue
from typing import Any

MOST_TOKENS = 8192
_EXTRA = "A local model needs outlines and llguidance: pip install 'stage-studio[local-llm]'."


class LocalModel:
    """Weights, a processor or tokenizer, and the constraint of a JSON schema."""

    def __init__(self, name: str) -> None:
        """Raises ValueError with one sentence; what means that memory ran out comes as it is (see
        `engine.streaming.is_out_of_memory`).
        """
        self.name = name
        try:
            import llguidance  # noqa: F401 - the backend of outlines that takes long schemas
            import outlines
        except ModuleNotFoundError as error:
            raise ValueError(_EXTRA) from error
        import torch
        from safetensors import SafetensorError
        from transformers import (
            AutoConfig,
            AutoModelForCausalLM,
            AutoModelForImageTextToText,
            AutoProcessor,
            AutoTokenizer,
        )
        from transformers.models.auto.modeling_auto import MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES

        from engine.streaming import is_out_of_memory

        try:
            config = AutoConfig.from_pretrained(name)
            self.room = getattr(config.get_text_config(), "max_position_embeddings", None)
            self.sees = config.model_type in MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES
            loader = AutoModelForImageTextToText if self.sees else AutoModelForCausalLM
            place = {"device_map": "auto"} if torch.cuda.is_available() else {}
            model, loaded = loader.from_pretrained(name, dtype="auto", output_loading_info=True, **place)
            self.model = model.eval()
            reader: Any = AutoProcessor if self.sees else AutoTokenizer
            self.processor = reader.from_pretrained(name)
        except SafetensorError as error:
            raise ValueError(_damaged(name, _first_line(error))) from error
        except (OSError, ValueError, KeyError) as error:
            if is_out_of_memory(error):
                raise
            raise ValueError(
                f"{name} cannot be loaded as a language model ({_first_line(error)}): check its name, or "
                "download it first."
            ) from error
        if missing := sorted(loaded["missing_keys"]):  # they were made up; tied weights are not among them
            raise ValueError(_damaged(name, f"{missing[0]} is missing"))
        if torch.backends.mps.is_available():
            self.model.to("mps")
        self.tokenizer = self.processor.tokenizer if self.sees else self.processor
        template = getattr(self.processor, "chat_template", None)
        self.template = template.get("default") if isinstance(template, dict) else template
        if not self.template:
            raise ValueError(f"{name} has no chat template: choose an instruct model.")
        self.outlines = outlines.from_transformers(self.model, self.processor)

    def answer(
        self, messages: list[dict[str, Any]], schema: dict[str, Any], seed: int, say: Callable[[str], bool]
    ) -> None:
        """Writes an object of the schema; `say` gets the pieces, and answers True to go on.

        Raises ValueError with one sentence.
        """
        import torch
        from outlines.backends import get_json_schema_logits_processor
        from transformers import LogitsProcessorList, StoppingCriteriaList, TextStreamer

        class Streamer(TextStreamer):
            going = True

            def on_finalized_text(self, text: str, stream_end: bool = False) -> None:
                self.going = say(text) and self.going

        streamer = Streamer(self.tokenizer, skip_prompt=True, skip_special_tokens=True)
        constraint = get_json_schema_logits_processor("llguidance", self.outlines, json.dumps(schema))
        inputs = self._inputs(messages).to(self.model.device)
        read = inputs["input_ids"].shape[1]
        if self.room is not None and read >= self.room:
            raise ValueError(
                f"This is too long for {self.name} ({read} tokens, and it reads {self.room}): shorten the "
                "text, or choose a model that reads more under Agents."
            )
        most = MOST_TOKENS if self.room is None else min(MOST_TOKENS, self.room - read)

        def stop(ids: Any, *_: Any, **__: Any) -> Any:
            ended = not (streamer.going and say(""))
            return torch.full((ids.shape[0],), ended, dtype=torch.bool, device=ids.device)

        torch.manual_seed(seed)
        with torch.inference_mode():
            made = self.model.generate(
                **inputs,
                max_new_tokens=most,
                do_sample=True,
                streamer=streamer,
                logits_processor=LogitsProcessorList([constraint]),
                stopping_criteria=StoppingCriteriaList([stop]),
                pad_token_id=self.tokenizer.pad_token_id or self.tokenizer.eos_token_id,
            )
        if made.shape[1] - read >= most:
            raise ValueError(
                "The local model ran out of room in the middle of its answer: ask for fewer shots."
            )

    def _inputs(self, messages: list[dict[str, Any]]) -> Any:
        from PIL import Image

        items = [item for message in messages for item in message["content"] if item["type"] == "image"]
        pictures = [Image.open(io.BytesIO(base64.b64decode(item["png"]))).convert("RGB") for item in items]
        if pictures and not self.sees:
            raise ValueError("This local model sees no pictures: choose one that does, such as Qwen2.5-VL.")
        chat: list[dict[str, Any]] = messages
        if not self.sees:  # templates of text models take plain texts
            chat = [
                {"role": m["role"], "content": "\n\n".join(item["text"] for item in m["content"])}
                for m in messages
            ]
        text = self._text(chat)
        if not self.sees:
            return self.processor([text], return_tensors="pt", add_special_tokens=False)
        # Where the template writes the token of the beginning, the tokenizer would write it a second time.
        begins = self.tokenizer.bos_token
        options = {"add_special_tokens": False} if begins and text.startswith(begins) else {}
        return self.processor(text=[text], images=pictures or None, return_tensors="pt", **options)

    def _text(self, chat: list[dict[str, Any]]) -> str:
        """The chat in the model's own template, also where that knows no system role."""
        from jinja2 import TemplateError

        try:
            return self._templated(chat)
        except TemplateError:
            return self._templated(_without_system(chat))

    def _templated(self, chat: list[dict[str, Any]]) -> str:
        text: str = self.tokenizer.apply_chat_template(
            chat,
            chat_template=self.template,
            tokenize=False,
            add_generation_prompt=True,
            enable_thinking=False,  # the form is the thought; templates without this ignore it
        )
        return text


def _without_system(chat: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What the system says as the beginning of what the user says."""
    if len(chat) < 2 or chat[0]["role"] != "system":
        return chat
    order, said = chat[0]["content"], chat[1]["content"]
    both = f"{order}\n\n{said}" if isinstance(order, str) else [*order, *said]
    return [{"role": "user", "content": both}, *chat[2:]]


def serve(name: str) -> None:
    """Answers questions from stdin until it closes."""
    out = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what libraries print is no answer
    questions: SimpleQueue[dict[str, Any]] = SimpleQueue()
    stopped: set[int] = set()
    threading.Thread(target=_read, args=(questions, stopped), name="questions", daemon=True).start()

    def tell(number: int, **news: Any) -> None:
        out.write(f"{json.dumps({'id': number, **news})}\n")
        out.flush()

    model: LocalModel | None = None
    while True:
        question = questions.get()
        number = int(question["id"])

        def say(text: str, number: int = number) -> bool:
            if text:
                tell(number, text=text)
            return number not in stopped

        try:
            if model is None:
                model = LocalModel(name)
            if question.get("load"):
                tell(number, ready=True)
                continue
            model.answer(question["messages"], question["schema"], int(question["seed"]), say)
            tell(number, done=True)
        except ValueError as error:
            tell(number, error=_first_line(error))
        except Exception as error:
            import traceback

            from engine.streaming import is_out_of_memory

            traceback.print_exc()
            if is_out_of_memory(error):
                tell(number, error=f"Not enough memory for {name}: choose a smaller model under Agents.")
            else:
                tell(
                    number,
                    error=f"{name} failed ({type(error).__name__}): choose another model under Agents.",
                )


def _read(questions: SimpleQueue[dict[str, Any]], stopped: set[int]) -> None:
    for line in sys.stdin:
        message = json.loads(line)
        if "stop" in message:
            stopped.add(int(message["stop"]))
        else:
            questions.put(message)
    os._exit(0)


def _damaged(name: str, how: str) -> str:
    return f"{name} is damaged or only half downloaded ({how}): fetch it again."


def _first_line(error: BaseException) -> str:
    return str(error).strip().splitlines()[0][:300] if str(error).strip() else type(error).__name__


if __name__ == "__main__":
    if Path(sys.argv[1]).is_dir():
        os.environ.setdefault("HF_HUB_OFFLINE", "1")
    serve(sys.argv[1])
