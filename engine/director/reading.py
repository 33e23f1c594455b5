"""Whether a text can be directed at all, and what a film of it would be called."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from engine.director.breakdown import Breakdown
from engine.director.clauses import has_verb
from engine.director.english import (
    AUXILIARIES,
    DETERMINERS,
    POSSESSIVES,
    PREPOSITIONS,
    PRONOUNS,
    SUBORDINATORS,
    Tag,
    Token,
    sentences,
    tag,
)
from engine.director.people import CREATURES
from engine.director.wording import joined
from engine.errors import BadInput
from engine.vocabulary import Vocabulary, is_story_word, singulars, word_set

LONGEST_THEME = 200_000  # characters
MOST_SHOTS = 200
_SAMPLE = 4000  # words looked at to tell the language
_FOREIGN = word_set("""
    le les une dans avec des est du el los las con por una uno il gli della nel nella und der das ein
    eine einen ist nicht dem den mit och att det som een het van voor niet je ich em uma não os um que
    sur pour qui vom zum im auf og på til ett en ja nie się jest na do w z i
""") - word_set("""
    i do na em en je os im den il mit van
""")
_SHARED = word_set("""
    am as bad band die do fast gut hat i in is kind last man me no on or so son still stand un war warm will
""")
"""They look English, and are words of its neighbours too."""
_SMALL = word_set("""
    a an the and or but nor of in on at by for to from with as into over
""")
_LEADING = (
    _SMALL
    | DETERMINERS
    | POSSESSIVES
    | PREPOSITIONS
    | SUBORDINATORS
    | AUXILIARIES
    | word_set("to who which that whose")
)


_LAST = word_set("do up down out off over")
"""They lead to something, and may end what is told: "what would you do", "wakes up"."""
_TITLED_FROM = 40  # words of a first sentence that a title is made of
_ENDING = (Tag.AND, Tag.MARK)
_PARTING = frozenset((Tag.PREPOSITION, Tag.SUBORDINATOR, Tag.RELATIVE, Tag.TO))


def check_numbers(shots: int, seconds: float | None) -> None:
    """Raises BadInput for a number of shots or a length that no film has."""
    if not 1 <= shots <= MOST_SHOTS:
        raise BadInput(f"A film has 1 to {MOST_SHOTS} shots: ask for a number in between.")
    if seconds is not None and not 0 < seconds < float("inf"):
        raise BadInput("The length of the film must be a number of seconds above zero.")


def clean(theme: str) -> str:
    """The theme without control characters. Raises BadInput where there is nothing to read, or too much."""
    if len(theme) > LONGEST_THEME:
        raise BadInput(f"The text has {len(theme):,} characters: shorten it to {LONGEST_THEME:,} or fewer.")
    text = "".join(
        c if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Co", "Cn") else " "
        for c in theme.replace("\r\n", "\n").replace("\r", "\n")
    )
    if not text.strip():
        raise BadInput("The theme is empty: write what the film is about, one sentence is enough.")
    if not any(c.isalpha() for c in text):
        raise BadInput(
            "There are no words in the theme: write what the film is about, one sentence is enough."
        )
    return text.strip()


def check_english(text: str, vocabulary: Vocabulary) -> None:
    """Raises BadInput for text that is plainly not English, or not language."""
    letters = [c for c in text[: _SAMPLE * 6] if c.isalpha()]
    latin = sum("LATIN" in unicodedata.name(c, "") for c in letters)
    words = [w.casefold() for w in re.findall(r"[^\W\d_]+", text)[:_SAMPLE]]
    foreign = sum(w in _FOREIGN for w in words)
    english = sum(is_story_word(w) or bool(vocabulary.find(w)) for w in words)
    advice = "write the theme in English, or write the shots yourself"
    if latin < 0.7 * len(letters) or (foreign > 1 and foreign * 2 > english):
        raise BadInput(f"The built-in director reads English only: {advice}.")
    if len(words) >= 4 and english < 0.2 * len(words):
        raise BadInput(f"The built-in director cannot make sense of this text: {advice}.")


def reads_english(sentence: str, vocabulary: Vocabulary) -> bool:
    """Whether a sentence has English words in it; what is too short to tell passes for English.

    Words with a capital may be names, or any noun of a German; words of other languages that look English
    ("am") tell nothing.
    """
    words = [w for w in re.findall(r"[^\W\d_]+", sentence)[:_SAMPLE] if w.islower()]
    if len(sentence.split()) < 4 or len(words) < 2:
        return True
    return sum(_only_english(w, vocabulary) for w in words) >= 0.2 * len(words)


def _only_english(word: str, vocabulary: Vocabulary) -> bool:
    known = is_story_word(word) or bool(vocabulary.find(word)) or CREATURES & {word, *singulars(word)}
    return bool(known) and word not in _SHARED


def make_title(theme: str, found: Breakdown) -> str:
    """A title from the theme: itself if it is short, else who and whom or what, or who and where."""
    first = " ".join(next(iter(sentences(theme)), theme).split(maxsplit=_TITLED_FROM)[:_TITLED_FROM])
    asks, first = first.endswith("?"), first.rstrip(".!?…,;: ")
    if len(first.split()) <= (8 if asks else 4):
        return _titled(first)[:119] + "?" * asks
    event = next((e for e in found.events if e.subject and (e.others or e.thing)), None)
    lead = event.subject[0] if event else (found.actors[0] if found.actors and not found.invented else None)
    unnamed = first.split()[0].casefold() in PRONOUNS
    if lead is None or unnamed:
        return _titled(_opening(first))[:120]
    acting = next((e.subject for e in found.events if e.subject), ()) if found.actors else ()
    who = joined(a.ref for a in acting) if event is None and lead in acting else lead.ref
    if event is not None:
        whom = [a.ref for a in event.subject[1:]] or [event.others[0].ref if event.others else event.thing]
        return _titled(joined([who, *whom]))[:120]
    if found.implied:
        whole = _opening(first)
        cut = len(acting) > 1 and lead in acting and whole != first and _unfinished(first, whole)
        return _titled(joined(a.ref for a in acting) if cut else whole)[:120]
    spot = found.spots[0]
    return _titled(f"{who} {spot.at if spot.setting == 'room' else 'of ' + spot.the}")[:120]


def _opening(sentence: str) -> str:
    """What happens first in a sentence, in at most six words that do not lead to what was cut: "… at the"."""
    words = sentence.split()
    tokens = tag(sentence := " ".join(words))
    ends = [(sentence[: t.start].rstrip(" ,;:—–"), t) for t in _joints(tokens)]
    told = [end for end, t in ends if len(end.split()) > 1 and not _leads_on(end.split()[-1].casefold(), t)]
    short = [end for end in told if len(end.split()) <= 6]
    if len(words) > 6 and (short or (told and len(told[0].split()) <= 9)):
        return short[-1] if short else told[0]
    if len(words) <= 9 and not short:
        return sentence.rstrip(" ,;:—–")
    words = words[:6]
    while len(words) > 1 and words[-1].casefold().strip(",;:—–") in _LEADING:
        words.pop()
    return " ".join(words).rstrip(" ,;:—–")


def _leads_on(word: str, joint: Token) -> bool:
    """Whether the last word before a joint needs what follows: in "out | of", not in "falls out | and"."""
    return word in _LEADING and not (word in _LAST and (joint.tag in _ENDING or word == "do"))


def _unfinished(sentence: str, title: str) -> bool:
    """Whether a title had to be cut where nothing ends."""
    return not any(sentence[: t.start].rstrip(" ,;:—–") == title for t in _joints(tag(sentence)))


def _joints(tokens: Sequence[Token]) -> list[Token]:
    """Where a sentence may be cut: before each phrase that is joined to it, up to a second deed."""
    found: list[Token] = []
    for i, t in enumerate(tokens[1:], 1):
        if t.tag is Tag.PREPOSITION and not (tokens[i + 1 :] and tokens[i + 1].tag not in _ENDING):
            continue  # "wakes up and …"
        parts = t.tag in _PARTING or t.text in ",;:—–"
        if _in_list(tokens, i):
            continue  # "a knight, a witch and a king"
        if t.tag is Tag.AND and not (has_verb(tokens[:i]) and has_verb(tokens[i:])):
            continue  # "a dark and stormy night", "Paul and Maria quarrel"
        if parts or t.tag is Tag.AND:
            found.append(t)
        if t.tag is Tag.AND:
            break
    return found


def _in_list(tokens: Sequence[Token], i: int) -> bool:
    """Whether the token at i is a comma of a list; "the beach, and snow" is none."""
    later = [j for j in range(i + 1, len(tokens)) if tokens[j].tag is Tag.AND]
    listed = bool(later) and (later[0] > i + 1 or any(t.text == "," for t in tokens[:i]))
    return listed and tokens[i].text == "," and not has_verb(tokens[:i])


def make_logline(theme: str) -> str:
    """The theme in at most two sentences and 300 characters."""
    parts = sentences(theme)
    line = parts[0]
    if len(parts) > 1 and len(line) + len(parts[1]) < 240:
        line = f"{line.rstrip('.')}. {parts[1]}" if line[-1].isalnum() else f"{line} {parts[1]}"
    if len(line) > 300:
        line = line[:299].rsplit(" ", 1)[0].rstrip(" ,;:") + "…"
    line = line[:1].upper() + line[1:].rstrip(" ,;:")
    return line if line.endswith((".", "!", "?", "…", '"', "”")) else line + "."


def _titled(text: str) -> str:
    words = text.split()
    return " ".join(
        w if i and w.casefold() in _SMALL and i < len(words) - 1 else w[:1].upper() + w[1:]
        for i, w in enumerate(words)
    )
