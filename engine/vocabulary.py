"""The words that a checkpoint understands: data that it declares, so that the studio can mark the others.

A vocabulary is kind -> canonical word -> words that mean the same to the checkpoint, as in
`{"person": {"man": ["fisherman", "old man"]}, "weather": {"rain": ["storm", "stormy"]}}`.
A profile without one (a large model that reads any English) has `vocabulary=None`. Needs no torch.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import NamedTuple

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_STORY_WORDS = Path(__file__).with_name("story_words.txt")
THING_VERBS = "verbs that are also things"
_BEFORE_NOUNS = frozenset(
    [
        "a",
        "an",
        "the",
        "this",
        "that",
        "these",
        "those",
        "my",
        "your",
        "his",
        "her",
        "its",
        "our",
        "their",
        "of",
        "with",
        "and",
        "two",
        "three",
    ]
)


class Match(NamedTuple):
    """A known word in a text: `span` is [start, end) in characters."""

    kind: str
    canonical: str
    span: tuple[int, int]


@dataclass(frozen=True)
class Unseen:
    """An action that a checkpoint was never shown with some values of a field of the camera, and the value to
    take instead; all in canonical words.
    """

    action: str
    field: str
    values: tuple[str, ...]
    instead: str


_Terms = dict[tuple[str, ...], tuple[str, str]]


@dataclass(frozen=True)
class Vocabulary:
    """kind -> canonical word -> the words a checkpoint also understands by it (lower case)."""

    kinds: Mapping[str, Mapping[str, tuple[str, ...]]]

    @classmethod
    def from_dict(cls, data: Mapping[str, Mapping[str, Iterable[str]]]) -> Vocabulary:
        """Checks the shape of a declared vocabulary. Raises ValueError with the entry that is wrong."""
        kinds: dict[str, dict[str, tuple[str, ...]]] = {}
        for kind, entries in data.items():
            if not isinstance(entries, Mapping):
                raise ValueError(f"vocabulary: {kind!r} must map canonical words to lists of words")
            kinds[kind] = {}
            for canonical, words in entries.items():
                if isinstance(words, str) or not all(isinstance(w, str) for w in words):
                    raise ValueError(f"vocabulary: {kind!r} / {canonical!r} must be a list of words")
                kinds[kind][canonical] = tuple(w.strip().casefold() for w in words if w.strip())
        return cls(kinds)

    @classmethod
    def load(cls, path: Path) -> Vocabulary:
        """Reads `vocabulary.json`. Raises OSError, or ValueError where the file is not such a vocabulary."""
        data = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(data, dict):
            raise ValueError(f"{path.name} must hold an object of kinds")
        return cls.from_dict(data)

    def canonicals(self, kind: str) -> tuple[str, ...]:
        """The canonical words of a kind, in the order in which the checkpoint declares them."""
        return tuple(self.kinds.get(kind, ()))

    def looks_of(self, setting: str) -> tuple[str, ...]:
        """The kinds that tell how a setting looks: "forest palette", "forest side"."""
        return tuple(kind for kind in self.kinds if setting and kind.startswith(f"{setting} "))

    def words(self, kind: str, canonical: str) -> tuple[str, ...]:
        """Every word for `canonical`, itself first."""
        return (canonical, *self.kinds.get(kind, {}).get(canonical, ()))

    def find(self, text: str, *kinds: str) -> list[Match]:
        """Known words in reading order: longest match, on word boundaries, any case, simple plurals.

        Matches never overlap. A word that several kinds claim belongs to the first that declares it; `kinds`
        restricts the search (a word claimed by another kind is then free).
        """
        table, reach = self._table(kinds)
        tokens = [(m.group().casefold().replace("’", "'"), m.span()) for m in _WORD.finditer(text)]
        found: list[Match] = []
        i = 0
        while i < len(tokens):
            step = 1
            for n in range(min(reach.get(tokens[i][0], 1), len(tokens) - i), 0, -1):
                run = tokens[i : i + n]
                if n > 1 and not _joined(text, run):
                    continue
                head = tuple(w for w, _ in run[:-1])
                entry = next((table[k] for f in _forms(run[-1][0]) if (k := (*head, f)) in table), None)
                if entry is not None:
                    found.append(Match(*entry, (run[0][1][0], run[-1][1][1])))
                    step = n
                    break
            i += step
        return found

    def first(self, text: str, kind: str) -> str | None:
        """The canonical word of `kind` that the text names first, or None."""
        return next((m.canonical for m in self.find(text, kind)), None)

    def unknown(self, text: str, names: Iterable[str] = ()) -> list[str]:
        """Words of the text that name something to see which the checkpoint cannot draw, each once, in order.

        Left out: known words, function words, words that tell a story rather than a picture ("finds", "lost",
        "old"), adverbs, and the `names` of the cast. What remains is mostly nouns of things: "dragon".
        """
        skip = {w.group().casefold() for n in names for w in _WORD.finditer(n)} | set(self.kinds)
        covered = {i for m in self.find(text) for i in range(*m.span)}
        unknown: dict[str, None] = {}
        before = ""
        for m in _WORD.finditer(text):
            word = re.sub(r"['’]s?$", "", m.group().casefold())
            inside = m.start() in covered
            if not inside and len(word) > 2 and word not in skip and not _told(word, before):
                unknown[word] = None
            before = "the" if inside else word  # after a known word ("red kite") comes a noun
        return list(unknown)

    @cached_property
    def _tables(self) -> dict[tuple[str, ...], tuple[_Terms, dict[str, int]]]:
        return {}

    def _table(self, kinds: tuple[str, ...]) -> tuple[_Terms, dict[str, int]]:
        """Words of a term -> (kind, canonical), and first word -> words in the longest term that it opens.

        Canonical words win over synonyms.
        """
        if kinds not in self._tables:
            chosen = [k for k in self.kinds if not kinds or k in kinds]
            table: _Terms = {}
            for kind in chosen:
                for canonical in self.kinds[kind]:
                    table.setdefault(_key(canonical), (kind, canonical))
            for kind in chosen:
                for canonical, words in self.kinds[kind].items():
                    for word in words:
                        table.setdefault(_key(word), (kind, canonical))
            table.pop((), None)
            reach: dict[str, int] = {}
            for term in table:
                reach[term[0]] = max(reach.get(term[0], 1), len(term))
            self._tables[kinds] = table, reach
        return self._tables[kinds]


def noun_phrase(term: str) -> str:
    """A term with the article that it needs: "a bookshelf", "autumn leaves", "two pines"."""
    first, last = term.split()[0], re.split(r" (?:on|at|of|between|above) ", term)[0].split()[-1]
    if first in ("one", "two") or (last.endswith("s") and not last.endswith("ss")) or last in _NO_ARTICLE:
        return term
    return f"{'an' if term[0] in 'aeiou' else 'a'} {term}"


_NO_ARTICLE = frozenset(("foliage", "wallpaper", "skin", "cacti"))


def _told(word: str, before: str) -> bool:
    """Whether a word is story here. "Fishes" is; "a fish" is a thing, and so is any word after an article."""
    if any(form in word_sections()[THING_VERBS] for form in plain_forms(word)):
        sections = word_sections()
        return not (before in _BEFORE_NOUNS or before in sections["adjectives"])
    return is_story_word(word)


def _key(term: str) -> tuple[str, ...]:
    return tuple(w.casefold().replace("’", "'") for w in _WORD.findall(term))


def _joined(text: str, run: list[tuple[str, tuple[int, int]]]) -> bool:
    """Whether the words of a run stand together, with only spaces or hyphens between them."""
    return all(
        re.fullmatch(r"[\s\-‐-–]+", text[a[1] : b[0]]) is not None
        for (_, a), (_, b) in itertools.pairwise(run)
    )


@lru_cache(maxsize=20_000)
def _forms(word: str) -> tuple[str, ...]:
    """The last word of a term as written, then without a possessive and in the singular."""
    bare = re.sub(r"'s?$", "", word)
    return tuple(dict.fromkeys((word, bare, *singulars(bare))))


_IRREGULAR = {
    "children": "child",
    "people": "person",
    "wolves": "wolf",
    "knives": "knife",
    "wives": "wife",
    "thieves": "thief",
    "elves": "elf",
    "mice": "mouse",
    "geese": "goose",
}


def singulars(word: str) -> tuple[str, ...]:
    """Words that `word` may be the plural of, most likely first."""
    if word in _IRREGULAR:
        return (_IRREGULAR[word],)
    for plural, singular in (("women", "woman"), ("men", "man")):
        if word.endswith(plural):
            return (word[: -len(plural)] + singular,)
    if word.endswith("ies") and len(word) > 4:
        return (word[:-3] + "y", word[:-1])
    if word.endswith(("ches", "shes", "sses", "xes", "zes")):
        return (word[:-2], word[:-1])
    if word.endswith("s") and not word.endswith(("ss", "us", "is")) and len(word) > 3:
        return (word[:-1],)
    return ()


def word_set(text: str) -> frozenset[str]:
    """The words of a text: a readable way to write down a long list."""
    return frozenset(text.split())


@lru_cache(maxsize=1)
def word_sections() -> dict[str, frozenset[str]]:
    """The words of `story_words.txt`, by section."""
    sections: dict[str, set[str]] = {}
    current: set[str] = set()
    for line in _STORY_WORDS.read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            current = sections.setdefault(line.strip("[] "), set())
        elif not line.startswith("#"):
            current.update(line.split())
    return {name: frozenset(words) for name, words in sections.items()}


@lru_cache(maxsize=1)
def irregular_verbs() -> tuple[tuple[str, str, str], ...]:
    """(base, past, past participle) of irregular English verbs."""
    text = _STORY_WORDS.read_text(encoding="utf-8").split("[irregular]")[1].split("[")[0]
    return tuple(
        (base, past, done) for base, past, done in (line.split() for line in text.split("\n") if line)
    )


@lru_cache(maxsize=1)
def story_words() -> frozenset[str]:
    """Words that are story or grammar, never a thing to draw; plain forms and irregular ones."""
    sections = word_sections()
    things = sections[THING_VERBS]
    irregular = {form for verb in irregular_verbs() if verb[0] not in things for form in verb}
    return (
        sections["function"] | sections["verbs"] | sections["abstract"] | sections["adjectives"] | irregular
    )


def plain_forms(word: str) -> Iterable[str]:
    """The word, then what it may be inflected from: "stopped" -> "stop", "hurries" -> "hurry"."""
    yield word
    yield from singulars(word)
    for suffix in ("ing", "ed", "es"):
        if word.endswith(suffix) and len(word) - len(suffix) >= 2:
            yield from _stems(word[: -len(suffix)])


@lru_cache(maxsize=20_000)
def is_story_word(word: str) -> bool:
    """Whether a lower-case word tells rather than shows."""
    if word.endswith("ly") or any(form in story_words() for form in plain_forms(word)):
        return True
    compared = next((word[: -len(s)] for s in ("er", "est") if word.endswith(s) and len(word) > 4), None)
    return compared is not None and any(s in word_sections()["adjectives"] for s in _stems(compared))


def _stems(stem: str) -> Iterable[str]:
    yield stem
    yield stem + "e"
    if stem.endswith("i"):
        yield stem[:-1] + "y"
    if len(stem) > 2 and stem[-1] == stem[-2]:
        yield stem[:-1]
