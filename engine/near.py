"""What to say instead of a word that a checkpoint cannot draw: one spelled nearly so, or near in sense."""

from __future__ import annotations

from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path

from engine.vocabulary import Vocabulary, singulars

_NEAR_WORDS = Path(__file__).with_name("near_words.txt")
_ALIKE = 0.82  # "castel" and "forrest" pass, "horse" for "house" does not


def nearest(vocabulary: Vocabulary, word: str) -> str | None:
    """A word that the checkpoint can draw, near to one that it cannot; None when nothing is near."""
    known = _words(vocabulary)
    forms = (word.casefold(), *singulars(word.casefold()))
    meant = next((near for form in forms if (near := _table().get(form)) in known), None)
    if meant is not None:
        return meant
    alike = get_close_matches(word.casefold(), known, n=1, cutoff=_ALIKE) if len(word) > 4 else []
    return alike[0] if alike else None


def _words(vocabulary: Vocabulary) -> frozenset[str]:
    kinds = vocabulary.kinds.items()
    return _known(tuple((kind, name, words) for kind, entry in kinds for name, words in entry.items()))


@lru_cache(maxsize=16)
def _known(entries: tuple[tuple[str, str, tuple[str, ...]], ...]) -> frozenset[str]:
    return frozenset(word.casefold() for _, name, words in entries for word in (name, *words))


@lru_cache(maxsize=1)
def _table() -> dict[str, str]:
    """Word -> what is near it. Terms of two words are written with a hyphen in the file."""
    table: dict[str, str] = {}
    for line in _NEAR_WORDS.read_text(encoding="utf-8").splitlines():
        near, colon, words = line.partition(": ")
        if colon and not line.startswith("#"):
            for word in words.split():
                table.setdefault(word.replace("-", " "), near)
    return table
