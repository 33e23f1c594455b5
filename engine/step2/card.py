"""The checkpoint card `step2.json` beside model_index.json: what a STEP² checkpoint says of itself.

The defaults are those of the real Qwen-Image family (20B, prompt templates of 34 and 64 dropped tokens), so a
stock repository without a card loads with the values that it was trained with. This module needs no torch.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from engine.errors import CheckpointError
from engine.vocabulary import Unseen

CARD_NAME = "step2.json"

_SYSTEM_TEXT = (
    "Describe the image by detailing the color, shape, size, texture, quantity, text, spatial relationships "
    "of the objects and background:"
)
_SYSTEM_IMAGE = (
    "Describe the key features of the input image (color, shape, size, texture, objects, background), then "
    "explain how the user's text instruction should alter or modify the image. Generate a new image that "
    "meets the user's requirements while maintaining consistency with the original input where appropriate."
)
_CHAT = "<|im_start|>system\n{system}<|im_end|>\n<|im_start|>user\n{user}<|im_end|>\n<|im_start|>assistant\n"
PICTURE = "<|vision_start|><|image_pad|><|vision_end|>"  # one picture, as Qwen2.5-VL's prompts have it
MEMORY = "{memory}"
_TEXT_TEMPLATE = _CHAT.format(system=_SYSTEM_TEXT, user="{}")
_IMAGE_TEMPLATE = _CHAT.format(system=_SYSTEM_IMAGE, user="Picture 1: " + PICTURE + "{}")


class PromptTemplate(BaseModel):
    """A prompt with one `{}` for the shot's text, and `{memory}` where the pictures of the pack stand, if the
    checkpoint reads any.

    Of the understanding model's hidden states, `[drop:]` are kept: a positive number drops the template's
    head (Qwen-Image), a negative one keeps just the last -drop states (a checkpoint with context tokens at
    its end).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: str
    drop: int


class CheckpointCard(BaseModel):
    """What a checkpoint is, how it was trained, and how it likes to be sampled. Sizes are in pixels."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str = "Qwen-Image"
    note: str = Field("", description="the honest label: what this checkpoint is and is not")
    base: str = Field("", description="of a LoRA: the model that it was trained on, by its name on the hub")
    pairs: bool = Field(
        False, description="trained on [start | end | memory]; a stock text-to-image model is not"
    )
    preview: bool = False
    samples_seen: int = Field(0, ge=0)
    width: int = Field(1664, ge=32)
    height: int = Field(928, ge=32)
    steps: int = Field(50, ge=1, le=1000)
    guidance: float = Field(
        4.0, ge=1.0, le=100.0, description="true classifier-free guidance; 1 turns it off"
    )
    memory_guidance: float = Field(
        1.0, ge=1.0, le=10.0, description="how much the memory pack is followed; 1 costs nothing extra"
    )
    eta: float = Field(
        0.0, ge=0.0, le=1.0, description="part of the noise that each step draws anew; 0 is Euler's step"
    )
    rescale: bool = Field(
        True, description="scale the guided velocity back to the norm of the conditional one"
    )
    negative: str = Field(
        " ", description="the text of the unconditional branch; memory and previous frame stay"
    )
    text_only: PromptTemplate = PromptTemplate(text=_TEXT_TEMPLATE, drop=34)
    with_image: PromptTemplate = PromptTemplate(text=_IMAGE_TEMPLATE, drop=64)
    vl_area: int = Field(384 * 384, ge=64, description="area at which a picture is read")
    memory_pictures: int = Field(
        0,
        ge=0,
        description="frames of the memory pack that the understanding model reads, too, the best first; none "
        "in the paper",
    )
    vl_multiple: int = Field(32, ge=1, description="the sides of that reading are multiples of this")
    max_prompt_tokens: int = Field(
        1024, ge=1, description="a longer prompt is cut here; its template never is"
    )
    dtype: Literal["float32", "bfloat16"] = Field("bfloat16", description="the weights are run in this type")
    adapters: tuple[str, ...] = Field(
        (),
        description="LoRA folders beside the card, merged into the weights in this order on loading",
    )
    vocabulary: str | None = Field(None, description="file beside the card with the words that it can draw")
    unseen: tuple[Unseen, ...] = Field((), description="what training never showed together")

    @model_validator(mode="after")
    def _pictures_have_a_place(self) -> CheckpointCard:
        if self.memory_pictures and not all(
            template.text.count(MEMORY) == 1 for template in (self.text_only, self.with_image)
        ):
            raise ValueError(f"with memory_pictures, both templates need {MEMORY} once, where those stand")
        return self


def read_card(folder: Path) -> CheckpointCard:
    """The card of a checkpoint folder; the stock Qwen-Image values where there is none.

    Raises CheckpointError when there is a card that cannot be understood.
    """
    path = folder / CARD_NAME
    if not path.exists():
        return CheckpointCard()
    try:
        return CheckpointCard.model_validate_json(path.read_text(encoding="utf-8"))
    except (ValidationError, UnicodeDecodeError) as e:
        where = e.errors()[0]["loc"] if isinstance(e, ValidationError) and e.errors() else ()
        at = f" at {'.'.join(map(str, where))}" if where else ""
        raise CheckpointError(f"The checkpoint's card {CARD_NAME} cannot be read{at}: fetch it again.") from e


def write_card(card: CheckpointCard, folder: Path) -> None:
    """Writes the card beside model_index.json."""
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(card.model_dump(mode="json"), indent=2, ensure_ascii=False)
    (folder / CARD_NAME).write_text(text + "\n", encoding="utf-8")
