"""The mini checkpoint's tokenizers: byte-level BPE over the world's own words; any text has tokens."""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import cache

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from engine.training.paraphrase import FILLERS, NAMES, THINGS, paraphrase
from engine.world.lexicon import lexicon
from engine.world.splits import VOCABULARY
from engine.world.story import new_shots, new_story

VOCABULARY_SIZE = 2048
CONTEXT_TOKENS = tuple(f"<|context_{i}|>" for i in range(16))
SPECIAL = (
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<|vision_start|>",
    "<|vision_end|>",
    "<|image_pad|>",
    "<|video_pad|>",
    *CONTEXT_TOKENS,
)


def corpus(lines: int = 20_000) -> Iterator[str]:
    """Prompts as training sees them, and every word of the lexicon."""
    r = random.Random(0)
    for kind in lexicon().values():
        for canonical, synonyms in kind.items():
            yield from (f" {word}" for word in (canonical, *synonyms))
    yield from (f" {word}" for word in (*NAMES, *FILLERS, *THINGS))
    for k in range(lines):
        story = new_story(VOCABULARY[k % len(VOCABULARY)])
        yield paraphrase(story, r.choice(new_shots(story, 2)), set(), r).prompt


@cache
def _lines() -> tuple[str, ...]:
    """The corpus, which both tokenizers learn from."""
    return tuple(corpus())


def _train(special: tuple[str, ...]) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY_SIZE - len(special),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
        limit_alphabet=256,
    )
    tokenizer.train_from_iterator(_lines(), trainer)
    tokenizer.add_special_tokens(
        list(special)
    )  # after the words: CLIP pools at the largest id, its end token
    return tokenizer


def understanding_tokenizer() -> PreTrainedTokenizerFast:
    """For the context model: Qwen's control tokens and sixteen context tokens."""
    return PreTrainedTokenizerFast(
        tokenizer_object=_train(SPECIAL), pad_token="<|endoftext|>", eos_token="<|im_end|>"
    )


def ranking_tokenizer() -> PreTrainedTokenizerFast:
    """For the ranker: a start and an end token."""
    return PreTrainedTokenizerFast(
        tokenizer_object=_train(("<|start|>", "<|end|>")), bos_token="<|start|>", eos_token="<|end|>"
    )
