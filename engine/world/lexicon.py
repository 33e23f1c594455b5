"""The words of the world: kind -> canonical word -> words that mean the same; shipped as vocabulary."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

LEXICON_FILE = Path(__file__).with_name("lexicon.json")
Lexicon = dict[str, dict[str, list[str]]]


@cache
def lexicon() -> Lexicon:
    return dict(json.loads(LEXICON_FILE.read_text(encoding="utf-8")))


def words(kind: str, canonical: str) -> list[str]:
    """The canonical word and its synonyms."""
    return [canonical, *lexicon()[kind][canonical]]
