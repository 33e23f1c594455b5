"""Which films of the world, by their seeds, serve what: closed ranges that share no film.

No stage trains, selects or reports on a film of EVALUATION, which `stage evaluate` alone draws; what a stage
reports of, it reports of its own held-out films. The seeds are the world's for good: measured figures hang on
them.
"""

from __future__ import annotations

from engine.errors import BadInput

TRAIN = range(500_000)  # films whose latents, views and words are learnt from
VAE_POOL = range(500_000, 600_000)  # films whose frames the VAE crops
UPSCALER_POOL = range(600_000, 700_000)
EVALUATION = range(700_000, 800_000)
FILMS_HELD_OUT = range(800_000, 900_000)  # of every stage that learns films: their latents, words and views
FRAMES_HELD_OUT = range(900_000, 1_000_000)  # of the stages that learn pictures: VAE and upscaler

SPLITS: dict[str, range] = {
    "train": TRAIN,
    "VAE pool": VAE_POOL,
    "upscaler pool": UPSCALER_POOL,
    "evaluation": EVALUATION,
    "held-out films": FILMS_HELD_OUT,
    "held-out frames": FRAMES_HELD_OUT,
}

_WORDS = 20_000
WORDS_TRAIN, WORDS_HELD_OUT = TRAIN[:_WORDS], FILMS_HELD_OUT[:_WORDS]  # drawn by lot, rendered as they come
VOCABULARY = TRAIN[:4000]  # films whose prompts the tokenizers are made from


def films_of(split: range, count: int, first: int = 0) -> range:
    """`count` films of a split from its `first` on. Raises BadInput when it has not as many."""
    if first + count > len(split):
        raise BadInput(f"There are only {len(split):,} films for this: ask for fewer.")
    return split[first : first + count]
